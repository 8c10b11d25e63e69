# SPDX-License-Identifier: Apache-2.0
"""The catalogue: what internal services see of it and change in it, and what viewers see."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from streamify_api.domain.callers import Caller
from streamify_api.domain.errors import (
    InvalidArgumentError,
    StateConflictError,
    UnavailableError,
    video_not_found,
)
from streamify_api.domain.ids import parse_video_id
from streamify_api.domain.uploads import PRESIGNED_LIFETIME
from streamify_api.domain.videos import (
    DEFAULT_MANIFEST_PATH,
    MediaFile,
    Rendition,
    Video,
    VideoState,
    check_media_files,
    check_media_path,
    check_publication,
)
from streamify_api.services.ports import (
    AlreadyChangedError,
    Clock,
    Descriptors,
    MediaStorage,
    Page,
    PresignedPut,
    Store,
)
from streamify_api.services.requests import check_repeat, record_for

DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 100


@dataclass(frozen=True, slots=True)
class Publication:
    """What a caller says about a packaged video."""

    request_id: str
    manifest_path: str
    duration: timedelta
    renditions: tuple[Rendition, ...]


@dataclass(frozen=True, slots=True)
class PresignedFiles:
    """PUTs for media files, in the order asked for, and when they stop working."""

    paths: tuple[str, ...]
    puts: tuple[PresignedPut, ...]
    expire_time: datetime


class Videos:
    """The use cases of the catalogue."""

    def __init__(self, store: Store, media: MediaStorage, descriptors: Descriptors, clock: Clock) -> None:
        self._store = store
        self._media = media
        self._descriptors = descriptors
        self._clock = clock

    async def list_published(self, page_size: int, page_token: str) -> Page:
        """What anybody may watch, newest first.

        Raises:
            InvalidArgumentError: the size is negative or the token is not one of ours.
        """
        return await self._store.list_published(_size(page_size), page_token or None)

    async def get(self, caller: Caller, video_id: str) -> Video:
        """One video of the caller's tenant, in whatever state.

        Raises:
            InvalidArgumentError: the id is malformed.
            NotFoundError: there is none, or it is another tenant's.
        """
        video = await self._store.get_video(parse_video_id(video_id))
        if video is None or video.tenant != caller.tenant:
            raise video_not_found(video_id)
        return video

    async def list(self, caller: Caller, page_size: int, page_token: str) -> Page:
        """The tenant's videos, newest first.

        Raises:
            InvalidArgumentError: the size is negative or the token is not one of ours.
        """
        return await self._store.list_videos(caller.tenant, _size(page_size), page_token or None)

    async def presign_files(self, caller: Caller, video_id: str, files: Sequence[MediaFile]) -> PresignedFiles:
        """One PUT for each file of the packaged video.

        Raises:
            InvalidArgumentError: the id or a file is out of range.
            NotFoundError: there is no such video for the caller.
            StateConflictError: the video is not being processed.
        """
        video = await self.get(caller, video_id)
        video.require(VideoState.PROCESSING)
        check_media_files(files)
        now = self._clock()
        puts = await self._media.presign_files(video, files, PRESIGNED_LIFETIME)
        return PresignedFiles(tuple(file.path for file in files), puts, now + PRESIGNED_LIFETIME)

    async def publish(self, caller: Caller, video_id: str, publication: Publication) -> Video:
        """Make a packaged video watchable, or answer with what an earlier attempt published.

        Raises:
            InvalidArgumentError: a field is missing or out of range.
            NotFoundError: there is no such video for the caller.
            RequestIdReusedError: the request_id was used with other fields.
            StateConflictError: the video is not being processed, or its manifest was not uploaded.
        """
        manifest_path = check_media_path(publication.manifest_path or DEFAULT_MANIFEST_PATH)
        check_publication(publication.duration, publication.renditions)
        now = self._clock()
        fields = {
            "video_id": video_id,
            "manifest_path": manifest_path,
            "duration": publication.duration.total_seconds(),
            "renditions": [asdict(rendition) for rendition in publication.renditions],
        }
        record = record_for(caller, "PublishVideo", publication.request_id, fields, video_id, now)
        video = await self.get(caller, video_id)
        if (earlier := await self._store.get_request(record.key)) is not None:
            check_repeat(earlier, record)
            return await self._described(await self.get(caller, earlier.resource_id))
        published = video.published(manifest_path, publication.duration, publication.renditions, now)
        if not await self._media.exists(video, manifest_path):
            raise StateConflictError(
                "MANIFEST_MISSING", f"{manifest_path} was not uploaded.", {"video_id": video_id, "path": manifest_path}
            )
        try:
            await self._store.publish_video(published, record)
        except AlreadyChangedError:
            # Somebody was first: the same request on another task, or another one.
            if (earlier := await self._store.get_request(record.key)) is not None:
                check_repeat(earlier, record)
                return await self._described(await self.get(caller, earlier.resource_id))
            (await self.get(caller, video_id)).require(VideoState.PROCESSING)
            raise UnavailableError("STORE_CONFLICT", "The video could not be published; try again.") from None
        return await self._described(published)

    async def _described(self, video: Video) -> Video:
        """Leave the copy that players live on while the store is down. Publishing is acknowledged only with it."""
        if video.state is VideoState.PUBLISHED:
            await self._descriptors.put(video)
        return video


def _size(page_size: int) -> int:
    if page_size < 0:
        raise InvalidArgumentError("INVALID_PAGE_SIZE", "page_size must not be negative.")
    return min(page_size, MAX_PAGE_SIZE) or DEFAULT_PAGE_SIZE
