# SPDX-License-Identifier: Apache-2.0
"""Upload services: create, upload parts, complete, and watch meanwhile; what they are told goes into a history."""

import asyncio
import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import grpc
from chaos.clients import Caller, grpc_problem, http, unary
from chaos.history import UploadHistory
from google.protobuf.duration_pb2 import Duration
from streamify.upload.v1 import upload_service_pb2 as upload_pb
from streamify.upload.v1 import upload_service_pb2_grpc as upload_grpc
from yarl import URL

# When the steps of an upload are due, in seconds from its arrival.
URLS_AFTER, PART_AFTER, COMPLETE_AFTER = 0.3, 0.6, 1.0
_WATCHES = 8  # how often a broken stream is taken up again
_LONGEST_WATCH = 60.0


@dataclass(frozen=True)
class Uploader:
    """One kind of upload service.

    Attributes:
        storage: an address that stands for S3's, or None for the one in the URLs.
    """

    channel: grpc.aio.Channel
    session: aiohttp.ClientSession
    caller: Caller
    token: str
    storage: str | None = None

    async def upload(self, due: float, history: UploadHistory) -> None:
        """Bring one small file; what cannot be asked for because something before it failed is not counted."""
        stub = upload_grpc.UploadServiceStub(self.channel)
        create = upload_pb.CreateUploadRequest(
            request_id=str(uuid.uuid4()),
            title=history.title,
            filename="chaos.mp4",
            content_type="video/mp4",
            size_bytes=len(history.body),
        )
        made = await self._call("create", due, stub.CreateUpload, create)
        if made is None:
            return
        history.saw(made.upload)
        watching = asyncio.create_task(self._watch(stub, made.upload.upload_id, due + COMPLETE_AFTER, history))
        try:
            parts = await self._send(stub, made.upload, due, history.body)
            if parts is not None:
                complete = upload_pb.CompleteUploadRequest(
                    upload_id=made.upload.upload_id, request_id=str(uuid.uuid4()), parts=parts
                )
                done = await self._call("complete", due + COMPLETE_AFTER, stub.CompleteUpload, complete)
                if done is not None:
                    history.saw(done.upload)
                    await watching
        finally:
            watching.cancel()

    async def _send(self, stub: Any, made: Any, due: float, body: bytes) -> list[Any] | None:
        request = upload_pb.CreatePartUrlsRequest(upload_id=made.upload_id)
        await self._until(due + URLS_AFTER)
        urls = await self._call("part urls", due + URLS_AFTER, stub.CreatePartUrls, request)
        if urls is None:
            return None
        await self._until(due + PART_AFTER)
        parts = []
        for url in urls.urls:
            start = (url.part_number - 1) * made.part_size_bytes
            sent = await self._put(due + PART_AFTER, url, body[start : start + made.part_size_bytes])
            if sent is None:
                return None
            parts.append(upload_pb.CompletedPart(part_number=url.part_number, etag=sent[0].headers["ETag"]))
        await self._until(due + COMPLETE_AFTER)
        return parts

    async def _put(self, due: float, url: Any, body: bytes) -> tuple[Any, bytes] | None:
        parts = urlsplit(url.url)
        headers = {**url.headers, "Host": parts.netloc}  # is signed
        address = f"{self.storage}{parts.path}?{parts.query}" if self.storage else url.url

        async def put(patience: float) -> tuple[Any, bytes]:
            target = URL(address, encoded=True)
            return await http(self.session, "PUT", target, patience, data=body, headers=headers)

        return await self.caller.ask("part", due, put, patient=True)

    async def _watch(self, stub: Any, upload_id: str, due: float, history: UploadHistory) -> None:
        """Follow the states to the last one, taking up a stream that broke where it was."""
        problem: str | None = "the stream broke too often"
        for _ in range(_WATCHES):
            try:
                await self._stream(stub, upload_id, max(revision for revision, _ in history.seen), history)
            except grpc.aio.AioRpcError as error:
                if not grpc_problem(error).again:
                    problem = str(grpc_problem(error))
                    break
                await asyncio.sleep(0.2)
            else:
                problem = None
                break
        self.caller.record("watch", due, problem)

    async def _stream(self, stub: Any, upload_id: str, after: int, history: UploadHistory) -> None:
        request = upload_pb.WatchUploadRequest(
            upload_id=upload_id, after_revision=after, heartbeat_interval=Duration(seconds=1)
        )
        metadata = (("authorization", f"Bearer {self.token}"),)
        async for event in stub.WatchUpload(request, metadata=metadata, timeout=_LONGEST_WATCH):
            if event.WhichOneof("event") == "upload":
                history.saw(event.upload)

    async def _call(self, kind: str, due: float, call: Any, request: Any) -> Any:
        return await self.caller.ask(
            kind, due, lambda patience: unary(call, request, self.token, patience), over_grpc=True, patient=True
        )

    async def _until(self, when: float) -> None:
        await asyncio.sleep(max(0.0, when - self.caller.now()))
