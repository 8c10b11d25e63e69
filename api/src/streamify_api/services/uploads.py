# SPDX-License-Identifier: Apache-2.0
"""Bringing source files here: create, presign, complete, read. Each can be repeated, on any task."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from streamify_api.domain.callers import Caller
from streamify_api.domain.errors import StateConflictError, UnavailableError, upload_not_found
from streamify_api.domain.ids import new_media_prefix, new_upload_id, new_video_id, parse_upload_id
from streamify_api.domain.uploads import (
    PRESIGNED_LIFETIME,
    UPLOAD_LIFETIME,
    Part,
    Upload,
    UploadState,
    check_file,
    part_size_for,
)
from streamify_api.domain.videos import Video, VideoState, check_title
from streamify_api.services.ports import (
    AlreadyChangedError,
    Clock,
    PartsGoneError,
    PresignedPut,
    RequestRecord,
    SourceStorage,
    Store,
)
from streamify_api.services.requests import check_repeat, record_for


@dataclass(frozen=True, slots=True)
class NewUpload:
    """What a caller says about the file; size in bytes."""

    request_id: str
    title: str
    filename: str
    content_type: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class PresignedParts:
    """PUTs for parts, in the order asked for, and when they stop working."""

    numbers: tuple[int, ...]
    puts: tuple[PresignedPut, ...]
    expire_time: datetime


class Uploads:
    """The use cases of an upload."""

    def __init__(self, store: Store, storage: SourceStorage, clock: Clock) -> None:
        self._store = store
        self._storage = storage
        self._clock = clock

    async def create(self, caller: Caller, new: NewUpload) -> Upload:
        """Make a video that waits for its file and an upload for it, or answer with those an earlier attempt made.

        Raises:
            InvalidArgumentError: a field is missing or out of range.
            RequestIdReusedError: the request_id was used with other fields.
        """
        title = check_title(new.title)
        check_file(new.filename, new.content_type, new.size_bytes)
        now = self._clock()
        upload_id, video_id = new_upload_id(), new_video_id()
        fields = {
            "title": title,
            "filename": new.filename,
            "content_type": new.content_type,
            "size_bytes": new.size_bytes,
        }
        record = record_for(caller, "CreateUpload", new.request_id, fields, upload_id, now)
        if (earlier := await self._earlier(record)) is not None:
            return earlier

        key = f"{upload_id}/source"
        upload = Upload(
            upload_id=upload_id,
            video_id=video_id,
            tenant=caller.tenant,
            state=UploadState.WAITING,
            filename=new.filename,
            content_type=new.content_type,
            size_bytes=new.size_bytes,
            part_size_bytes=part_size_for(new.size_bytes),
            key=key,
            storage_upload_id=await self._storage.start(key, new.content_type),
            create_time=now,
            expire_time=now + UPLOAD_LIFETIME,
        )
        video = Video(
            video_id=video_id,
            tenant=caller.tenant,
            title=title,
            state=VideoState.WAITING_UPLOAD,
            media_prefix=new_media_prefix(),
            create_time=now,
        )
        try:
            await self._store.create_upload(upload, video, record)
        except AlreadyChangedError:
            # The same request ran elsewhere at the same time and won.
            await self._storage.abandon(key, upload.storage_upload_id)
            if (earlier := await self._earlier(record)) is None:
                raise UnavailableError("STORE_CONFLICT", "The upload could not be recorded; try again.") from None
            return earlier
        return upload

    async def _earlier(self, record: RequestRecord) -> Upload | None:
        earlier = await self._store.get_request(record.key)
        if earlier is None:
            return None
        check_repeat(earlier, record)
        upload = await self._store.get_upload(earlier.resource_id)
        return upload.at(self._clock()) if upload is not None else None

    async def get(self, caller: Caller, upload_id: str) -> Upload:
        """One upload of the caller's tenant.

        Raises:
            InvalidArgumentError: the id is malformed.
            NotFoundError: there is none, or it is another tenant's.
        """
        upload = await self._store.get_upload(parse_upload_id(upload_id))
        if upload is None or upload.tenant != caller.tenant:
            raise upload_not_found(upload_id)
        return upload.at(self._clock())

    async def presign_parts(self, caller: Caller, upload_id: str, numbers: Sequence[int]) -> PresignedParts:
        """One PUT for each part.

        Raises:
            InvalidArgumentError: the id or a number is out of range.
            NotFoundError: there is no such upload for the caller.
            StateConflictError: the upload is over.
        """
        upload = await self.get(caller, upload_id)
        upload.require_waiting()
        upload.check_part_numbers(numbers)
        now = self._clock()
        puts = await self._storage.presign_parts(upload, numbers, PRESIGNED_LIFETIME)
        return PresignedParts(tuple(numbers), puts, now + PRESIGNED_LIFETIME)

    async def complete(self, caller: Caller, upload_id: str, parts: Sequence[Part]) -> Upload:
        """Join the parts and let the video go on to processing. Repeated, the same answer again.

        Raises:
            InvalidArgumentError: parts are missing or storage holds other ones.
            NotFoundError: there is no such upload for the caller.
            StateConflictError: the upload was cancelled, has expired or its parts are gone.
        """
        upload = await self.get(caller, upload_id)
        if upload.state is UploadState.COMPLETED:
            return upload
        completed = upload.completed()
        ordered = upload.check_parts(parts)
        try:
            await self._storage.finish(upload, ordered)
        except PartsGoneError:
            # Either an earlier attempt joined them and died before it was recorded, or they were thrown away.
            if await self._storage.size(upload.key) != upload.size_bytes:
                raise StateConflictError(
                    "PARTS_GONE", "Storage does not hold the parts any more.", {"upload_id": upload_id}
                ) from None
        try:
            await self._store.complete_upload(completed)
        except AlreadyChangedError:
            current = await self.get(caller, upload_id)
            if current.state is UploadState.COMPLETED:
                return current
            current.require_waiting()
            raise UnavailableError("STORE_CONFLICT", "The upload could not be completed; try again.") from None
        return completed
