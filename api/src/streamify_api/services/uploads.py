# SPDX-License-Identifier: Apache-2.0
"""Bringing source files here: create, read, list, complete, cancel. Each can be repeated, on any task."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from streamify_api.domain.callers import Caller
from streamify_api.domain.checksums import ChecksumAlgorithm
from streamify_api.domain.errors import StateConflictError, UnavailableError, upload_not_found
from streamify_api.domain.ids import new_media_prefix, new_upload_id, new_video_id, parse_upload_id
from streamify_api.domain.uploads import UPLOAD_LIFETIME, Part, Upload, UploadState, check_file, part_size_for
from streamify_api.domain.videos import UPLOAD_CANCELLED, PlaybackPolicy, Video, VideoState, check_title
from streamify_api.services.paging import page_size_of
from streamify_api.services.ports import (
    AlreadyChangedError,
    Clock,
    PartsGoneError,
    RequestRecord,
    SourceStorage,
    Store,
    UploadPage,
)
from streamify_api.services.requests import conflict, earlier_outcome, record_for, remember


@dataclass(frozen=True, slots=True)
class NewUpload:
    """What a caller says about the file; size in bytes."""

    request_id: str
    title: str
    filename: str
    content_type: str
    size_bytes: int
    checksum_algorithm: ChecksumAlgorithm | None
    playback_policy: PlaybackPolicy = PlaybackPolicy.PUBLIC


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
            "checksum_algorithm": new.checksum_algorithm,
        }
        if new.playback_policy is not PlaybackPolicy.PUBLIC:  # else as it was before there were policies
            fields["playback_policy"] = new.playback_policy
        record = record_for(caller, "CreateUpload", new.request_id, fields, now)
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
            storage_upload_id=await self._storage.start(key, new.content_type, new.checksum_algorithm),
            create_time=now,
            expire_time=now + UPLOAD_LIFETIME,
            checksum_algorithm=new.checksum_algorithm,
        )
        video = Video(
            video_id=video_id,
            tenant=caller.tenant,
            title=title,
            state=VideoState.WAITING_UPLOAD,
            media_prefix=new_media_prefix(),
            create_time=now,
            upload_id=upload_id,
            playback_policy=new.playback_policy,
        )
        try:
            await self._store.create_upload(upload, video, replace(record, outcome=upload))
        except AlreadyChangedError:
            # The same request ran elsewhere at the same time and won.
            await self._storage.abandon(key, upload.storage_upload_id)
            if (earlier := await self._earlier(record)) is None:
                raise conflict() from None
            return earlier
        return upload

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

    async def list(self, caller: Caller, page_size: int, page_token: str) -> UploadPage:
        """The tenant's uploads, newest first.

        Raises:
            InvalidArgumentError: the size is negative or the token is not one of ours.
        """
        page = await self._store.list_uploads(caller.tenant, page_size_of(page_size), page_token or None)
        now = self._clock()
        return replace(page, uploads=tuple(upload.at(now) for upload in page.uploads))

    async def complete(
        self, caller: Caller, upload_id: str, request_id: str, parts: Sequence[Part], checksum: str | None
    ) -> Upload:
        """Join the parts and let the video go on to processing. Repeated, the same answer again.

        Raises:
            InvalidArgumentError: parts are missing, storage holds other ones, or a checksum is wrong.
            NotFoundError: there is no such upload for the caller.
            RequestIdReusedError: the request_id was used with other fields.
            StateConflictError: the upload was cancelled, has expired or its parts are gone.
        """
        fields = {
            "upload_id": upload_id,
            "parts": sorted([part.number, part.etag, part.checksum or ""] for part in parts),
            "checksum": checksum,
        }
        record = record_for(caller, "CompleteUpload", request_id, fields, self._clock())
        upload = await self.get(caller, upload_id)
        if (earlier := await self._earlier(record)) is not None:
            return earlier
        if upload.state is UploadState.COMPLETED:
            await remember(self._store, replace(record, outcome=upload))
            return upload
        upload.require_waiting()
        ordered = upload.check_parts(parts)
        composite = upload.composite_checksum(ordered, checksum)
        try:
            await self._storage.finish(upload, ordered, composite)
        except PartsGoneError:
            # Either an earlier attempt joined them and died before it was recorded, or they were thrown away.
            if await self._storage.size(upload.key) != upload.size_bytes:
                current = await self.get(caller, upload_id)
                if current.state is UploadState.WAITING:
                    raise StateConflictError(
                        "PARTS_GONE", "Storage does not hold the parts any more.", {"upload_id": upload_id}
                    ) from None
        return await self._close(caller, upload, upload.closed(UploadState.COMPLETED, composite), record)

    async def cancel(self, caller: Caller, upload_id: str, request_id: str) -> Upload:
        """Give the upload up. What storage holds of it is thrown away now, or by the janitor.

        Raises:
            NotFoundError: there is no such upload for the caller.
            RequestIdReusedError: the request_id was used with other fields.
            StateConflictError: the upload was completed or has expired.
        """
        record = record_for(caller, "CancelUpload", request_id, {"upload_id": upload_id}, self._clock())
        upload = await self.get(caller, upload_id)
        if (earlier := await self._earlier(record)) is not None:
            return earlier
        if upload.state is UploadState.CANCELLED:
            await remember(self._store, replace(record, outcome=upload))
            return upload
        cancelled = await self._close(caller, upload, upload.closed(UploadState.CANCELLED), record)
        with suppress(UnavailableError):  # what is left is the janitor's
            await self._storage.abandon(upload.key, upload.storage_upload_id)
        return cancelled

    async def _close(self, caller: Caller, upload: Upload, closed: Upload, record: RequestRecord) -> Upload:
        """Record the final state, or answer with the one that somebody else recorded first, if it is the same."""
        failure = UPLOAD_CANCELLED if closed.state is UploadState.CANCELLED else None
        record = replace(record, outcome=closed)
        try:
            await self._store.close_upload(closed, failure, record)
        except AlreadyChangedError:
            if (earlier := await self._earlier(record)) is not None:
                return earlier
            current = await self.get(caller, upload.upload_id)
            if current.state is closed.state:
                await remember(self._store, replace(record, outcome=current))
                return current
            current.require_waiting()
            raise conflict() from None
        return closed

    async def _earlier(self, record: RequestRecord) -> Upload | None:
        outcome = await earlier_outcome(self._store, record)
        return outcome if isinstance(outcome, Upload) else None
