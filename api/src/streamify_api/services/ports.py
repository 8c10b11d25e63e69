# SPDX-License-Identifier: Apache-2.0
"""What the services need from outside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from streamify_api.domain.callers import Caller
from streamify_api.domain.playback import Grant, Session
from streamify_api.domain.uploads import Part, Upload
from streamify_api.domain.videos import MediaFile, Video


class AlreadyChangedError(Exception):
    """A conditional write found that somebody else was first; read again and decide."""


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """Memory of a mutation, written in the same transaction as its effect.

    `key` names caller, method and request_id; `fingerprint` stands for the other fields; `resource_id` is the outcome.
    """

    key: str
    fingerprint: str
    resource_id: str
    expire_time: datetime


@dataclass(frozen=True, slots=True)
class Page:
    """Videos, and the token of the page after them (None: this is the last one)."""

    videos: tuple[Video, ...]
    next_token: str | None


@dataclass(frozen=True, slots=True)
class PresignedPut:
    """A PUT that needs no credentials: the URL, and the headers that are signed with it."""

    url: str
    headers: Mapping[str, str]


class Clock(Protocol):
    """Tells the time."""

    def __call__(self) -> datetime:
        """The time now, in UTC."""


class Store(Protocol):
    """State that outlives a task. Reads of single resources are strongly consistent.

    Every method raises UnavailableError when the store does not answer in time.
    """

    async def get_request(self, key: str) -> RequestRecord | None:
        """The record of a mutation that was done, if it has not expired."""

    async def get_upload(self, upload_id: str) -> Upload | None:
        """One upload."""

    async def get_video(self, video_id: str) -> Video | None:
        """One video."""

    async def list_videos(self, tenant: str, page_size: int, page_token: str | None) -> Page:
        """A tenant's videos, newest first, from an index that may lag.

        Raises:
            InvalidArgumentError: the page token is not one of ours.
        """

    async def list_published(self, page_size: int, page_token: str | None) -> Page:
        """What anybody may watch, newest first, from an index that may lag.

        Raises:
            InvalidArgumentError: the page token is not one of ours.
        """

    async def create_upload(self, upload: Upload, video: Video, request: RequestRecord) -> None:
        """Write the three at once.

        Raises:
            AlreadyChangedError: the request was recorded before.
        """

    async def complete_upload(self, upload: Upload) -> None:
        """Close a waiting upload and let its video go on to processing.

        Raises:
            AlreadyChangedError: the upload is not waiting any more.
        """

    async def publish_video(self, video: Video, request: RequestRecord) -> None:
        """Publish a video that is being processed.

        Raises:
            AlreadyChangedError: the video left that state, or the request was recorded before.
        """

    async def warm(self) -> None:
        """Open a connection, so that the first caller does not wait for it."""


class PartsGoneError(Exception):
    """Storage does not know the multipart upload (any more)."""


class SourceStorage(Protocol):
    """Where source files go. Every method raises UnavailableError when storage does not answer in time."""

    async def start(self, key: str, content_type: str) -> str:
        """Begin a multipart upload and answer with storage's id of it."""

    async def presign_parts(
        self, upload: Upload, numbers: Sequence[int], lifetime: timedelta
    ) -> tuple[PresignedPut, ...]:
        """One PUT for each part."""

    async def finish(self, upload: Upload, parts: Sequence[Part]) -> None:
        """Join the parts.

        Raises:
            PartsGoneError: storage does not know the multipart upload.
            InvalidArgumentError: storage holds other parts.
        """

    async def abandon(self, key: str, storage_upload_id: str) -> None:
        """Give a multipart upload up; one that is gone already is no error."""

    async def size(self, key: str) -> int | None:
        """Size in bytes of a complete source file, None if there is none."""


class MediaStorage(Protocol):
    """Where packaged videos lie. Every method raises UnavailableError when storage does not answer in time."""

    async def presign_files(
        self, video: Video, files: Sequence[MediaFile], lifetime: timedelta
    ) -> tuple[PresignedPut, ...]:
        """One PUT for each file."""

    async def exists(self, video: Video, path: str) -> bool:
        """Whether a file of the video was uploaded."""


class Descriptors(Protocol):
    """Copies of published videos outside the store: what a task that just started plays from while the store is down.

    Every method raises UnavailableError when storage does not answer in time.
    """

    async def put(self, video: Video) -> None:
        """Write or replace the copy of a published video."""

    async def get(self, video_id: str) -> Video | None:
        """The copy, if there is one."""

    async def remove(self, video_id: str) -> None:
        """Forget a video; one that has no copy is no error."""


@dataclass(frozen=True, slots=True)
class FoundVideo:
    """A published video as it was `age_seconds` ago; `stale` if it is older than it should be."""

    video: Video
    age_seconds: float
    stale: bool


class PublishedVideos(Protocol):
    """What anybody may watch, read far more often than it changes."""

    async def get(self, video_id: str) -> FoundVideo | None:
        """A published video.

        Raises:
            UnavailableError: nobody who knows can be asked.
        """


class PlaybackSigner(Protocol):
    """Opens everything below a path of the CDN."""

    def sign(self, media_root: str, expire_time: datetime) -> Grant:
        """The grant for `<CDN>/<media_root>/*` until this time."""


class SessionTokens(Protocol):
    """Sessions as tokens that any task can read and only ours can make."""

    def write(self, session: Session) -> str:
        """The token."""

    def read(self, token: str) -> Session:
        """The session.

        Raises:
            InvalidArgumentError: it is no token of ours.
            PermissionDeniedError: the session is over.
        """


class TokenVerifier(Protocol):
    """Tells who a token belongs to."""

    def verify(self, token: str) -> Caller:
        """The caller.

        Raises:
            UnauthenticatedError: the token is not valid here and now.
        """
