# SPDX-License-Identifier: Apache-2.0
"""The gate between tasks and AWS passes on, or throttles, fails, cuts and stalls as it is told."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import BaseTestServer, TestServer
from chaos.gate import Gate

DYNAMODB = {"X-Amz-Target": "DynamoDB_20120810.GetItem"}
S3 = {"Authorization": "AWS4-HMAC-SHA256 Credential=x/20260101/eu-central-1/s3/aws4_request, Signature=y"}


@pytest.fixture
async def gate() -> AsyncIterator[BaseTestServer]:
    async def upstream(request: web.Request) -> web.Response:
        return web.Response(text=f"{request.method} {request.raw_path} {await request.text()}", headers={"ETag": "1"})

    behind = web.Application()
    behind.router.add_route("*", "/{path:.*}", upstream)
    async with TestServer(behind) as server, aiohttp.ClientSession() as session:
        made = Gate(str(server.make_url("")).rstrip("/"), session)
        before = web.Application()
        before.router.add_route("*", "/_gate", made.control)
        before.router.add_route("*", "/{path:.*}", made.handle)
        async with TestServer(before) as front:
            yield front


async def told(gate: BaseTestServer, session: aiohttp.ClientSession, **behaviour: Any) -> Any:
    async with session.post(gate.make_url("/_gate"), json=behaviour) as answer:
        return await answer.json()


async def seen(gate: BaseTestServer, session: aiohttp.ClientSession) -> dict[str, int]:
    async with session.get(gate.make_url("/_gate")) as answer:
        counts: dict[str, int] = (await answer.json())["counts"]
        return counts


async def test_requests_pass_as_they_are(gate: BaseTestServer) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.put(gate.make_url("/a%2Fb?x=1"), data=b"body", headers=S3) as answer,
    ):
        assert (answer.status, answer.headers["ETag"]) == (200, "1")
        assert await answer.text() == "PUT /a%2Fb?x=1 body"


async def test_throttling_is_an_answer_of_dynamodb_for_a_share_of_its_requests(gate: BaseTestServer) -> None:
    async with aiohttp.ClientSession() as session:
        await told(gate, session, service="dynamodb", kind="throttle", share=0.3, seed=1)
        statuses = []
        for _ in range(100):
            async with session.post(gate.make_url("/"), headers=DYNAMODB) as answer:
                statuses.append(answer.status)
        async with session.get(gate.make_url("/"), headers=S3) as answer:
            assert answer.status == 200
        assert 15 < statuses.count(400) < 45
        counts = (await told(gate, session))["counts"]
        assert counts["dynamodb throttle"] == statuses.count(400)


async def test_s3_says_slow_down(gate: BaseTestServer) -> None:
    async with aiohttp.ClientSession() as session:
        await told(gate, session, service="s3", kind="error")
        async with session.get(gate.make_url("/?X-Amz-Credential=x/20260101/eu-central-1/s3/aws4_request")) as answer:
            assert answer.status == 503
            assert "SlowDown" in await answer.text()


async def test_a_service_that_is_down_cuts_the_connection(gate: BaseTestServer) -> None:
    async with aiohttp.ClientSession() as session:
        await told(gate, session, service="dynamodb", kind="down")
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.post(gate.make_url("/"), headers=DYNAMODB)


async def test_a_stalled_request_is_held_until_the_fault_is_over(gate: BaseTestServer) -> None:
    async with aiohttp.ClientSession() as session:
        await told(gate, session, service="dynamodb", kind="stall")

        async def ask() -> None:
            await session.post(gate.make_url("/"), headers=DYNAMODB)

        held = asyncio.create_task(ask())
        assert any([(await seen(gate, session)).get("dynamodb stall") for _ in range(20)])
        assert not held.done()
        await told(gate, session)
        with pytest.raises(aiohttp.ClientConnectionError):
            await held
