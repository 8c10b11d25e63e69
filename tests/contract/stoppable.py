# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy in front of a dependency, which a test can stall, stop and start again."""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Any
from urllib.parse import urlsplit


class Mode(Enum):
    """What becomes of the bytes: passed on, held back, or the connection refused and cut."""

    OPEN = "open"
    STALLED = "stalled"
    CLOSED = "closed"


class StoppableProxy:
    """Runs in a thread of its own; its methods can be called from anywhere."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._target = (parts.hostname, parts.port)
        self._loop = asyncio.new_event_loop()
        self._passing = asyncio.Event()
        self._passing.set()
        self._mode = Mode.OPEN
        self._writers: set[asyncio.StreamWriter] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server: asyncio.Server = self._run(asyncio.start_server(self._serve, "127.0.0.1", 0))

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def set(self, mode: Mode) -> None:
        """Change what becomes of the bytes, also those of connections that are open."""
        self._run(self._change(mode))

    def close(self) -> None:
        """End it."""
        self.set(Mode.CLOSED)
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _change(self, mode: Mode) -> None:
        self._mode = mode
        if mode is Mode.STALLED:
            self._passing.clear()
        else:
            self._passing.set()
        if mode is Mode.CLOSED:
            for writer in list(self._writers):
                writer.transport.abort()

    async def _stop(self) -> None:
        self._server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._mode is Mode.CLOSED:
            writer.transport.abort()
            return
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        self._writers |= {writer, far_writer}
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass(reader, far_writer))
                group.create_task(self._pass(far_reader, writer))
        finally:
            self._writers -= {writer, far_writer}
            writer.transport.abort()
            far_writer.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await self._passing.wait()
                writer.write(data)
                await writer.drain()
        writer.transport.abort()


@contextmanager
def stoppable(target: str) -> Iterator[StoppableProxy]:
    """A proxy in front of an http URL."""
    proxy = StoppableProxy(target)
    try:
        yield proxy
    finally:
        proxy.close()
