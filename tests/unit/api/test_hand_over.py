# SPDX-License-Identifier: Apache-2.0
"""gRPC takes its calls on one event loop and has the work done on another."""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

import grpc
import pytest
from streamify_api.transports.grpc.hand_over import HandOverInterceptor, LoopThread, run_on

CALLS, TURN_SECONDS = 10, 0.04
NAME: ContextVar[str] = ContextVar("name", default="")


class _Sets(grpc.aio.ServerInterceptor):
    """What comes before the hand-over sets variables that the work must find."""

    async def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
        handler = await continuation(handler_call_details)

        async def call(request: bytes, context: Any) -> bytes:
            NAME.set("of the call")
            answer: bytes = await handler.unary_unary(request, context)
            return answer

        return grpc.unary_unary_rpc_method_handler(call) if handler.unary_unary else handler


class _Methods(grpc.GenericRpcHandler):
    def __init__(self, unary: Any, stream: Any) -> None:
        self._unary, self._stream = unary, stream

    def service(self, handler_call_details: Any) -> Any:
        if self._stream is not None:
            return grpc.unary_stream_rpc_method_handler(self._stream)
        return grpc.unary_unary_rpc_method_handler(self._unary)


async def _served(handlers: _Methods, *interceptors: grpc.aio.ServerInterceptor) -> tuple[grpc.aio.Server, int]:
    server = grpc.aio.server(interceptors=interceptors)
    server.add_generic_rpc_handlers((handlers,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    return server, port


@asynccontextmanager
async def serving(unary: Any = None, stream: Any = None) -> AsyncIterator[grpc.aio.Channel]:
    """A server on a thread of its own, its work on this loop, and a channel to it."""
    thread, work = LoopThread("grpc"), asyncio.get_running_loop()
    server, port = await thread.run(_served(_Methods(unary, stream), _Sets(), HandOverInterceptor(work)))
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel
    await thread.run(server.stop(0))
    await thread.close()


def method(kind: Any, name: str = "/a/B") -> Any:
    """A method of bytes, to be called; grpc's types know none without serializers."""
    return kind(name)


def _all_at_once(port: int) -> None:
    """Calls from a thread of their own."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = method(channel.unary_unary)
        for pending in [call.future(b"", wait_for_ready=True) for _ in range(CALLS)]:
            assert pending.result(timeout=60) == b"done"


async def _turns(answered: Awaitable[None]) -> int:
    """How many turns of this loop pass, each of them long, until it is so."""
    waiting = asyncio.ensure_future(answered)
    turns = 0
    while not waiting.done():
        until = time.monotonic() + TURN_SECONDS
        while time.monotonic() < until:
            pass  # as players keep it busy: without letting other threads run of its own accord
        turns += 1
        await asyncio.sleep(0)
    await waiting
    return turns


async def _done(request: bytes, context: Any) -> bytes:
    return b"done"


async def test_calls_do_not_wait_for_turns_of_a_busy_loop() -> None:
    """Where this fails, grpc.aio takes calls faster than it did, and decision 0024 has lost its reason."""
    thread, work = LoopThread("grpc"), asyncio.get_running_loop()
    apart, port = await thread.run(_served(_Methods(_done, None), HandOverInterceptor(work)))
    turns_apart = await _turns(asyncio.to_thread(_all_at_once, port))
    await thread.run(apart.stop(0))
    await thread.close()
    together, port = await _served(_Methods(_done, None))
    turns_together = await _turns(asyncio.to_thread(_all_at_once, port))
    await together.stop(0)
    assert turns_apart * 2 < turns_together


async def test_the_work_is_done_here_in_the_context_of_the_call() -> None:
    async def unary(request: bytes, context: Any) -> bytes:
        return f"{threading.current_thread().name}, {NAME.get()}".encode()

    async with serving(unary) as channel:
        here = threading.current_thread().name
        assert await method(channel.unary_unary)(b"") == f"{here}, of the call".encode()
        assert await method(channel.unary_unary, "/grpc.a/B")(b"") == b"grpc, of the call"


async def test_who_hangs_up_ends_the_work() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def unary(request: bytes, context: Any) -> bytes:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return b""

    async with serving(unary) as channel:
        call: Any = method(channel.unary_unary)(b"")
        await begun.wait()
        call.cancel()
        await asyncio.wait_for(ended.wait(), 30)


async def test_a_stream_is_one_piece_of_work() -> None:
    async def stream(request: bytes, context: Any) -> AsyncGenerator[bytes]:
        NAME.set("of the stream")
        for number in range(3):
            yield f"{number} {threading.current_thread().name} {NAME.get()}".encode()
        raise ValueError("the end")

    async with serving(stream=stream) as channel:
        call: Any = method(channel.unary_stream)(b"")
        here = threading.current_thread().name
        for number in range(3):
            assert await call.read() == f"{number} {here} of the stream".encode()
        with pytest.raises(grpc.aio.AioRpcError, match="the end"):
            await call.read()


async def test_who_leaves_a_stream_closes_it_here() -> None:
    closed_in: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def stream(request: bytes, context: Any) -> AsyncGenerator[bytes]:
        try:
            while True:
                yield b"more"
        finally:
            closed_in.set_result(threading.current_thread().name)

    async with serving(stream=stream) as channel:
        call: Any = method(channel.unary_stream)(b"")
        assert await call.read() == b"more"
        call.cancel()
        assert await asyncio.wait_for(closed_in, 30) == threading.current_thread().name


async def test_nothing_runs_on_a_loop_that_is_closed() -> None:
    thread = LoopThread("gone")
    await thread.close()

    async def work() -> None:
        raise AssertionError("it ran")

    with pytest.raises(RuntimeError, match="closed"):
        await run_on(thread._loop, work())
