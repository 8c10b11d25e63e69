# SPDX-License-Identifier: Apache-2.0
"""Videos: waiting for their file, being packaged, published."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from streamify_api.domain.errors import ConflictingChangeError, InvalidArgumentError, StateConflictError

MAX_TITLE_CHARACTERS = 200
MAX_DESCRIPTION_CHARACTERS = 5000
MAX_RENDITIONS = 20
MAX_DURATION = timedelta(hours=48)
MAX_MEDIA_FILES_PER_CALL = 100
MAX_MEDIA_FILE_BYTES = 5 * 1024**3  # of one PUT: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
MAX_PATH_CHARACTERS = 200
DEFAULT_MANIFEST_PATH = "master.m3u8"

# What HLS with CMAF or MPEG-TS, subtitles and pictures are made of.
MEDIA_CONTENT_TYPES = frozenset(
    {
        "application/vnd.apple.mpegurl",
        "application/x-mpegurl",
        "application/mp4",
        "video/mp4",
        "video/iso.segment",
        "video/mp2t",
        "audio/mp4",
        "audio/aac",
        "text/vtt",
        "image/jpeg",
        "image/png",
        "image/webp",
    }
)
_FAILURE_CODE = re.compile(r"[A-Z][A-Z0-9_]{2,63}\Z")
MAX_FAILURE_MESSAGE_CHARACTERS = 500
_PATH = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*\Z")


class PlaybackPolicy(StrEnum):
    """Who may see and watch a published video; domain/viewers.py holds the rule."""

    PUBLIC = "public"
    SIGNED = "signed"
    PRIVATE = "private"


class VideoState(StrEnum):
    """Where a video stands."""

    WAITING_UPLOAD = "waiting_upload"
    PROCESSING = "processing"
    PUBLISHED = "published"
    FAILED = "failed"
    UNPUBLISHED = "unpublished"
    DELETED = "deleted"


TRANSITIONS: dict[VideoState, frozenset[VideoState]] = {
    VideoState.WAITING_UPLOAD: frozenset({VideoState.PROCESSING, VideoState.FAILED, VideoState.DELETED}),
    VideoState.PROCESSING: frozenset({VideoState.PUBLISHED, VideoState.FAILED, VideoState.DELETED}),
    VideoState.PUBLISHED: frozenset({VideoState.UNPUBLISHED, VideoState.DELETED}),
    VideoState.UNPUBLISHED: frozenset({VideoState.PUBLISHED, VideoState.DELETED}),
    VideoState.FAILED: frozenset({VideoState.DELETED}),
    VideoState.DELETED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a video cannot be watched: a stable word for programs, a sentence for people."""

    code: str
    message: str

    def __post_init__(self) -> None:
        printable = self.message.isprintable() and len(self.message) <= MAX_FAILURE_MESSAGE_CHARACTERS
        if not _FAILURE_CODE.match(self.code) or not printable:
            raise InvalidArgumentError(
                "INVALID_FAILURE",
                "A failure is a code of 3 to 64 characters A-Z 0-9 _ and a message of at most 500 characters.",
            )


UPLOAD_CANCELLED = Failure("UPLOAD_CANCELLED", "The upload of its file was cancelled.")
UPLOAD_EXPIRED = Failure("UPLOAD_EXPIRED", "The upload of its file was not completed in time.")


@dataclass(frozen=True, slots=True)
class Rendition:
    """One quality: size in pixels, peak bit rate in bits a second, codecs as in RFC 6381."""

    name: str
    width: int
    height: int
    bandwidth_bps: int
    codecs: str

    def __post_init__(self) -> None:
        if not 1 <= len(self.name) <= 32 or len(self.codecs) > 100:
            raise InvalidArgumentError("INVALID_RENDITION", "A rendition needs a name of 1 to 32 characters.")
        if not (0 < self.width <= 16384 and 0 < self.height <= 16384 and 0 < self.bandwidth_bps <= 10**9):
            raise InvalidArgumentError(
                "INVALID_RENDITION", f"Width, height and bandwidth_bps of rendition {self.name!r} are out of range."
            )


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A file of the packaged video that is about to be uploaded; size in bytes."""

    path: str
    content_type: str
    size_bytes: int

    def __post_init__(self) -> None:
        check_media_path(self.path)
        if self.content_type not in MEDIA_CONTENT_TYPES:
            raise InvalidArgumentError(
                "INVALID_CONTENT_TYPE", f"{self.path}: the content type is not one of a packaged video."
            )
        if not 1 <= self.size_bytes <= MAX_MEDIA_FILE_BYTES:
            raise InvalidArgumentError("INVALID_SIZE", f"{self.path}: size_bytes must be 1 to {MAX_MEDIA_FILE_BYTES}.")


@dataclass(frozen=True, slots=True)
class Video:
    """One entry of the catalogue. Its media lie below `media_prefix`, which is not derived from its id."""

    video_id: str
    tenant: str
    title: str
    state: VideoState
    media_prefix: str
    create_time: datetime
    publish_time: datetime | None = None
    manifest_path: str = DEFAULT_MANIFEST_PATH
    duration: timedelta | None = None
    renditions: tuple[Rendition, ...] = ()
    description: str = ""
    progress_percent: int = 0
    failure: Failure | None = None
    upload_id: str | None = None
    update_time: datetime | None = None
    revision: int = 1
    playback_policy: PlaybackPolicy = PlaybackPolicy.PUBLIC

    @property
    def etag(self) -> str:
        """Stands for the video as it is here."""
        return f"r{self.revision}"

    @property
    def media_root(self) -> str:
        """Key prefix and URL path of the video's media, without slashes at its ends."""
        return f"v/{self.media_prefix}"

    def require(self, *states: VideoState) -> None:
        """Refuse what only fits other states.

        Raises:
            StateConflictError: the video is in none of these.
        """
        if self.state not in states:
            wanted = " or ".join(state.upper() for state in states)
            raise StateConflictError(
                "VIDEO_STATE_CONFLICT",
                f"The video is in the state {self.state.upper()}, not {wanted}.",
                {"video_id": self.video_id, "state": self.state.upper()},
            )

    def require_etag(self, etag: str) -> None:
        """Refuse a change that was meant for another version of the video. An empty etag fits them all.

        Raises:
            ConflictingChangeError: the video has changed.
        """
        if etag and etag != self.etag:
            raise ConflictingChangeError(
                "ETAG_MISMATCH",
                "The video is not what the etag stands for: read it again.",
                {"video_id": self.video_id},
            )

    def _moved(self, state: VideoState, now: datetime) -> "Video":
        self.require(*(before for before, after in TRANSITIONS.items() if state in after))
        return replace(self, state=state, update_time=now, revision=self.revision + 1)

    def published(
        self, manifest_path: str, duration: timedelta, renditions: Sequence[Rendition], now: datetime
    ) -> "Video":
        """The video once it is watchable.

        Raises:
            StateConflictError: it is neither being processed nor unpublished.
        """
        return replace(
            self._moved(VideoState.PUBLISHED, now),
            manifest_path=manifest_path,
            duration=duration,
            renditions=tuple(renditions),
            publish_time=now,
            progress_percent=100,
        )

    def unpublished(self, now: datetime) -> "Video":
        """The video once viewers cannot watch it any more.

        Raises:
            StateConflictError: it is not published.
        """
        return replace(self._moved(VideoState.UNPUBLISHED, now), publish_time=None)

    def deleted(self, now: datetime) -> "Video":
        """The video once it is gone for good; itself, if it is already.

        Raises:
            StateConflictError: never; every state but this one can be left for it.
        """
        if self.state is VideoState.DELETED:
            return self
        return replace(self._moved(VideoState.DELETED, now), publish_time=None)

    def failed(self, failure: Failure, now: datetime) -> "Video":
        """The video once it was given up.

        Raises:
            StateConflictError: it is neither waiting for its file nor being processed.
        """
        return replace(self._moved(VideoState.FAILED, now), failure=failure)

    def progressed(self, percent: int, now: datetime) -> "Video":
        """The video when this much of its packaging is done; never less than before.

        Raises:
            InvalidArgumentError: percent is not 0 to 100.
            StateConflictError: it is not being processed.
        """
        if not 0 <= percent <= 100:
            raise InvalidArgumentError("INVALID_PROGRESS", "progress_percent must be 0 to 100.")
        self.require(VideoState.PROCESSING)
        if percent <= self.progress_percent:
            return self
        return replace(self, progress_percent=percent, update_time=now, revision=self.revision + 1)

    def described(
        self, title: str | None, description: str | None, now: datetime, policy: PlaybackPolicy | None = None
    ) -> "Video":
        """The video with another title, description or policy (None: as it was).

        Raises:
            InvalidArgumentError: one is out of range.
            StateConflictError: it is deleted.
        """
        self.require(*(state for state in VideoState if state is not VideoState.DELETED))
        return replace(
            self,
            title=self.title if title is None else check_title(title),
            description=self.description if description is None else check_description(description),
            playback_policy=self.playback_policy if policy is None else policy,
            update_time=now,
            revision=self.revision + 1,
        )


def check_title(title: str) -> str:
    """The title without white space around it.

    Raises:
        InvalidArgumentError: it is empty, too long or holds control characters.
    """
    title = title.strip()
    if not 1 <= len(title) <= MAX_TITLE_CHARACTERS or not title.isprintable():
        raise InvalidArgumentError("INVALID_TITLE", f"title must be 1 to {MAX_TITLE_CHARACTERS} printable characters.")
    return title


def check_description(description: str) -> str:
    """The description without white space around it.

    Raises:
        InvalidArgumentError: it is too long or holds control characters other than line feeds.
    """
    description = description.strip()
    if len(description) > MAX_DESCRIPTION_CHARACTERS or not description.replace("\n", "").isprintable():
        raise InvalidArgumentError(
            "INVALID_DESCRIPTION", f"description must be at most {MAX_DESCRIPTION_CHARACTERS} printable characters."
        )
    return description


def check_media_path(path: str) -> str:
    """The path, if it can only lead below the video's folder.

    Raises:
        InvalidArgumentError: it is empty, too long, absolute, hidden or climbs.
    """
    if len(path) > MAX_PATH_CHARACTERS or not _PATH.match(path):
        raise InvalidArgumentError(
            "INVALID_PATH", "A path is names of A-Z a-z 0-9 . _ - (not starting with a dot) joined by slashes."
        )
    return path


def check_media_files(files: Sequence[MediaFile]) -> None:
    """Refuse no files, too many, or one path twice.

    Raises:
        InvalidArgumentError: as said.
    """
    if not 1 <= len(files) <= MAX_MEDIA_FILES_PER_CALL:
        raise InvalidArgumentError("INVALID_FILES", f"files must be 1 to {MAX_MEDIA_FILES_PER_CALL}.")
    if len({file.path for file in files}) != len(files):
        raise InvalidArgumentError("INVALID_FILES", "A path is named twice.")


def check_publication(duration: timedelta, renditions: Sequence[Rendition]) -> None:
    """Refuse a publication that describes no watchable video.

    Raises:
        InvalidArgumentError: the duration or the renditions are out of range.
    """
    if not timedelta(0) < duration <= MAX_DURATION:
        raise InvalidArgumentError("INVALID_DURATION", "duration must be more than 0 and at most 48 hours.")
    if not 1 <= len(renditions) <= MAX_RENDITIONS:
        raise InvalidArgumentError("INVALID_RENDITIONS", f"renditions must be 1 to {MAX_RENDITIONS}.")
    if len({rendition.name for rendition in renditions}) != len(renditions):
        raise InvalidArgumentError("INVALID_RENDITIONS", "A rendition's name is used twice.")
