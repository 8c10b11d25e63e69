#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Time of a deployment with our roles beside the same end state made with published modules: make bench-deployment.

Both are run in turn on the same emulator, whose account is emptied before each: first run, then two with nothing to
do. Counts wall time and the CPU time of ansible-playbook with all its processes, compares what AWS reports in the end,
and prints ratios. Judges nothing. BENCH_ROUNDS: how often (3).
"""

import datetime as dt
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from support.aws_state import State, snapshot
from support.emulator import free_port

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
SIDES = {"roles": ROOT / "ansible.cfg", "published": HERE / "ansible.cfg"}
# What AWS chooses anew for every resource: its ids, names of balancers in DNS, moments.
_CHOSEN = re.compile(
    r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"
    r"|\b(?:[a-z]+-)[0-9a-f]{8,17}\b|\b[0-9a-f]{16}\b|\bZ[0-9A-Z]{10,}\b|\b\d{1,3}(?:\.\d{1,3}){3}\b(?!/)"
    r"|\b[0-9a-f]{13}\b|\bNone\b|(?<=/)[0-9a-z]{16}\b|\bAROA[0-9A-Z]+\b|(?<=-)[0-9a-z]{8}(?=\.[a-z0-9-]+\.elb\.)"
    r"|\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?\+00:00"
)


@contextmanager
def emulator(directory: Path) -> Iterator[str]:
    """The local cloud's emulator without containers: no task is run, so that only the modules are waited for."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DOCKER_"))}
    environment = clean | {
        "GATEWAY_PORT": str(port),
        "DOCKER_HOST": "unix:///nonexistent",
        "TMPDIR": str(directory),
        "IOT_MTLS_ENABLED": "0",
        "MINISTACK_REGION": "eu-central-1",
        "ECR_REGISTRY": "127.0.0.1:1",
        "ECS_NETWORK": "none",
        "ECS_NETWORK_CIDR": "10.0.0.0/16",
        "ECS_GATEWAY": "10.0.0.1",
        "ECS_CONTAINER_LABELS": "",
        "ECS_METADATA_HOST": "169.254.170.2",
        "STREAMIFY_SWITCHES_DIR": str(directory),
    }
    command = [sys.executable, "-m", "streamify_local.emulator.launcher", f"127.0.0.1:{port}"]
    with (directory / "emulator.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        while True:
            try:
                urllib.request.urlopen(f"{url}/_ministack/health", timeout=1).close()
                break
            except OSError:
                if process.poll() is not None:
                    raise RuntimeError((directory / "emulator.log").read_text()[-3000:]) from None
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=20)


def certificates(directory: Path) -> None:
    """Write an authority and the two balancers' certificates."""
    now = dt.datetime.now(dt.UTC)

    def made(name: str, issuer: tuple[x509.Name, rsa.RSAPrivateKey] | None) -> tuple[x509.Name, rsa.RSAPrivateKey]:
        key = rsa.generate_private_key(65537, 2048)
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        issuer_name, issuer_key = issuer or (subject, key)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer_name).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now)
        builder = builder.not_valid_after(now + dt.timedelta(days=30))
        builder = builder.add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        signed = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(f"{name}.streamify.example")]), critical=False
        ).sign(issuer_key, hashes.SHA256())
        (directory / f"{name}.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (directory / f"{name}.key").write_bytes(pem)
        return subject, key

    authority = made("ca", None)
    made("public", authority)
    made("internal", authority)


def run(side: str, endpoint: str, directory: Path) -> tuple[float, float, int]:
    """Run one side's playbook; return wall seconds, CPU seconds and how many results were changed."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ANSIBLE_"))}
    environment = clean | {
        "ANSIBLE_CONFIG": str(SIDES[side]),
        "ANSIBLE_HOME": str(directory),
        "ANSIBLE_NOCOLOR": "1",
        "BENCH_ENDPOINT": endpoint,
        "BENCH_CERTIFICATES": str(directory),
    }
    playbook = {"roles": "ours.yml", "published": "published.yml"}[side]
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(HERE / "hosts.yml")]
    command += ["-e", f"@{HERE / 'inputs.yml'}", str(HERE / playbook)]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    finished = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if finished.returncode:
        raise SystemExit(f"{playbook} failed:\n{finished.stdout[-5000:]}{finished.stderr[-2000:]}")
    changed = re.search(r"changed=(\d+)", finished.stdout)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, int(changed[1]) if changed else 0


def reported(endpoint: str) -> State:
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="eu-central-1")
    return snapshot(lambda service: session.client(service, endpoint_url=endpoint))  # type: ignore[call-overload]


def leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield each scalar of an answer with where it stands, without the names that AWS chose."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "Statement" and isinstance(item, dict):
                item = [item]  # A policy's only statement may stand there without a list.
            yield from leaves(item, f"{path}.{_CHOSEN.sub('*', key)}")
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item, f"{path}[]")
    else:
        yield path, _CHOSEN.sub("*", json.dumps(value))


def compared(ours: State, theirs: State) -> dict[str, Counter[tuple[str, str]]]:
    """Return what only one of two accounts reports, under "roles" and "published"."""
    first, second = (
        Counter(leaf for name, value in state.items() for leaf in leaves(value, _CHOSEN.sub("*", name)))
        for state in (ours, theirs)
    )
    return {"roles": first - second, "published": second - first}


def main() -> None:
    times: dict[tuple[str, str], list[tuple[float, float]]] = {}
    states: dict[str, State] = {}
    with tempfile.TemporaryDirectory() as name, emulator(Path(name)) as endpoint:
        certificates(Path(name))
        for number in range(ROUNDS):
            for side in list(SIDES) if number % 2 == 0 else list(reversed(SIDES)):
                request = urllib.request.Request(f"{endpoint}/_ministack/reset", method="POST")
                urllib.request.urlopen(request, timeout=30).close()
                for kind in ("first run", "nothing to do", "nothing to do"):
                    wall, cpu, changed = run(side, endpoint, Path(name))
                    times.setdefault((kind, side), []).append((wall, cpu))
                    print(f"{side:10}{kind:14}{wall:7.1f} s wall {cpu:7.1f} s CPU {changed:4} changed", flush=True)
                states[side] = reported(endpoint)
    print("\nmedians            roles  published  ratio")
    for kind in ("first run", "nothing to do"):
        for index, what in enumerate(("wall", "CPU")):
            ours, theirs = (statistics.median(each[index] for each in times[kind, side]) for side in SIDES)
            print(f"{kind:14}{what:5}{ours:5.1f} s {theirs:7.1f} s {ours / theirs:7.2f}")
    print("\nWhat AWS reports in the end, of one side only (`*` is what AWS chose):")
    for side, only in compared(states["roles"], states["published"]).items():
        print(f"  {side}: {only.total()} values")
        for (place, value), times_found in sorted(only.items()):
            print(f"    {place} = {value}" + (f"  ({times_found} times)" if times_found > 1 else ""))


if __name__ == "__main__":
    main()
