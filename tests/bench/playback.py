# SPDX-License-Identifier: Apache-2.0
"""Server CPU of a playback request, beside FastAPI with uvicorn and beside fastify doing the same work (peers/).

Not a test: prints microseconds and ratios. All servers run at once and are asked in turn, in rounds, so that the
machine's moods meet all alike; only ratios inside one run mean anything. Usage: make bench
"""

import asyncio
import json
import os
import statistics
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import grpc
import jwt
from bench.load import Connections, cpu_seconds, request
from bench.servers import server
from contract.callers import Service
from contract.platform_state import AUDIENCE, CDN_URL, ISSUER, Issuer, aws, jwks, make_resources, pem, settings
from contract.platform_state import TABLE as TABLE_NAME
from contract.processes import ROOT, free_port, run_emulator
from cryptography.hazmat.primitives.asymmetric import ec

ROUNDS = 9
REQUESTS = int(os.environ.get("BENCH_REQUESTS", "1600"))  # of each kind, to each server, in a round
CONNECTIONS = 16
VIDEOS = 20
PEERS = ROOT / ".local/bench"

type Kind = Callable[[int], bytes]


async def publish(target: str, token: str) -> list[str]:
    """Videos to watch."""
    async with grpc.aio.insecure_channel(target) as channel:
        return [str((await Service(channel, token).published()).video_id) for _ in range(VIDEOS)]


def known_videos(url: str, ids: list[str]) -> list[dict[str, str]]:
    """What the peers have in memory: the same titles and prefixes."""
    dynamodb = aws("dynamodb", url)
    found = []
    for video_id in ids:
        key = {"pk": {"S": f"VIDEO#{video_id}"}, "sk": {"S": "VIDEO"}}
        item: dict[str, Any] = dynamodb.get_item(TableName=TABLE_NAME, Key=key)["Item"]
        found.append({name: item[name]["S"] for name in ("video_id", "title", "media_prefix")})
    return found


def kinds(port: int, ids: list[str], token: str) -> dict[str, Kind]:
    """The requests that are measured."""
    headers = {"Authorization": f"Bearer {token}", "Accept": "*/*", "User-Agent": "bench"}
    opening = [request("GET", f"/v1/videos/{name}/playback", headers) for name in ids]
    signed = [request("GET", f"/v1/videos/{name}/playback?delivery=query", headers) for name in ids]
    connection = Connections(port, 1)
    tokens = [json.loads(connection.all_at_once([asked])[0])["session_token"] for asked in opening]
    connection.close()
    bare = {"Accept": "*/*", "User-Agent": "bench"}
    renewing = [
        request("POST", "/v1/playback/renew", bare, json.dumps({"session_token": each}).encode()) for each in tokens
    ]
    return {
        "opening, cookies": lambda number: opening[number % VIDEOS],
        "opening, signed query": lambda number: signed[number % VIDEOS],
        "renewal": lambda number: renewing[number % VIDEOS],
    }


def microseconds(pid: int, connections: Connections, kind: Kind) -> float:
    """Server CPU for each request."""
    begin = cpu_seconds(pid)
    for number in range(0, REQUESTS, len(connections)):
        connections.all_at_once([kind(number + offset) for offset in range(len(connections))])
    return (cpu_seconds(pid) - begin) / REQUESTS * 1e6


def main() -> None:
    """Start all three, measure in turn, print."""
    key, issuer = ec.generate_private_key(ec.SECP256R1()), Issuer(ec.generate_private_key(ec.SECP256R1()))
    token = issuer.token()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = stack.enter_context(run_emulator(folder))
        make_resources(url)
        ports = {name: free_port() for name in ("streamify", "grpc", "FastAPI", "fastify")}
        environment = settings(url, pem(key), jwks(issuer.key, issuer.key_id)) | {
            "STREAMIFY_HTTP_PORT": str(ports["streamify"]),
            "STREAMIFY_GRPC_PORT": str(ports["grpc"]),
            "STREAMIFY_REQUESTS_PER_SECOND": "100000",  # so that the limiter works, and refuses nothing
            "STREAMIFY_REQUEST_BURST": "1000000",
            "PYTHONPATH": str(ROOT / "api/src"),
        }
        ours = [str(ROOT / ".venv/bin/python"), "-m", "streamify_api"]
        pids = {"streamify": stack.enter_context(server(ours, folder, ports["streamify"], environment))}
        ids = asyncio.run(publish(f"127.0.0.1:{ports['grpc']}", token))
        configuration = {
            "videos": known_videos(url, ids),
            "cdn_url": CDN_URL,
            "signing_key": pem(key),
            "key_id": "KTEST",
            "jwk": jwt.algorithms.ECAlgorithm.to_jwk(issuer.key.public_key(), as_dict=True) | {"alg": "ES256"},
            "issuer": ISSUER,
            "audience": AUDIENCE,
        }
        here = Path(__file__).parent / "peers"
        commands = {
            "FastAPI": [str(PEERS / "venv/bin/python"), str(here / "fastapi_peer.py")],
            "fastify": ["node", str(PEERS / "node/fastify_peer.js")],
        }
        for name, command in commands.items():
            told = folder / f"{name}.json"
            told.write_text(json.dumps(configuration | {"port": ports[name]}))
            pids[name] = stack.enter_context(
                server([*command, str(told)], folder, ports[name], {"NODE_ENV": "production"})
            )
        asked = {name: kinds(ports[name], ids, token) for name in pids}
        connections = {name: Connections(ports[name], CONNECTIONS) for name in pids}
        measured: dict[tuple[str, str], list[float]] = {}
        for round_number in range(ROUNDS + 2):  # the first two warm up
            for kind in asked["streamify"]:
                for name, pid in pids.items():
                    value = microseconds(pid, connections[name], asked[name][kind])
                    if round_number >= 2:
                        measured.setdefault((kind, name), []).append(value)
    report({key: statistics.median(values) for key, values in measured.items()})


def report(medians: dict[tuple[str, str], float]) -> None:
    """The table."""
    print(f"server CPU, median of {ROUNDS} rounds of {REQUESTS} requests on {CONNECTIONS} connections")
    print(f"{'':24}{'ours':>9}{'FastAPI':>10}{'fastify':>10}{'of FastAPI':>13}{'of fastify':>12}")
    for kind in dict.fromkeys(kind for kind, _ in medians):
        ours, fastapi, fastify = (medians[kind, name] for name in ("streamify", "FastAPI", "fastify"))
        row = f"{ours:6.0f} us{fastapi:7.0f} us{fastify:7.0f} us{ours / fastapi:13.2f}{ours / fastify:12.2f}"
        print(f"{kind:24}{row}")


if __name__ == "__main__":
    main()
