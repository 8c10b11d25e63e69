# SPDX-License-Identifier: Apache-2.0
"""An environment without containers: emulator, balancer and CDN on free ports, and tiny targets on 127.0.0.x."""

import asyncio
import http.server
import os
import shutil
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import grpc
from streamify_local import balancer, ca, environment
from streamify_local.environment import REGION, ROOT, Environment
from streamify_local.processes import Process, Supervisor


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(condition: Callable[[], Any], seconds: float = 20.0) -> Any:
    """The condition's first true answer; fails after `seconds`."""
    deadline, last = time.monotonic() + seconds, None
    while time.monotonic() < deadline:
        try:
            last = condition()
        except (OSError, ValueError) as error:
            last = None
            problem: object = error
        else:
            problem = last
        if last:
            return last
        time.sleep(0.05)
    raise AssertionError(f"still not true after {seconds} s: {problem!r}")


@contextmanager
def running(extra: Callable[[Environment], list[Process]] = lambda _: []) -> Iterator["Platform"]:
    name = f"t{os.getpid()}"
    state_dir = ROOT / ".local" / name
    ports = {use: free_port() for use in environment.DEFAULT_PORTS}
    env = Environment(name, state_dir, "127.0.0.0/30", ports, "unix:///nowhere")
    picked = {"cidr": env.cidr, "ports": ports, "docker_host": env.docker_host}
    environment.write_atomically(state_dir / "environment.json", environment.dumps(picked))
    ca.ensure(state_dir / "ca", name)
    supervisor = Supervisor(state_dir)
    emulator = Process(
        "emulator",
        [sys.executable, "-m", "streamify_local.emulator.launcher", f"127.0.0.1:{ports['aws']}"],
        environment={
            "GATEWAY_PORT": str(ports["aws"]), "MINISTACK_REGION": REGION,
            "IOT_MTLS_ENABLED": "0", "DOCKER_HOST": env.docker_host, "LOG_LEVEL": "INFO",
            "ECS_NETWORK": "none", "ECS_NETWORK_CIDR": env.cidr, "ECS_GATEWAY": env.gateway,
            "ECS_CONTAINER_LABELS": "a=b", "ECS_METADATA_HOST": "127.0.0.1", "ECR_REGISTRY": env.registry,
        },
        ready=lambda: _listens(ports["aws"]),
        timeout=60,
    )  # fmt: skip
    try:
        supervisor.ensure([emulator])
        supervisor.ensure([*balancer.specs(env), *extra(env)])
        yield Platform(env)
    except BaseException:
        for process in supervisor.names():
            print(f"--- {process}\n{supervisor.log_tail(process, 40)}")
        raise
    finally:
        supervisor.stop_all()
        shutil.rmtree(state_dir)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Platform:
    """The environment with clients for its AWS APIs."""

    def __init__(self, env: Environment) -> None:
        self.env = env
        self.elb, self.acm, self.s3, self.cloudfront = (self.client(n) for n in ("elbv2", "acm", "s3", "cloudfront"))
        self.tls = ssl.create_default_context(cafile=env.cloud()["ca_file"])

    def client(self, service: str) -> Any:
        client: Any = boto3.client  # its types want the service's name literally
        keys = {"aws_access_key_id": "t", "aws_secret_access_key": "t"}
        return client(service, endpoint_url=self.env.endpoint, region_name=REGION, **keys)

    def import_certificate(self, which: str) -> str:
        files = self.env.cloud()["certificates"][which]
        cert, key, chain = (Path(files[part]).read_bytes() for part in ("cert", "key", "chain"))
        return str(
            self.acm.import_certificate(Certificate=cert, PrivateKey=key, CertificateChain=chain)["CertificateArn"]
        )

    def group(
        self, name: str, *, delay: int = 2, algorithm: str = "least_outstanding_requests", **settings: Any
    ) -> str:
        fast = {"HealthCheckIntervalSeconds": 5, "HealthCheckTimeoutSeconds": 2, "UnhealthyThresholdCount": 2}
        arn = str(
            self.elb.create_target_group(
                Name=name, Protocol="HTTP", Port=8080, TargetType="ip", **{**fast, **settings}
            )["TargetGroups"][0]["TargetGroupArn"]
        )
        values = {"deregistration_delay.timeout_seconds": str(delay), "load_balancing.algorithm.type": algorithm}
        self.elb.modify_target_group_attributes(
            TargetGroupArn=arn, Attributes=[{"Key": key, "Value": value} for key, value in values.items()]
        )
        return arn

    def states(self, group: str) -> dict[str, str]:
        found = self.elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        return {each["Target"]["Id"]: each["TargetHealth"]["State"] for each in found}


class HttpTarget:
    """Answers 200 with its address, and /ready with what `ready` says."""

    def __init__(self, address: str, port: int) -> None:
        self.ready, self.address, self.requests = 200, address, 0
        self.headers: dict[str, str] = {}
        target = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                status = 200
                if self.headers.get("User-Agent", "").startswith("ELB-HealthChecker"):
                    status = target.ready if self.path == "/ready" else 404
                else:
                    target.requests += 1
                    target.headers = {key.lower(): value for key, value in self.headers.items()}
                body = target.address.encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None: ...

        self._server = http.server.ThreadingHTTPServer((address, port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class GrpcTarget:
    """Answers /t.Echo/Who with its address, and /t.Health/Check with the status `ready` (and no message at all)."""

    def __init__(self, address: str, port: int) -> None:
        self.address, self.ready = address, grpc.StatusCode.OK
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(f"{address}:{port}",), daemon=True)
        self._thread.start()
        self._started.wait(10)

    def _run(self, address: str) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._start(address))
        self._loop.run_forever()

    async def _start(self, address: str) -> None:
        async def who(_request: bytes, _context: Any) -> bytes:
            return self.address.encode()

        async def check(_request: bytes, context: Any) -> bytes:
            if self.ready is not grpc.StatusCode.OK:
                await context.abort(self.ready, "draining")
            return b"\x08\x02"  # a HealthCheckResponse saying NOT_SERVING: the balancer must not look

        self._server = grpc.aio.server()
        for service, method, handler in (("t.Echo", "Who", who), ("t.Health", "Check", check)):
            handlers: dict[str, Any] = {method: grpc.unary_unary_rpc_method_handler(handler)}
            self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
        self._server.add_insecure_port(address)
        await self._server.start()
        self._started.set()

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._server.stop(0), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()
