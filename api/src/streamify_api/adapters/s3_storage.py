# SPDX-License-Identifier: Apache-2.0
"""Source files and media on S3. Bytes never pass through here: callers get presigned PUTs with signed headers."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from botocore.exceptions import ClientError

from streamify_api.adapters.aws import Client, calling, error_code
from streamify_api.domain.errors import InvalidArgumentError
from streamify_api.domain.uploads import Part, Upload
from streamify_api.domain.videos import MediaFile, Video
from streamify_api.services.ports import PartsGoneError, PresignedPut

SERVICE = "S3"
_SECONDS = 5.0
_FINISH_SECONDS = 60.0  # joining thousands of parts takes S3 a while
_WRONG_PARTS = frozenset({"EntityTooSmall", "InvalidPart", "InvalidPartOrder", "InvalidRequest", "MalformedXML"})
# A published file never changes.
_CACHE_CONTROL = "public, max-age=31536000, immutable"


class S3SourceStorage:
    """Implements services.ports.SourceStorage on a bucket."""

    def __init__(self, client: Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    async def start(self, key: str, content_type: str) -> str:
        """Begin a multipart upload."""
        async with calling(SERVICE), asyncio.timeout(_SECONDS):
            answer = await self._client.create_multipart_upload(Bucket=self._bucket, Key=key, ContentType=content_type)
        return str(answer["UploadId"])

    async def presign_parts(
        self, upload: Upload, numbers: Sequence[int], lifetime: timedelta
    ) -> tuple[PresignedPut, ...]:
        """One PUT for each part, its length signed."""
        puts = []
        for number in numbers:
            length = upload.part_bytes(number)
            url = await _presign(
                self._client,
                "upload_part",
                {
                    "Bucket": self._bucket,
                    "Key": upload.key,
                    "UploadId": upload.storage_upload_id,
                    "PartNumber": number,
                    "ContentLength": length,
                },
                lifetime,
            )
            puts.append(PresignedPut(url, {"Content-Length": str(length)}))
        return tuple(puts)

    async def finish(self, upload: Upload, parts: Sequence[Part]) -> None:
        """Join the parts; S3 compares the total size with the one announced."""
        listed = [{"PartNumber": part.number, "ETag": part.etag} for part in parts]
        try:
            async with calling(SERVICE), asyncio.timeout(_FINISH_SECONDS):
                await self._client.complete_multipart_upload(
                    Bucket=self._bucket,
                    Key=upload.key,
                    UploadId=upload.storage_upload_id,
                    MultipartUpload={"Parts": listed},
                    MpuObjectSize=upload.size_bytes,
                )
        except ClientError as error:
            code = error_code(error)
            if code == "NoSuchUpload":
                raise PartsGoneError from error
            if code in _WRONG_PARTS:
                raise InvalidArgumentError(
                    "PARTS_MISMATCH",
                    "Storage does not hold these parts with these etags and the announced size.",
                    {"upload_id": upload.upload_id, "storage_code": code},
                ) from error
            raise

    async def abandon(self, key: str, storage_upload_id: str) -> None:
        """Give a multipart upload up."""
        try:
            async with calling(SERVICE), asyncio.timeout(_SECONDS):
                await self._client.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=storage_upload_id)
        except ClientError as error:
            if error_code(error) != "NoSuchUpload":
                raise

    async def size(self, key: str) -> int | None:
        """Size of an object in bytes."""
        return await _object_size(self._client, self._bucket, key)


class S3MediaStorage:
    """Implements services.ports.MediaStorage on a bucket."""

    def __init__(self, client: Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    async def presign_files(
        self, video: Video, files: Sequence[MediaFile], lifetime: timedelta
    ) -> tuple[PresignedPut, ...]:
        """One PUT for each file: length, type and caching signed."""
        puts = []
        for file in files:
            headers = {
                "Content-Length": str(file.size_bytes),
                "Content-Type": file.content_type,
                "Cache-Control": _CACHE_CONTROL,
            }
            url = await _presign(
                self._client,
                "put_object",
                {
                    "Bucket": self._bucket,
                    "Key": f"{video.media_root}/{file.path}",
                    "ContentLength": file.size_bytes,
                    "ContentType": file.content_type,
                    "CacheControl": _CACHE_CONTROL,
                },
                lifetime,
            )
            puts.append(PresignedPut(url, headers))
        return tuple(puts)

    async def exists(self, video: Video, path: str) -> bool:
        """Whether the object is there."""
        return await _object_size(self._client, self._bucket, f"{video.media_root}/{path}") is not None


async def _presign(client: Client, method: str, parameters: Mapping[str, Any], lifetime: timedelta) -> str:
    # Presigning is arithmetic of about half a millisecond: let other requests in between.
    await asyncio.sleep(0)
    async with calling(SERVICE):
        url = await client.generate_presigned_url(
            method, Params=dict(parameters), ExpiresIn=int(lifetime.total_seconds()), HttpMethod="PUT"
        )
    return str(url)


async def _object_size(client: Client, bucket: str, key: str) -> int | None:
    try:
        async with calling(SERVICE), asyncio.timeout(_SECONDS):
            answer = await client.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        # Without s3:ListBucket, S3 answers 403 for a missing object: the task's role needs it.
        if error_code(error) in {"404", "NoSuchKey", "NotFound"}:
            return None
        raise
    return int(answer["ContentLength"])
