# SPDX-License-Identifier: Apache-2.0
"""What the services need from outside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from streamify_api.domain.callers import Caller
from streamify_api.domain.checksums import ChecksumAlgorithm
from streamify_api.domain.playback import Grant, Session
from streamify_api.domain.uploads import Part, StoredPart, Upload
from streamify_api.domain.videos import Failure, MediaFile, Video
from streamify_api.domain.viewers import Viewer


class AlreadyChangedError(Exception):
    """A conditional write found that somebody else was first; read again and decide."""


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """Memory of a mutation, written in the same transaction as its effect.

    `key` names caller, method and request_id; `fingerprint` stands for the other fields; `outcome` is the answer.
    """

    key: str
    fingerprint: str
    expire_time: datetime
    outcome: Upload | Video | None = None


@dataclass(frozen=True, slots=True)
class Chore:
    """Something the janitor has to look at: what is left of an upload or of a deleted video.

    With a `reference`: an invalidation of the video's media at the CDN, to be asked for under this name.
    """

    resource_id: str
    due_time: datetime
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Videos, and the token of the page after them (None: this is the last one)."""

    videos: tuple[Video, ...]
    next_token: str | None


@dataclass(frozen=True, slots=True)
class UploadPage:
    """Uploads, and the token of the page after them (None: this is the last one)."""

    uploads: tuple[Upload, ...]
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

    async def list_published(self, viewer: Viewer, page_size: int, page_token: str | None) -> Page:
        """What this viewer may watch, newest first, from an index that may lag.

        Raises:
            InvalidArgumentError: the page token is not one of ours.
        """

    async def list_uploads(self, tenant: str, page_size: int, page_token: str | None) -> UploadPage:
        """A tenant's uploads, newest first, from an index that may lag.

        Raises:
            InvalidArgumentError: the page token is not one of ours.
        """

    async def create_upload(self, upload: Upload, video: Video, request: RequestRecord) -> None:
        """Write the three at once, and have the janitor look at the upload when it has expired.

        Raises:
            AlreadyChangedError: the request was recorded before.
        """

    async def close_upload(self, upload: Upload, failure: Failure | None, request: RequestRecord | None) -> None:
        """Write the final state of a waiting upload; its video goes on to processing, or fails.

        Raises:
            AlreadyChangedError: the upload is not waiting any more, or the request was recorded before.
        """

    async def change_video(
        self, before: Video, after: Video, request: RequestRecord, also: Chore | None = None
    ) -> None:
        """Replace a video, in its lists too. For a deleted one, cancel its waiting upload and call the janitor.

        `also` is a further chore that the change makes necessary.

        Raises:
            AlreadyChangedError: the video is not at the revision of `before` any more, its upload has been closed, or
                the request was recorded before.
        """

    async def remember_request(self, request: RequestRecord) -> None:
        """Record a request that found its work done.

        Raises:
            AlreadyChangedError: it was recorded before.
        """

    async def due_chores(self, now: datetime, limit: int) -> tuple[Chore, ...]:
        """Chores that are due, at most so many, from an index that may lag."""

    async def put_chore(self, chore: Chore) -> None:
        """Have the janitor look at something at some time, instead of any time that was set before."""

    async def remove_chore(self, chore: Chore) -> None:
        """There is nothing left to look at. An invalidation is only removed under its own reference."""

    async def warm(self) -> None:
        """Open a connection, so that the first caller does not wait for it."""


class PartsGoneError(Exception):
    """Storage does not know the multipart upload (any more)."""


class SourceStorage(Protocol):
    """Where source files go. Every method raises UnavailableError when storage does not answer in time."""

    async def start(self, key: str, content_type: str, checksum_algorithm: ChecksumAlgorithm | None) -> str:
        """Begin a multipart upload and answer with storage's id of it."""

    async def presign_parts(
        self, upload: Upload, numbers: Sequence[int], checksums: Mapping[int, str], now: datetime, lifetime: timedelta
    ) -> tuple[PresignedPut, ...]:
        """One PUT for each part, with its checksum where one is known."""

    async def list_parts(self, upload: Upload, after: int, limit: int) -> tuple[StoredPart, ...]:
        """The parts that storage holds whose numbers are greater, by their number, at most so many.

        Raises:
            PartsGoneError: storage does not know the multipart upload.
        """

    async def finish(self, upload: Upload, parts: Sequence[Part], checksum: str | None) -> None:
        """Join the parts, if their checksums and the composite one are right.

        Raises:
            PartsGoneError: storage does not know the multipart upload.
            InvalidArgumentError: storage holds other parts.
        """

    async def abandon(self, key: str, storage_upload_id: str) -> None:
        """Give a multipart upload up; one that is gone already is no error."""

    async def remove(self, key: str) -> None:
        """Delete a source file; one that is not there is no error."""

    async def size(self, key: str) -> int | None:
        """Size in bytes of a complete source file, None if there is none."""


class MediaStorage(Protocol):
    """Where packaged videos lie. Every method raises UnavailableError when storage does not answer in time."""

    async def presign_files(
        self, video: Video, files: Sequence[MediaFile], now: datetime, lifetime: timedelta
    ) -> tuple[PresignedPut, ...]:
        """One PUT for each file."""

    async def remove_some(self, video: Video) -> bool:
        """Delete up to a thousand files of the video; whether none were left."""

    async def exists(self, video: Video, path: str) -> bool:
        """Whether a file of the video was uploaded."""


class CdnCache(Protocol):
    """What the CDN's edges hold."""

    async def forget(self, media_root: str, reference: str) -> None:
        """Have the CDN ask the origin anew for everything below this path; once for each reference.

        Raises:
            UnavailableError: the CDN does not take it now.
        """


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
