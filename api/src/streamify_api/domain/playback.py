# SPDX-License-Identifier: Apache-2.0
"""What a player is given to watch a video."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

# Policies expire at multiples of this, so that a signature serves every viewer of a video for a while.
TIME_BUCKET = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Playback:
    """A manifest on the CDN, the cookies that open it and everything beside it, and when they stop working."""

    video_id: str
    title: str
    manifest_url: str
    cookies: Mapping[str, str]
    cookie_path: str
    expire_time: datetime


def expiry(now: datetime, lifetime: timedelta) -> datetime:
    """The end of the bucket in which `now + lifetime` falls: never sooner than asked, at most one bucket later."""
    bucket = int(TIME_BUCKET.total_seconds())
    seconds = int((now + lifetime).timestamp())
    return datetime.fromtimestamp(-(-seconds // bucket) * bucket, UTC)
