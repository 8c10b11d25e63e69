# SPDX-License-Identifier: Apache-2.0
"""Source files and media on S3. Bytes never pass through here: callers get presigned PUTs with signed headers."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

from botocore.exceptions import ClientError

from streamify_api.adapters.aws import Client, error_code, find_credentials
from streamify_api.adapters.dependency import Dependency
from streamify_api.adapters.s3_presign import BucketAddress, S3Presigner
from streamify_api.adapters.sigv4 import Credentials
from streamify_api.domain.checksums import ChecksumAlgorithm
from streamify_api.domain.errors import InvalidArgumentError
from streamify_api.domain.uploads import Part, StoredPart, Upload
from streamify_api.domain.videos import MediaFile, Video
from streamify_api.services.ports import PartsGoneError, PresignedPut

_REMOVE_SECONDS = 30.0
_FINISH_SECONDS = 60.0  # joining thousands of parts takes S3 a while
_WRONG_PARTS = frozenset(
    {"BadDigest", "EntityTooSmall", "InvalidPart", "InvalidPartOrder", "InvalidRequest", "MalformedXML"}
)
# A published file never changes.
_CACHE_CONTROL = "public, max-age=31536000, immutable"


class Caller(Protocol):
    """Dependency.call."""

    def __call__(self, work: Callable[[], Awaitable[Any]], *, seconds: float | None = None) -> Awaitable[Any]: ...


class Presigning:
    """What presigning needs and is kept: the credentials, which renew themselves, and where a bucket is."""

    def __init__(self, client: Client, credentials: Dependency, bucket: str) -> None:
        self._client = client
        self._call = credentials.call  # S3 itself is not asked: presigning goes on while it is down
        self._bucket = bucket
        self._presigner: S3Presigner | None = None
        self._renew: Callable[[], Awaitable[Credentials]] | None = None

    async def __call__(self) -> tuple[S3Presigner, Credentials]:
        """The signer and the credentials of now."""
        return await self._call(self._current)

    async def _current(self) -> tuple[S3Presigner, Credentials]:
        if self._presigner is None:
            # Partition, style and endpoint are the SDK's to know: ask it once.
            url = await self._client.generate_presigned_url("put_object", {"Bucket": self._bucket, "Key": "k"})
            self._presigner = S3Presigner(BucketAddress.of_url(url, "k"), self._client.meta.region_name)
        if self._renew is None:
            self._renew = await find_credentials()
        return self._presigner, await self._renew()


class S3SourceStorage:
    """Implements services.ports.SourceStorage on a bucket."""

    def __init__(self, client: Client, dependency: Dependency, credentials: Dependency, bucket: str) -> None:
        self._client = client
        self._call = dependency.call
        self._bucket = bucket
        self._presigning = Presigning(client, credentials, bucket)

    async def start(self, key: str, content_type: str, checksum_algorithm: ChecksumAlgorithm | None) -> str:
        """Begin a multipart upload."""
        checked = {}
        if checksum_algorithm is not None:
            checked = {"ChecksumAlgorithm": checksum_algorithm.value, "ChecksumType": "COMPOSITE"}
        create = partial(
            self._client.create_multipart_upload, Bucket=self._bucket, Key=key, ContentType=content_type, **checked
        )
        answer = await self._call(create)
        return str(answer["UploadId"])

    async def presign_parts(
        self, upload: Upload, numbers: Sequence[int], checksums: Mapping[int, str], now: datetime, lifetime: timedelta
    ) -> tuple[PresignedPut, ...]:
        """One PUT for each part, its length signed, and its checksum where one is known."""
        presigner, credentials = await self._presigning()
        header = f"x-amz-checksum-{upload.checksum_algorithm.lower()}" if upload.checksum_algorithm else None
        parts = [(number, upload.part_bytes(number), checksums.get(number)) for number in numbers]
        urls = presigner.parts(
            credentials, now, int(lifetime.total_seconds()), upload.key, upload.storage_upload_id, parts, header
        )
        puts = []
        for url, (_, length, checksum) in zip(urls, parts, strict=True):
            headers = {"Content-Length": str(length)}
            if header is not None and checksum is not None:
                headers[header] = checksum
            puts.append(PresignedPut(url, headers))
        return tuple(puts)

    async def list_parts(self, upload: Upload, after: int, limit: int) -> tuple[StoredPart, ...]:
        """The parts that S3 holds."""
        checksum = f"Checksum{upload.checksum_algorithm}"
        parts = partial(
            self._client.list_parts,
            Bucket=self._bucket,
            Key=upload.key,
            UploadId=upload.storage_upload_id,
            PartNumberMarker=after,
            MaxParts=limit,
        )
        try:
            answer = await self._call(parts)
        except ClientError as error:
            if error_code(error) == "NoSuchUpload":
                raise PartsGoneError from error
            raise
        return tuple(
            StoredPart(part["PartNumber"], part["Size"], part["ETag"], part.get(checksum))
            for part in answer.get("Parts", [])
        )

    async def finish(self, upload: Upload, parts: Sequence[Part], checksum: str | None) -> None:
        """Join the parts; S3 compares the total size with the one announced, and the checksums with its own."""
        name = f"Checksum{upload.checksum_algorithm}"
        listed = [
            {"PartNumber": part.number, "ETag": part.etag} | ({name: part.checksum} if part.checksum else {})
            for part in parts
        ]
        checked = {name: checksum, "ChecksumType": "COMPOSITE"} if checksum is not None else {}
        complete = partial(
            self._client.complete_multipart_upload,
            Bucket=self._bucket,
            Key=upload.key,
            UploadId=upload.storage_upload_id,
            MultipartUpload={"Parts": listed},
            MpuObjectSize=upload.size_bytes,
            **checked,
        )
        try:
            await self._call(complete, seconds=_FINISH_SECONDS)
        except ClientError as error:
            code = error_code(error)
            if code == "NoSuchUpload":
                raise PartsGoneError from error
            if code in _WRONG_PARTS:
                raise InvalidArgumentError(
                    "CHECKSUM_MISMATCH" if code == "BadDigest" else "PARTS_MISMATCH",
                    "Storage does not hold these parts with these etags, checksums and the announced size.",
                    {"upload_id": upload.upload_id, "storage_code": code},
                ) from error
            raise

    async def abandon(self, key: str, storage_upload_id: str) -> None:
        """Give a multipart upload up."""
        abort = partial(self._client.abort_multipart_upload, Bucket=self._bucket, Key=key, UploadId=storage_upload_id)
        try:
            await self._call(abort)
        except ClientError as error:
            if error_code(error) != "NoSuchUpload":
                raise

    async def remove(self, key: str) -> None:
        """Delete an object."""
        await self._call(partial(self._client.delete_object, Bucket=self._bucket, Key=key))

    async def size(self, key: str) -> int | None:
        """Size of an object in bytes."""
        return await _object_size(self._call, self._client, self._bucket, key)


class S3MediaStorage:
    """Implements services.ports.MediaStorage on a bucket."""

    def __init__(self, client: Client, dependency: Dependency, credentials: Dependency, bucket: str) -> None:
        self._client = client
        self._call = dependency.call
        self._bucket = bucket
        self._presigning = Presigning(client, credentials, bucket)

    async def presign_files(
        self, video: Video, files: Sequence[MediaFile], now: datetime, lifetime: timedelta
    ) -> tuple[PresignedPut, ...]:
        """One PUT for each file: length, type and caching signed."""
        presigner, credentials = await self._presigning()
        puts = []
        for file in files:
            headers = {
                "Content-Length": str(file.size_bytes),
                "Content-Type": file.content_type,
                "Cache-Control": _CACHE_CONTROL,
            }
            signed = {name.lower(): value for name, value in headers.items()}
            key = f"{video.media_root}/{file.path}"
            url = presigner.put(credentials, now, int(lifetime.total_seconds()), key, signed)
            puts.append(PresignedPut(url, headers))
        return tuple(puts)

    async def remove_some(self, video: Video) -> bool:
        """Delete what one listing shows: up to a thousand objects."""
        listing = partial(self._client.list_objects_v2, Bucket=self._bucket, Prefix=f"{video.media_root}/")
        listed = await self._call(listing, seconds=_REMOVE_SECONDS)
        keys = [{"Key": item["Key"]} for item in listed.get("Contents", [])]
        if keys:
            deletion = {"Objects": keys, "Quiet": True}
            delete = partial(self._client.delete_objects, Bucket=self._bucket, Delete=deletion)
            if (await self._call(delete, seconds=_REMOVE_SECONDS)).get("Errors"):
                return False
        return not listed.get("IsTruncated", False)

    async def exists(self, video: Video, path: str) -> bool:
        """Whether the object is there."""
        key = f"{video.media_root}/{path}"
        return await _object_size(self._call, self._client, self._bucket, key) is not None


async def _object_size(call: Caller, client: Client, bucket: str, key: str) -> int | None:
    try:
        answer = await call(partial(client.head_object, Bucket=bucket, Key=key))
    except ClientError as error:
        # Without s3:ListBucket, S3 answers 403 for a missing object: the task's role needs it.
        if error_code(error) in {"404", "NoSuchKey", "NotFound"}:
            return None
        raise
    return int(answer["ContentLength"])
