# SPDX-License-Identifier: Apache-2.0
"""Uploads that go on whatever is killed: each step is repeated with its request_id for a minute, as by the client."""

import asyncio
import json
import random
import threading
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import grpc
from chaos.history import UploadHistory
from streamify.upload.v1 import upload_service_pb2 as upload_pb
from streamify.upload.v1 import upload_service_pb2_grpc as upload_grpc
from streamify_client.channel import CALL_SECONDS, CHANNEL_OPTIONS, SERVICE_CONFIG

PATIENCE_SECONDS = 60.0
_PASSING = {
    grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.INTERNAL,  # a stream that a dying process reset
}  # fmt: skip
_LONGEST_PAUSE = 2.0
_SMALL_BYTES = 4096
_LONGEST_BREAK = 0.5  # between two uploads of one uploader: tasks that start need the CPU, too


def options() -> list[tuple[str, Any]]:
    """The shipped client's channel, to three addresses in turn."""
    config = json.loads(SERVICE_CONFIG) | {"loadBalancingConfig": [{"round_robin": {}}]}
    kept = [option for option in CHANNEL_OPTIONS if option[0] != "grpc.service_config"]
    return [
        ("grpc.service_config", json.dumps(config)),
        *kept,
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 1000),
    ]


@dataclass
class Uploads:
    """Uploaders in a thread of their own.

    Attributes:
        under_way: set while at least one upload has begun and is not acknowledged.
        broken: attempts that failed and were repeated; kills that nobody noticed would show nothing.
        given_up: what could not be done within the patience, in words.
    """

    target: str
    token: str
    seed: int
    parallel: int = 3
    histories: list[UploadHistory] = field(default_factory=list)
    under_way: threading.Event = field(default_factory=threading.Event)
    broken: int = 0
    given_up: list[str] = field(default_factory=list)
    run_id: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    _stopping: threading.Event = field(default_factory=threading.Event)
    _running: int = 0

    def __enter__(self) -> "Uploads":
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="uploads", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """Let what has begun come to its end."""
        self._stopping.set()
        self._thread.join(2 * PATIENCE_SECONDS)

    async def _run(self) -> None:
        async with (
            grpc.aio.insecure_channel(self.target, options=options()) as channel,
            aiohttp.ClientSession() as session,
            asyncio.TaskGroup() as group,
        ):
            for number in range(self.parallel):
                group.create_task(self._one_after_another(number, upload_grpc.UploadServiceStub(channel), session))

    async def _one_after_another(self, number: int, stub: Any, session: aiohttp.ClientSession) -> None:
        rng = random.Random(f"{self.seed}-{number}")
        count = 0
        while not self._stopping.is_set():
            count += 1
            history = UploadHistory(f"{self.run_id}-{number}-{count}", rng.randbytes(_SMALL_BYTES))
            self.histories.append(history)
            self._running += 1
            self.under_way.set()
            try:
                await self._upload(stub, session, history)
            except (grpc.aio.AioRpcError, aiohttp.ClientError, TimeoutError) as error:
                self.given_up.append(f"{history.title}: {error!r}")
            finally:
                self._running -= 1
                if not self._running:
                    self.under_way.clear()
            await asyncio.sleep(rng.uniform(0, _LONGEST_BREAK))

    async def _upload(self, stub: Any, session: aiohttp.ClientSession, history: UploadHistory) -> None:
        create = upload_pb.CreateUploadRequest(
            request_id=str(uuid.uuid4()),
            title=history.title,
            filename="kill.mp4",
            content_type="video/mp4",
            size_bytes=len(history.body),
        )
        made = (await self._patiently(lambda: self._call(stub.CreateUpload, create))).upload
        history.saw(made)
        parts = await self._patiently(lambda: self._send(stub, session, made, history.body))
        complete = upload_pb.CompleteUploadRequest(upload_id=made.upload_id, request_id=str(uuid.uuid4()), parts=parts)
        done = await self._patiently(lambda: self._call(stub.CompleteUpload, complete))
        history.saw(done.upload)

    async def _send(self, stub: Any, session: aiohttp.ClientSession, made: Any, body: bytes) -> list[Any]:
        """Fresh links each time: one that a wrong clock signed may be refused."""
        urls = await self._call(stub.CreatePartUrls, upload_pb.CreatePartUrlsRequest(upload_id=made.upload_id))
        parts = []
        for url in urls.urls:
            start = (url.part_number - 1) * made.part_size_bytes
            content = body[start : start + made.part_size_bytes]
            async with session.put(url.url, data=content, headers=dict(url.headers), raise_for_status=True) as answer:
                parts.append(upload_pb.CompletedPart(part_number=url.part_number, etag=answer.headers["ETag"]))
        return parts

    async def _call(self, call: Any, request: Any) -> Any:
        return await call(request, timeout=CALL_SECONDS, metadata=(("authorization", f"Bearer {self.token}"),))

    async def _patiently[T](self, work: Callable[[], Awaitable[T]]) -> T:
        began, pause = time.monotonic(), 0.1
        while True:
            try:
                return await work()
            except grpc.aio.AioRpcError as error:
                if error.code() not in _PASSING or time.monotonic() - began > PATIENCE_SECONDS:
                    raise
            except (aiohttp.ClientError, TimeoutError):
                if time.monotonic() - began > PATIENCE_SECONDS:
                    raise
            self.broken += 1
            await asyncio.sleep(pause * random.uniform(0.5, 1))
            pause = min(_LONGEST_PAUSE, 2 * pause)
