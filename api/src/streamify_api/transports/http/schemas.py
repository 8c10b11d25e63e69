# SPDX-License-Identifier: Apache-2.0
"""What the HTTP API answers with. Times are RFC 3339 in UTC, durations seconds."""

from datetime import datetime

import msgspec

from streamify_api.domain.playback import Delivery, Playback
from streamify_api.domain.videos import PlaybackPolicy, Video
from streamify_api.services.ports import Page


class RenditionBody(msgspec.Struct, frozen=True):
    """One quality: size in pixels, peak bit rate in bits a second."""

    name: str
    width: int
    height: int
    bandwidth_bps: int


class VideoBody(msgspec.Struct, frozen=True):
    """A published video."""

    video_id: str
    title: str
    duration_seconds: float | None
    renditions: tuple[RenditionBody, ...]
    publish_time: datetime | None
    watch_url: str
    playback_policy: PlaybackPolicy

    @classmethod
    def of(cls, video: Video, public_url: str) -> "VideoBody":
        """What viewers may know of a video."""
        return cls(
            video_id=video.video_id,
            title=video.title,
            duration_seconds=video.duration.total_seconds() if video.duration is not None else None,
            renditions=tuple(
                RenditionBody(item.name, item.width, item.height, item.bandwidth_bps) for item in video.renditions
            ),
            publish_time=video.publish_time,
            watch_url=f"{public_url}/watch/{video.video_id}",
            playback_policy=video.playback_policy,
        )


class VideosBody(msgspec.Struct, frozen=True):
    """A page of videos, newest first; `next_cursor` is null on the last one."""

    videos: tuple[VideoBody, ...]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page, public_url: str) -> "VideosBody":
        """A page for viewers."""
        return cls(tuple(VideoBody.of(video, public_url) for video in page.videos), page.next_token)


class PlaybackBody(msgspec.Struct, frozen=True):
    """What a player needs. `query` goes behind the "?" of every request to the CDN if `delivery` is "query"; with
    "cookies" it is null and cookies come with the answer. `stale`: the database does not answer, this is from memory.
    """

    video_id: str
    title: str
    manifest_url: str
    expires_at: datetime
    delivery: Delivery
    query: str | None
    session_token: str
    session_ends_at: datetime
    stale: bool

    @classmethod
    def of(cls, playback: Playback) -> "PlaybackBody":
        """What a player is told."""
        return cls(
            video_id=playback.video_id,
            title=playback.title,
            manifest_url=playback.manifest_url,
            expires_at=playback.expire_time,
            delivery=playback.session.delivery,
            query=playback.grant.query if playback.session.delivery is Delivery.QUERY else None,
            session_token=playback.session_token,
            session_ends_at=playback.session.end_time,
            stale=playback.stale,
        )


class RenewBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What POST /v1/playback/renew takes: the session_token that playback gave."""

    session_token: str


class HealthBody(msgspec.Struct, frozen=True):
    """How the task is."""

    status: str


class ProblemBody(msgspec.Struct, frozen=True, omit_defaults=True):
    """Problem details (RFC 9457). `code` is stable and meant for programs."""

    type: str
    title: str
    status: int
    code: str
    request_id: str
    detail: str = ""
    instance: str = ""
