# SPDX-License-Identifier: Apache-2.0
"""A gate between the tasks and AWS: passes everything on until it is told to throttle, fail, stall or refuse.

python -m chaos.gate --listen ADDRESS:PORT --listen 127.0.0.1:PORT --upstream URL
Told by POST /_gate with the fields of `Behaviour`; GET /_gate tells what it did.
A process of its own, so that the generator's thread does not wait for it.
"""

import argparse
import asyncio
import ctypes
import json
import random
import signal
from collections import Counter
from dataclasses import asdict, dataclass

import aiohttp
from aiohttp import web
from yarl import URL

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "upgrade", "te", "trailer", "proxy-authorization"}
_LONGEST_BODY = 64 * 1024 * 1024
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG, prctl(2)


@dataclass(frozen=True)
class Behaviour:
    """What is done to requests.

    Attributes:
        service: "dynamodb" or "s3"; the other's requests pass.
        kind: "pass", "throttle" (an answer that says so), "error" (503), "down" (the connection is cut) or
            "stall" (held without an answer until the behaviour changes).
        share: of the requests, the others pass.
        seed: of the choice.
    """

    service: str = ""
    kind: str = "pass"
    share: float = 1.0
    seed: int = 1


class Gate:
    """The proxy's handlers."""

    def __init__(self, upstream: str, session: aiohttp.ClientSession) -> None:
        self._upstream, self._session = upstream, session
        self._behaviour, self._random = Behaviour(), random.Random(1)
        self._changed = asyncio.Event()
        self._counts: Counter[str] = Counter()

    async def control(self, request: web.Request) -> web.Response:
        """Read or change the behaviour."""
        if request.method == "POST":
            self._behaviour = Behaviour(**await request.json())
            self._random = random.Random(self._behaviour.seed)
            self._changed.set()
            self._changed = asyncio.Event()
        return web.json_response({"behaviour": asdict(self._behaviour), "counts": dict(self._counts)})

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Pass one request on, or do what the behaviour says."""
        service, behaviour = service_of(request), self._behaviour
        hit = service == behaviour.service and behaviour.kind != "pass" and self._random.random() < behaviour.share
        self._counts[f"{service} {behaviour.kind if hit else 'passed'}"] += 1
        if not hit:
            return await self._pass(request)
        if behaviour.kind == "throttle":
            return _throttled(service)
        if behaviour.kind == "error":
            return _error()
        if behaviour.kind == "stall":
            await self._changed.wait()
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=503)

    async def _pass(self, request: web.Request) -> web.Response:
        body = await request.read()
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP}
        url = URL(self._upstream + request.raw_path, encoded=True)
        async with self._session.request(
            request.method, url, headers=headers, data=body, allow_redirects=False
        ) as answer:
            content = await answer.read()
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP_BY_HOP}
            if request.method != "HEAD":
                kept.pop("Content-Length", None)
            return web.Response(status=answer.status, headers=kept, body=content)


def service_of(request: web.Request) -> str:
    """Which of AWS's services a signed request is for (the credential's scope names it, SigV4)."""
    if request.headers.get("X-Amz-Target", "").startswith("DynamoDB"):
        return "dynamodb"
    scope = request.headers.get("Authorization", "") + request.query.get("X-Amz-Credential", "")
    return "s3" if "/s3/" in scope else "other"


def _throttled(service: str) -> web.Response:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html"""
    if service != "dynamodb":
        return _error()
    error = {
        "__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
        "message": "The level of configured provisioned throughput for the table was exceeded.",
    }
    return web.Response(status=400, body=json.dumps(error).encode(), content_type="application/x-amz-json-1.0")


def _error() -> web.Response:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"""
    body = (
        '<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>'
    )
    return web.Response(status=503, body=body.encode(), content_type="application/xml")


async def _serve(listen: list[str], upstream: str) -> None:
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGTERM)
    timeout = aiohttp.ClientTimeout(total=60)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, auto_decompress=False) as session:
        gate = Gate(upstream, session)
        application = web.Application(client_max_size=_LONGEST_BODY)
        application.router.add_route("*", "/_gate", gate.control)
        application.router.add_route("*", "/{path:.*}", gate.handle)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        for address in listen:
            host, _, port = address.rpartition(":")
            await web.TCPSite(runner, host, int(port)).start()
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, lambda: None)  # the suite ends it, after its undo
        print("ready", flush=True)
        await stop.wait()
        await runner.cleanup()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listen", action="append", required=True)
    parser.add_argument("--upstream", required=True)
    options = parser.parse_args()
    asyncio.run(_serve(options.listen, options.upstream))
