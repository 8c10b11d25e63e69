# SPDX-License-Identifier: Apache-2.0
"""Start, drain and stop of a task."""

import asyncio
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
import httpx
import pytest
from contract.callers import Service
from contract.platform_state import Issuer
from contract.processes import ROOT, Api, clean_environment, free_port, run_api, wait_for
from grpc_health.v1 import health_pb2, health_pb2_grpc
from streamify.catalog.v1 import catalog_service_pb2 as catalog
from streamify.catalog.v1 import catalog_service_pb2_grpc as catalog_grpc
from streamify.health.v1 import health_service_pb2 as health
from streamify.health.v1 import health_service_pb2_grpc as health_grpc


async def test_sigterm_says_no_at_once_goes_on_serving_and_ends_with_0(
    environment: dict[str, str], issuer: Issuer
) -> None:
    with run_api(environment) as api:
        async with (
            grpc.aio.insecure_channel(api.grpc_target) as channel,
            httpx.AsyncClient(base_url=api.http_url) as http,
        ):
            service = Service(channel, issuer.token())
            readiness = health_grpc.ReadinessServiceStub(channel)
            await readiness.CheckReadiness(health.CheckReadinessRequest())
            assert (await http.get("/health/ready")).status_code == 200

            served = {"http": 0, "grpc": 0}
            failed: list[object] = []
            asking = True

            async def ask() -> None:
                while asking:
                    response = await http.get("/v1/videos")
                    await service.video("ListVideos", catalog.ListVideosRequest())
                    if response.status_code != 200:
                        failed.append(response.status_code)
                    served["http"] += 1
                    served["grpc"] += 1

            load = [asyncio.create_task(ask()) for _ in range(4)]
            begin = time.monotonic()
            api.terminate()
            while (ready := await http.get("/health/ready")).status_code == 200:
                assert time.monotonic() - begin < 1
            assert (ready.status_code, ready.json()["code"]) == (503, "NOT_READY")
            assert ready.headers["Retry-After"]
            assert ready.headers["Connection"] == "close"
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await readiness.CheckReadiness(health.CheckReadinessRequest())
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
            for name in ("", "streamify.upload.v1.UploadService"):
                answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=name))
                assert answer.status == health_pb2.HealthCheckResponse.NOT_SERVING
            assert (await http.get("/health/live")).status_code == 200

            before = dict(served)
            await asyncio.sleep(max(0.0, 1.0 - (time.monotonic() - begin)))  # still inside the drain of 1.5 s
            asking = False
            await asyncio.gather(*load)
            assert not failed
            assert served["http"] > before["http"]
            assert served["grpc"] > before["grpc"]

        code = await asyncio.to_thread(api.process.wait, 10)
        assert code == 0, api.lines
        assert 1.4 < time.monotonic() - begin < 5
        assert api.event("stopped")


class StallingStore(BaseHTTPRequestHandler):
    """A DynamoDB that finds nothing, and answers queries only once it is told to."""

    asked = threading.Event()
    go_on = threading.Event()
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b"{}"
        if self.headers["X-Amz-Target"].endswith(".Query"):
            self.asked.set()
            self.go_on.wait(10)
            body = b'{"Items": [], "Count": 0}'
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


def test_what_runs_when_the_listeners_close_is_finished(environment: dict[str, str], issuer: Issuer) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), StallingStore) as store, ThreadPoolExecutor() as pool:
        pool.submit(store.serve_forever, 0.05)
        settings = {
            "AWS_ENDPOINT_URL_DYNAMODB": f"http://127.0.0.1:{store.server_port}",
            "STREAMIFY_DRAIN_SECONDS": "0",
        }
        with run_api(environment | settings) as api, grpc.insecure_channel(api.grpc_target) as channel:
            token = (("authorization", f"Bearer {issuer.token()}"),)
            over_http = pool.submit(httpx.get, f"{api.http_url}/v1/videos")
            assert StallingStore.asked.wait(10)
            StallingStore.asked.clear()
            stub = catalog_grpc.VideoServiceStub(channel)
            over_grpc = stub.ListVideos.future(catalog.ListVideosRequest(), metadata=token)
            assert StallingStore.asked.wait(10)
            api.terminate()
            host, _, port = api.http_url.removeprefix("http://").partition(":")

            def closed() -> bool:
                with socket.socket() as probe:
                    return probe.connect_ex((host, int(port))) != 0

            wait_for("the listener is closed", closed, 5)
            assert not over_http.done()
            StallingStore.go_on.set()
            assert over_http.result(10).json() == {"videos": [], "next_cursor": None}
            assert not over_grpc.result(10).videos
            assert api.process.wait(10) == 0
        store.shutdown()


async def test_a_task_starts_and_is_ready_while_the_store_is_down(environment: dict[str, str], issuer: Issuer) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    broken = environment | {"AWS_ENDPOINT_URL_DYNAMODB": nobody, "STREAMIFY_DRAIN_SECONDS": "0"}
    with run_api(broken) as api:
        async with (
            httpx.AsyncClient(base_url=api.http_url, timeout=20) as http,
            grpc.aio.insecure_channel(api.grpc_target) as channel,
        ):
            assert (await http.get("/health/ready")).status_code == 200
            answer = await http.get("/v1/videos")
            assert (answer.status_code, answer.json()["code"]) == (503, "DEPENDENCY_UNAVAILABLE")
            assert answer.headers["Retry-After"]
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await Service(channel, issuer.token()).create()
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
            assert (await http.get("/health/ready")).status_code == 200


def fail_to_start(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "streamify_api"],
        env=clean_environment() | {"PYTHONPATH": str(ROOT / "api/src")} | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_bad_setting_ends_the_start_with_one_sentence(environment: dict[str, str]) -> None:
    done = fail_to_start(environment | {"STREAMIFY_SIGNING_KEY": "secret-nonsense"})
    assert done.returncode == 2
    assert done.stderr == (
        "streamify-api cannot start: STREAMIFY_SIGNING_KEY does not fit: the private key is not an unencrypted PEM.\n"
    )


def test_a_port_that_is_taken_ends_the_start_with_one_sentence(environment: dict[str, str], api: Api) -> None:
    port = api.grpc_target.rpartition(":")[2]
    done = fail_to_start(environment | {"STREAMIFY_GRPC_PORT": port})
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        f"streamify-api cannot start: port {port} of 127.0.0.1 is taken or not allowed."
    )
