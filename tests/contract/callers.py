# SPDX-License-Identifier: Apache-2.0
"""An internal upload service, as it calls the API."""

import uuid
from dataclasses import dataclass
from typing import Any

import grpc
import httpx
from google.protobuf.any_pb2 import Any as PackedMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import ErrorInfo  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from streamify.catalog.v1 import catalog_service_pb2 as catalog
from streamify.catalog.v1 import catalog_service_pb2_grpc as catalog_grpc
from streamify.upload.v1 import upload_service_pb2 as upload_pb
from streamify.upload.v1 import upload_service_pb2_grpc as upload_grpc

MANIFEST = b"#EXTM3U\n"
MANIFEST_TYPE = "application/vnd.apple.mpegurl"


def new_id() -> str:
    """A request_id."""
    return str(uuid.uuid4())


def create_request(**fields: Any) -> upload_pb.CreateUploadRequest:
    """A good CreateUpload; fields replace the usual ones."""
    usual: dict[str, Any] = {
        "request_id": new_id(),
        "title": "A walk in the park",
        "filename": "walk.mp4",
        "content_type": "video/mp4",
        "size_bytes": 11,
    }
    return upload_pb.CreateUploadRequest(**(usual | fields))


def publish_request(video_id: str, **fields: Any) -> catalog.PublishVideoRequest:
    """A good PublishVideo; fields replace the usual ones."""
    usual: dict[str, Any] = {
        "video_id": video_id,
        "request_id": new_id(),
        "duration": Duration(seconds=20, nanos=500_000_000),
        "renditions": [
            catalog.Rendition(name="360p", width=640, height=360, bandwidth_bps=800_000, codecs="avc1.64001e")
        ],
    }
    return catalog.PublishVideoRequest(**(usual | fields))


def reason(error: grpc.aio.AioRpcError) -> ErrorInfo:
    """The ErrorInfo that every error must carry."""
    trailers = dict(error.trailing_metadata() or ())
    status = Status.FromString(trailers["grpc-status-details-bin"])
    assert status.code == error.code().value[0]
    assert status.message == error.details()
    details: list[PackedMessage] = list(status.details)
    info = ErrorInfo()
    assert details[0].Unpack(info)
    assert info.domain == "streamify"
    assert info.metadata["request_id"] == trailers["x-request-id"]
    return info


async def refused(call: Any) -> tuple[grpc.StatusCode, str]:
    """Status and reason of a call that must fail."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return error.code(), reason(error).reason
    raise AssertionError("the call succeeded")


@dataclass
class Service:
    """Stubs with a token."""

    channel: grpc.aio.Channel
    token: str | None
    timeout: float = 20

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What goes with a call."""
        return (("authorization", f"Bearer {self.token}"),) if self.token else ()

    async def call(self, stub: type[Any], method: str, request: Any) -> Any:
        """One unary call."""
        return await getattr(stub(self.channel), method)(request, metadata=self.metadata, timeout=self.timeout)

    async def upload(self, method: str, request: Any) -> Any:
        """A call of UploadService."""
        return await self.call(upload_grpc.UploadServiceStub, method, request)

    async def video(self, method: str, request: Any) -> Any:
        """A call of VideoService."""
        return await self.call(catalog_grpc.VideoServiceStub, method, request)

    async def create(self, **fields: Any) -> upload_pb.Upload:
        """A new upload."""
        return (await self.upload("CreateUpload", create_request(**fields))).upload  # type: ignore[no-any-return]

    async def send_parts(self, created: upload_pb.Upload, body: bytes) -> list[upload_pb.CompletedPart]:
        """PUT every part to where its URL points."""
        numbers = list(range(1, created.part_count + 1))
        answer = await self.upload(
            "CreatePartUrls", upload_pb.CreatePartUrlsRequest(upload_id=created.upload_id, part_numbers=numbers)
        )
        parts = []
        async with httpx.AsyncClient() as client:
            for item in answer.urls:
                start = (item.part_number - 1) * created.part_size_bytes
                response = await client.put(
                    item.url, content=body[start : start + created.part_size_bytes], headers=dict(item.headers)
                )
                response.raise_for_status()
                parts.append(upload_pb.CompletedPart(part_number=item.part_number, etag=response.headers["ETag"]))
        return parts

    async def complete(self, upload_id: str, parts: list[upload_pb.CompletedPart], **fields: Any) -> upload_pb.Upload:
        """Join the parts."""
        usual = {"upload_id": upload_id, "parts": parts, "request_id": new_id()}
        request = upload_pb.CompleteUploadRequest(**(usual | fields))
        return (await self.upload("CompleteUpload", request)).upload  # type: ignore[no-any-return]

    async def uploaded(self, **fields: Any) -> upload_pb.Upload:
        """An upload whose bytes are here."""
        created = await self.create(**fields)
        return await self.complete(created.upload_id, await self.send_parts(created, b"hello world"))

    async def send_manifest(self, video_id: str, path: str = "master.m3u8") -> None:
        """PUT a manifest among the video's media."""
        file = catalog.MediaFile(path=path, content_type=MANIFEST_TYPE, size_bytes=len(MANIFEST))
        answer = await self.video("CreateMediaUrls", catalog.CreateMediaUrlsRequest(video_id=video_id, files=[file]))
        async with httpx.AsyncClient() as client:
            response = await client.put(answer.urls[0].url, content=MANIFEST, headers=dict(answer.urls[0].headers))
            response.raise_for_status()

    async def published(self, **fields: Any) -> catalog.Video:
        """A video that can be watched."""
        video_id = (await self.uploaded(**fields)).video_id
        await self.send_manifest(video_id)
        return (await self.video("PublishVideo", publish_request(video_id))).video  # type: ignore[no-any-return]
