# SPDX-License-Identifier: Apache-2.0
"""AWS itself fails: DynamoDB throttles, is down or stalls; S3 answers 503. A gate stands between the tasks and AWS."""

import json
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import grpc
from chaos.faults.base import Fault, Site
from chaos.faults.network import block
from chaos.gate import Behaviour
from chaos.platform import ROOT, ChaosError, wait_until
from prometheus_client.parser import text_string_to_metric_families
from streamify.catalog.v1 import catalog_service_pb2 as catalog
from streamify.catalog.v1 import catalog_service_pb2_grpc as catalog_grpc
from streamify_local.processes import Stat

_METRICS_PORT = 9100
_WARM_CALLS = 12


def prepare(site: Site) -> None:
    """Put a gate that passes everything between the tasks and AWS; new and old connections go through it.

    Raises:
        ChaosError: it does not start, or the tasks' requests do not come.
    """
    env = site.platform.environment
    port = _free_port(env.gateway)
    command = [sys.executable, "-m", "chaos.gate", "--upstream", env.endpoint]
    command += ["--listen", f"{env.gateway}:{port}", "--listen", f"127.0.0.1:{port}"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT / "tests")
    site.children.append(process)
    stat = Stat.of(process.pid)
    if stat is not None:
        site.undo.add("end_process", pid=process.pid, start_time=stat.start_time)
    if process.stdout is None or process.stdout.readline() != b"ready\n":
        raise ChaosError("the gate between the tasks and AWS did not start.")
    site.storage = f"http://127.0.0.1:{port}"
    aws = str(env.ports["aws"])
    block(
        site, "PREROUTING", "-s", env.cidr, "-d", f"{env.gateway}/32", "-p", "tcp", "--dport", aws,
        "-j", "REDIRECT", "--to-ports", str(port), table="nat",
    )  # fmt: skip
    # Connections that stand already would pass by: they are reset. Credentials come by another address.
    block(
        site, "INPUT", "!", "-i", "lo", "-s", env.cidr, "-p", "tcp", "--dport", aws,
        "-m", "conntrack", "--ctorigdst", env.gateway, "-j", "REJECT", "--reject-with", "tcp-reset", table="filter",
    )  # fmt: skip
    wait_until(lambda: _warmed(site), "the tasks' requests come through the gate", 30)


def _warmed(site: Site) -> bool:
    """Ask for something that no task remembers; some of these calls meet a connection that was reset."""
    ca = Path(site.platform.outputs["ca_file"]).read_bytes()
    metadata = (("authorization", f"Bearer {site.platform.token('chaos-gate')}"),)
    with grpc.secure_channel(site.platform.outputs["grpc_target"], grpc.ssl_channel_credentials(ca)) as channel:
        stub = catalog_grpc.VideoServiceStub(channel)
        for _ in range(_WARM_CALLS):
            with suppress(grpc.RpcError):
                stub.ListVideos(catalog.ListVideosRequest(), metadata=metadata, timeout=5)
    return int(told(site)["counts"].get("dynamodb passed", 0)) >= 2 * _WARM_CALLS


def _free_port(address: str) -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


def told(site: Site, behaviour: Behaviour | None = None) -> Any:
    """What the gate did so far; changes what it does when given a behaviour."""
    body = None if behaviour is None else json.dumps(asdict(behaviour)).encode()
    request = urllib.request.Request(f"{site.storage}/_gate", data=body)
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def calls(site: Site) -> tuple[float, float]:
    """Calls to DynamoDB and the attempts they took, of the tasks that serve now (from their metrics)."""
    counted = {"streamify_dependency_calls_total": 0.0, "streamify_dependency_seconds_count": 0.0}
    for task in site.platform.serving():
        with urllib.request.urlopen(f"http://{task.address}:{_METRICS_PORT}/metrics", timeout=10) as answer:
            for family in text_string_to_metric_families(answer.read().decode()):
                for sample in family.samples:
                    if sample.name in counted and sample.labels.get("service") == "DynamoDB":
                        counted[sample.name] += sample.value
    first, second = counted.values()
    return first, second


def _strike(kind: str, service: str, share: float = 1.0) -> Callable[[Site], None]:
    def strike(site: Site) -> None:
        before = calls(site) if kind == "throttle" else (0.0, 0.0)
        site.measured["calls before"], site.measured["attempts before"] = before
        told(site, Behaviour(service, kind, share, site.rng.randrange(1 << 30)))

    return strike


def _end(site: Site) -> None:
    counts = told(site, Behaviour())["counts"]
    hit = {name: count for name, count in counts.items() if not name.endswith("passed")}
    if not hit:
        raise ChaosError("no request of the tasks met the fault: the experiment proved nothing.")
    site.notes.append(", ".join(f"{count} times {name}" for name, count in sorted(hit.items())))


def _end_of_throttling(site: Site) -> None:
    after = calls(site)
    made = after[0] - site.measured.pop("calls before")
    attempts = after[1] - site.measured.pop("attempts before")
    site.measured |= {"calls": made, "attempts a call": attempts / max(1.0, made)}
    site.notes.append(f"{made:.0f} calls to DynamoDB took {attempts:.0f} attempts")
    _end(site)


def _fault(name: str, text: str, kind: str, service: str = "dynamodb") -> Fault:
    strike = _strike(kind, service)
    return Fault(name, text, strike, 60, 10, prepare=prepare, end=_end, counts_from="end")


FAULTS = (
    Fault(
        "dynamodb_throttled", "DynamoDB throttles 30 % of its requests", _strike("throttle", "dynamodb", 0.3), 60, 10,
        prepare=prepare, end=_end_of_throttling, counts_from="end",
    ),
    _fault("dynamodb_down", "DynamoDB cuts every connection", "down"),
    _fault("s3_5xx", "S3 answers 503 to tasks and uploads", "error", "s3"),
    _fault("dependency_stalled", "DynamoDB takes requests and never answers", "stall"),
)  # fmt: skip
