# SPDX-License-Identifier: Apache-2.0
"""UploadService: parse, call one use case, render."""

from collections.abc import AsyncIterator

from streamify.catalog.v1.catalog_service_pb2 import PLAYBACK_POLICY_PUBLIC
from streamify.upload.v1 import upload_service_pb2 as pb
from streamify.upload.v1 import upload_service_pb2_grpc as pb_grpc

from streamify_api.domain.uploads import Part, Upload
from streamify_api.services.upload_parts import UploadParts
from streamify_api.services.upload_watch import UploadWatch
from streamify_api.services.uploads import NewUpload, Uploads
from streamify_api.transports.grpc.convert import (
    checksum_algorithm,
    duration,
    playback_policy,
    timestamp,
    upload_message,
)
from streamify_api.transports.grpc.handlers import Context
from streamify_api.transports.grpc.interceptors import current_caller


class UploadServicer(pb_grpc.UploadServiceServicer):
    """See protos/streamify/upload/v1/upload_service.proto."""

    def __init__(self, uploads: Uploads, parts: UploadParts, watch: UploadWatch) -> None:
        self._uploads = uploads
        self._parts = parts
        self._watch = watch

    async def CreateUpload(self, request: pb.CreateUploadRequest, context: Context) -> pb.CreateUploadResponse:  # noqa: ARG002, N802
        """Make an upload."""
        new = NewUpload(
            request_id=request.request_id,
            title=request.title,
            filename=request.filename,
            content_type=request.content_type,
            size_bytes=request.size_bytes,
            checksum_algorithm=checksum_algorithm(request.checksum_algorithm),
            playback_policy=playback_policy(request.playback_policy or PLAYBACK_POLICY_PUBLIC),
        )
        upload = await self._uploads.create(current_caller(), new)
        return pb.CreateUploadResponse(upload=upload_message(upload))

    async def CreatePartUrls(self, request: pb.CreatePartUrlsRequest, context: Context) -> pb.CreatePartUrlsResponse:  # noqa: ARG002, N802
        """Presign parts."""
        parts = await self._parts.presign(
            current_caller(),
            request.upload_id,
            list(request.part_numbers),
            dict(request.checksums),
            request.page_size,
            request.page_token,
        )
        expire_time = timestamp(parts.expire_time)
        urls = [
            pb.PartUrl(part_number=number, url=put.url, headers=dict(put.headers), expire_time=expire_time)
            for number, put in zip(parts.numbers, parts.puts, strict=True)
        ]
        return pb.CreatePartUrlsResponse(urls=urls, next_page_token=parts.next_token)

    async def CompleteUpload(self, request: pb.CompleteUploadRequest, context: Context) -> pb.CompleteUploadResponse:  # noqa: ARG002, N802
        """Join the parts."""
        parts = [Part(part.part_number, part.etag, part.checksum or None) for part in request.parts]
        upload = await self._uploads.complete(
            current_caller(), request.upload_id, request.request_id, parts, request.checksum or None
        )
        return pb.CompleteUploadResponse(upload=upload_message(upload))

    async def GetUpload(self, request: pb.GetUploadRequest, context: Context) -> pb.GetUploadResponse:  # noqa: ARG002, N802
        """Read an upload."""
        upload = await self._uploads.get(current_caller(), request.upload_id)
        return pb.GetUploadResponse(upload=upload_message(upload))

    async def ListUploads(self, request: pb.ListUploadsRequest, context: Context) -> pb.ListUploadsResponse:  # noqa: ARG002, N802
        """List the tenant's uploads."""
        page = await self._uploads.list(current_caller(), request.page_size, request.page_token)
        return pb.ListUploadsResponse(
            uploads=[upload_message(upload) for upload in page.uploads], next_page_token=page.next_token or ""
        )

    async def ListParts(self, request: pb.ListPartsRequest, context: Context) -> pb.ListPartsResponse:  # noqa: ARG002, N802
        """List the parts that storage holds."""
        page = await self._parts.list(current_caller(), request.upload_id, request.page_size, request.page_token)
        parts = [
            pb.StoredPart(
                part_number=part.number, size_bytes=part.size_bytes, etag=part.etag, checksum=part.checksum or ""
            )
            for part in page.parts
        ]
        return pb.ListPartsResponse(parts=parts, next_page_token=page.next_token)

    async def CancelUpload(self, request: pb.CancelUploadRequest, context: Context) -> pb.CancelUploadResponse:  # noqa: ARG002, N802
        """Give an upload up."""
        upload = await self._uploads.cancel(current_caller(), request.upload_id, request.request_id)
        return pb.CancelUploadResponse(upload=upload_message(upload))

    async def WatchUpload(  # noqa: N802
        self,
        request: pb.WatchUploadRequest,
        context: Context,  # noqa: ARG002
    ) -> AsyncIterator[pb.WatchUploadResponse]:
        """Tell every state of an upload."""
        heartbeat = None
        if request.HasField("heartbeat_interval"):
            heartbeat = duration(request.heartbeat_interval, "heartbeat_interval")
        events = self._watch.watch(current_caller(), request.upload_id, request.after_revision, heartbeat)
        async for event in events:
            if isinstance(event, Upload):
                yield pb.WatchUploadResponse(upload=upload_message(event))
            else:
                yield pb.WatchUploadResponse(heartbeat=pb.Heartbeat(send_time=timestamp(event)))
