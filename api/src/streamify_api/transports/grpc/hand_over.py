# SPDX-License-Identifier: Apache-2.0
"""Between gRPC's event loop and the one where the work is done (docs/decisions/0024).

grpc.aio takes one call at a time and needs four or five turns of its loop to take one, nine for a whole call. On a loop
that players keep busy, calls would wait in gRPC's own queue, where nothing sees them, until their time is over.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing, suppress
from typing import Any, cast

import grpc
import uvloop

from streamify_api.transports.grpc.handlers import (
    Behaviour,
    Context,
    Continuation,
    Handler,
    StreamBehaviour,
    replaced,
    replaced_stream,
)

_STOP_SECONDS = 5.0


class LoopThread:
    """An event loop in a thread of its own, until it is closed."""

    def __init__(self, name: str) -> None:
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)
        self._thread.start()

    async def run[Answer](self, work: Coroutine[Any, Any, Answer]) -> Answer:
        """What `work` answers; see run_on."""
        return await run_on(self._loop, work)

    async def close(self) -> None:
        """Stop the loop; what still runs there is dropped."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        await asyncio.to_thread(self._thread.join, _STOP_SECONDS)
        if not self._thread.is_alive():
            self._loop.close()


async def run_on[Answer](loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Answer]) -> Answer:
    """What `work` answers; it runs on another thread's loop, in the caller's context, and is cancelled with the caller.

    Raises:
        RuntimeError: that loop is closed.
        Exception: what `work` raises.
    """
    try:
        future = asyncio.run_coroutine_threadsafe(work, loop)
    except RuntimeError:
        work.close()
        raise
    return await asyncio.wrap_future(future)


class HandOverInterceptor(grpc.aio.ServerInterceptor):
    """Has everything behind it done on the loop of the work. gRPC's own services, which know nothing of ours, stay.

    What is behind it must leave the servicer's context alone, which belongs to gRPC's loop.

    Args:
        work: the loop of the work.
    """

    def __init__(self, work: asyncio.AbstractEventLoop) -> None:
        self._work = work

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Handler | None:
        """Wrap the method that will be called."""
        handler = await continuation(handler_call_details)
        if handler is None or handler_call_details.method.startswith("/grpc."):
            return handler
        if handler.unary_unary is not None:
            behaviour = cast(Behaviour, handler.unary_unary)

            async def call(request: Any, context: Context) -> Any:
                return await run_on(self._work, behaviour(request, context))

            return replaced(handler, call)
        streaming = cast(StreamBehaviour, handler.unary_stream)

        async def stream(request: Any, context: Context) -> AsyncGenerator[Any]:
            here = asyncio.get_running_loop()
            responses: asyncio.Queue[Any] = asyncio.Queue(1)  # one ahead: who reads slowly is not read for

            async def pump() -> None:
                async with aclosing(streaming(request, context)) as source:
                    async for response in source:
                        await run_on(here, responses.put(response))

            async def pump_there() -> None:
                try:
                    await run_on(self._work, pump())
                finally:
                    responses.shutdown()

            pumping = asyncio.create_task(pump_there())
            try:
                with suppress(asyncio.QueueShutDown):
                    while True:
                        yield await responses.get()
                await pumping
            finally:
                pumping.cancel()

        return replaced_stream(handler, stream)
