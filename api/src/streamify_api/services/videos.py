# SPDX-License-Identifier: Apache-2.0
"""The catalogue: what internal services see of it, and what viewers see."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from streamify_api.domain.callers import Caller
from streamify_api.domain.errors import video_not_found
from streamify_api.domain.ids import parse_video_id
from streamify_api.domain.uploads import PRESIGNED_LIFETIME
from streamify_api.domain.videos import MediaFile, Video, VideoState, check_media_files
from streamify_api.domain.viewers import ANYBODY, Viewer
from streamify_api.services.paging import page_size_of
from streamify_api.services.ports import Clock, MediaStorage, Page, PresignedPut, Store


@dataclass(frozen=True, slots=True)
class PresignedFiles:
    """PUTs for media files, in the order asked for, and when they stop working."""

    paths: tuple[str, ...]
    puts: tuple[PresignedPut, ...]
    expire_time: datetime


class Videos:
    """The use cases of the catalogue."""

    def __init__(self, store: Store, media: MediaStorage, clock: Clock) -> None:
        self._store = store
        self._media = media
        self._clock = clock

    async def list_published(self, page_size: int, page_token: str, viewer: Viewer = ANYBODY) -> Page:
        """What this viewer may watch, newest first.

        Raises:
            InvalidArgumentError: the size is negative or the token is not one of ours.
        """
        return await self._store.list_published(viewer, page_size_of(page_size), page_token or None)

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
        return await self._store.list_videos(caller.tenant, page_size_of(page_size), page_token or None)

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
        puts = await self._media.presign_files(video, files, now, PRESIGNED_LIFETIME)
        return PresignedFiles(tuple(file.path for file in files), puts, now + PRESIGNED_LIFETIME)
