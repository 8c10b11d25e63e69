# SPDX-License-Identifier: Apache-2.0
"""UploadService: parse, call one use case, render."""

from streamify.upload.v1 import upload_service_pb2 as pb
from streamify.upload.v1 import upload_service_pb2_grpc as pb_grpc

from streamify_api.domain.uploads import Part
from streamify_api.services.uploads import NewUpload, Uploads
from streamify_api.transports.grpc.convert import timestamp, upload_message
from streamify_api.transports.grpc.interceptors import Context, current_caller


class UploadServicer(pb_grpc.UploadServiceServicer):
    """See protos/streamify/upload/v1/upload_service.proto."""

    def __init__(self, uploads: Uploads) -> None:
        self._uploads = uploads

    async def CreateUpload(self, request: pb.CreateUploadRequest, context: Context) -> pb.CreateUploadResponse:  # noqa: ARG002, N802
        """Make an upload."""
        new = NewUpload(
            request_id=request.request_id,
            title=request.title,
            filename=request.filename,
            content_type=request.content_type,
            size_bytes=request.size_bytes,
        )
        upload = await self._uploads.create(current_caller(), new)
        return pb.CreateUploadResponse(upload=upload_message(upload))

    async def CreatePartUrls(self, request: pb.CreatePartUrlsRequest, context: Context) -> pb.CreatePartUrlsResponse:  # noqa: ARG002, N802
        """Presign parts."""
        parts = await self._uploads.presign_parts(current_caller(), request.upload_id, list(request.part_numbers))
        expire_time = timestamp(parts.expire_time)
        urls = [
            pb.PartUrl(part_number=number, url=put.url, headers=dict(put.headers), expire_time=expire_time)
            for number, put in zip(parts.numbers, parts.puts, strict=True)
        ]
        return pb.CreatePartUrlsResponse(urls=urls)

    async def CompleteUpload(self, request: pb.CompleteUploadRequest, context: Context) -> pb.CompleteUploadResponse:  # noqa: ARG002, N802
        """Join the parts."""
        parts = [Part(part.part_number, part.etag) for part in request.parts]
        upload = await self._uploads.complete(current_caller(), request.upload_id, parts)
        return pb.CompleteUploadResponse(upload=upload_message(upload))

    async def GetUpload(self, request: pb.GetUploadRequest, context: Context) -> pb.GetUploadResponse:  # noqa: ARG002, N802
        """Read an upload."""
        upload = await self._uploads.get(current_caller(), request.upload_id)
        return pb.GetUploadResponse(upload=upload_message(upload))
