# SPDX-License-Identifier: Apache-2.0
"""What is shipped to clients fits the contract and gRPC's rules, and carries calls past a task that is gone."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from streamify.catalog.v1 import catalog_service_pb2 as catalog
from streamify.upload.v1 import upload_service_pb2 as upload
from streamify_client.channel import CALL_SECONDS, CHANNEL_OPTIONS, SERVICE_CONFIG

CONFIG = json.loads(SERVICE_CONFIG)
GET_VIDEO = "/streamify.catalog.v1.VideoService/GetVideo"
type Handler = Callable[[bytes, Any], Awaitable[bytes]]


def test_every_service_is_retried_with_back_off_and_throttled() -> None:
    files = (catalog, upload)
    services = {service.full_name for file in files for service in file.DESCRIPTOR.services_by_name.values()}
    whole = {name["service"] for method in CONFIG["methodConfig"] for name in method["name"] if "method" not in name}
    assert whole == services
    for method in CONFIG["methodConfig"]:
        policy = method["retryPolicy"]
        assert policy["retryableStatusCodes"] == ["UNAVAILABLE"]
        assert 2 <= policy["maxAttempts"] <= 5, "gRPC takes no more than five"
        assert policy["backoffMultiplier"] > 1
    assert 0 < CONFIG["retryThrottling"]["maxTokens"] <= 1000
    ratio = CONFIG["retryThrottling"]["tokenRatio"]
    assert 0 < ratio < 1
    assert isinstance(ratio, float), "gRPC's C core reads a ratio without a decimal point as thousandths"


def test_methods_that_have_a_policy_of_their_own_exist() -> None:
    for method in CONFIG["methodConfig"]:
        for name in method["name"]:
            if "method" in name:
                file = catalog if "catalog" in name["service"] else upload
                service = file.DESCRIPTOR.services_by_name[name["service"].rpartition(".")[2]]
                assert name["method"] in service.methods_by_name


async def ask(channel: grpc.aio.Channel) -> bytes:
    call: Any = channel.unary_unary(GET_VIDEO)
    answer: bytes = await call(b"", timeout=CALL_SECONDS)
    return answer


@asynccontextmanager
async def answering(handler: Handler) -> AsyncIterator[grpc.aio.Channel]:
    """A channel as the client opens it, to a server that answers every call so."""

    class Everything(grpc.GenericRpcHandler):
        def service(self, _details: grpc.HandlerCallDetails) -> Any:
            return grpc.unary_unary_rpc_method_handler(handler)

    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Everything(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=CHANNEL_OPTIONS) as channel:
            yield channel
    finally:
        await server.stop(None)


async def test_an_attempt_at_a_task_that_hangs_is_given_up_for_another() -> None:
    attempts = 0

    async def hang_once(_request: bytes, _context: Any) -> bytes:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            await asyncio.Event().wait()
        return b"answer"

    async with answering(hang_once) as channel:
        assert await ask(channel) == b"answer"
    assert attempts == 2


async def test_retries_go_on_while_one_of_three_attempts_fails() -> None:
    calls = 0

    async def fail_every_other_call_once(_request: bytes, context: Any) -> bytes:
        nonlocal calls
        if "grpc-previous-rpc-attempts" in dict(context.invocation_metadata()):
            return b"answer"
        calls += 1
        if calls % 2:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "a task is gone")
        return b"answer"

    async with answering(fail_every_other_call_once) as channel:
        # So many that their failures alone would use up what retries may cost.
        for _ in range(3):
            assert set(await asyncio.gather(*(ask(channel) for _ in range(300)))) == {b"answer"}


async def test_retries_go_on_when_what_a_dead_task_held_fails_at_one_moment() -> None:
    held, in_flight, noticed = 0, 100, asyncio.Event()

    async def hold_the_first(_request: bytes, context: Any) -> bytes:
        nonlocal held
        held += 1
        if held == in_flight:
            noticed.set()
        if held <= in_flight:
            await noticed.wait()
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the connection timed out")
        return b"answer"

    async with answering(hold_the_first) as channel:
        assert set(await asyncio.gather(*(ask(channel) for _ in range(in_flight)))) == {b"answer"}


async def test_retries_end_while_nearly_everything_fails() -> None:
    attempts = 0

    async def fail(_request: bytes, context: Any) -> bytes:
        nonlocal attempts
        attempts += 1
        await context.abort(grpc.StatusCode.UNAVAILABLE, "all is gone")
        return b""

    async def refused(channel: grpc.aio.Channel) -> None:
        with pytest.raises(grpc.aio.AioRpcError):
            await ask(channel)

    async with answering(fail) as channel:
        await asyncio.gather(*(refused(channel) for _ in range(60)))
        before = attempts
        await asyncio.gather(*(refused(channel) for _ in range(20)))
    assert attempts - before == 20, "each call is tried once"
