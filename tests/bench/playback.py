# SPDX-License-Identifier: Apache-2.0
"""Server CPU of a playback request beside routes of the same running API that go through the framework.

Not a test: prints microseconds and ratios. Only ratios inside one run mean anything.
Usage: PYTHONPATH=tests .venv/bin/python tests/bench/playback.py [requests]
"""

import asyncio
import http.client
import os
import statistics
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import grpc
from contract.callers import Service
from contract.platform_state import Issuer, jwks, make_resources, pem, settings
from contract.processes import Api, run_api, run_emulator
from cryptography.hazmat.primitives.asymmetric import ec

ROUNDS = 5
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """User and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def microseconds(api: Api, path: str, requests: int) -> float:
    """Server CPU for each request, on one connection that is kept."""
    connection = http.client.HTTPConnection(urlsplit(api.http_url).netloc)
    begin = cpu_seconds(api.process.pid)
    for _ in range(requests):
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200
    used = cpu_seconds(api.process.pid) - begin
    connection.close()
    return used / requests * 1e6


async def publish(api: Api, issuer: Issuer) -> str:
    """A video to watch."""
    async with grpc.aio.insecure_channel(api.grpc_target) as channel:
        return str((await Service(channel, issuer.token()).published()).video_id)


def main() -> None:
    """Measure in turn, so that the machine's moods meet all alike."""
    requests = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    key, issuer = ec.generate_private_key(ec.SECP256R1()), Issuer(ec.generate_private_key(ec.SECP256R1()))
    with tempfile.TemporaryDirectory() as folder, run_emulator(Path(folder)) as url:
        make_resources(url)
        with run_api(settings(url, pem(key), jwks(issuer.key, issuer.key_id))) as api:
            video = asyncio.run(publish(api, issuer))
            paths = {
                "playback, cookies": f"/v1/videos/{video}/playback",
                "playback, query": f"/v1/videos/{video}/playback?delivery=query",
                "video, through the framework": f"/v1/videos/{video}",
                "health, through the framework": "/health/live",
            }
            measured: dict[str, list[float]] = {name: [] for name in paths}
            for _ in range(ROUNDS):
                for name, path in paths.items():
                    measured[name].append(microseconds(api, path, requests // ROUNDS))
    base = statistics.median(measured["playback, cookies"])
    for name, values in measured.items():
        middle = statistics.median(values)
        print(f"{name:32} {middle:7.0f} us  ratio {middle / base:5.2f}")


if __name__ == "__main__":
    main()
