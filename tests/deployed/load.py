# SPDX-License-Identifier: Apache-2.0
"""An open-loop stream of playback or gRPC requests: arrivals do not slow down when answers do."""

import asyncio
import ssl
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import httpx
from streamify.catalog.v1 import catalog_service_pb2, catalog_service_pb2_grpc

_TIMEOUT = 2.0  # seconds a caller waits before it calls a request failed
_LONGEST = 300.0  # seconds after which the load ends by itself


@dataclass
class Result:
    """What became of the requests: each is judged once, after its retry if it had one."""

    sent: int = 0
    failed_first: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


type Once = Callable[[], Awaitable[str | None]]  # makes one request; returns what went wrong, or None


class _Load:
    def __init__(self, client: Callable[[], AbstractAsyncContextManager[Once]], per_second: float) -> None:
        self._client, self._interval, self.result = client, 1 / per_second, Result()
        self.stopping = threading.Event()

    async def _request(self, once: Once) -> None:
        problem = await once()
        if problem is None:
            return
        self.result.failed_first.append(problem)
        again = await once()
        if again is not None:
            self.result.failed.append(f"{problem}, then {again}")

    async def run(self) -> None:
        async with self._client() as once, asyncio.TaskGroup() as group:
            start = time.monotonic()
            while not self.stopping.is_set() and time.monotonic() - start < _LONGEST:
                due = start + self.result.sent * self._interval
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                self.result.sent += 1
                group.create_task(self._request(once))


@contextmanager
def _running(load: _Load) -> Iterator[Result]:
    thread = threading.Thread(target=lambda: asyncio.run(load.run()), name="load")
    thread.start()
    try:
        yield load.result
    finally:
        load.stopping.set()
        thread.join(timeout=30)


def playback_requests(url: str, tls: ssl.SSLContext, per_second: float) -> AbstractContextManager[Result]:
    """Sends GET `url` at `per_second` while the body runs, each failed request once more; yields the counts."""

    @asynccontextmanager
    async def client() -> AsyncIterator[Once]:
        limits = httpx.Limits(max_connections=200, max_keepalive_connections=20)
        async with httpx.AsyncClient(verify=tls, limits=limits) as http:

            async def once() -> str | None:
                try:
                    answer = await http.get(url, timeout=_TIMEOUT)
                except httpx.HTTPError as error:
                    return f"{type(error).__name__}: {error}"
                return None if answer.status_code == 200 else f"HTTP {answer.status_code}"

            yield once

    return _running(_Load(client, per_second))


def grpc_requests(outputs: dict[str, str], per_second: float) -> AbstractContextManager[Result]:
    """Sends GetVideo for the sample at `per_second` over one channel that retries nothing, as `playback_requests`."""
    credentials = grpc.ssl_channel_credentials(Path(outputs["ca_file"]).read_bytes())
    token = Path(outputs["grpc_token_file"]).read_text().strip()
    request = catalog_service_pb2.GetVideoRequest(video_id=outputs["sample_video_id"])

    @asynccontextmanager
    async def client() -> AsyncIterator[Once]:
        options = [("grpc.enable_retries", 0)]
        async with grpc.aio.secure_channel(outputs["grpc_target"], credentials, options=options) as channel:
            stub = catalog_service_pb2_grpc.VideoServiceStub(channel)

            async def once() -> str | None:
                try:
                    await stub.GetVideo(request, timeout=_TIMEOUT, metadata=[("authorization", f"Bearer {token}")])
                except grpc.aio.AioRpcError as error:
                    return f"{error.code().name}: {error.details()}"
                return None

            yield once

    return _running(_Load(client, per_second))
