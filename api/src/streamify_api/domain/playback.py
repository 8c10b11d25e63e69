# SPDX-License-Identifier: Apache-2.0
"""What a player is given to watch a video, and the session in which it may ask for more of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

# Policies expire at multiples of this, so that a signature serves every viewer of a video for a while.
TIME_BUCKET = timedelta(seconds=60)


class Delivery(StrEnum):
    """How the player shows the CDN that it may read: cookies on our own site, a query where cookies are lost."""

    COOKIES = "cookies"
    QUERY = "query"


class Grant:
    """A signed policy, by CloudFront's names of its parts: Policy, Signature, Key-Pair-Id, Hash-Algorithm.

    The values hold only characters that neither cookies nor queries need to escape. A grant is kept and given to many
    viewers, so what is made from it is made once.
    """

    __slots__ = ("cookies", "fields", "query")

    def __init__(self, fields: Mapping[str, str]) -> None:
        self.fields = fields
        # Names and values of cookies.
        self.cookies = {f"CloudFront-{name}": value for name, value in fields.items()}
        # What goes behind the "?" of every request to the CDN.
        self.query = "&".join(f"{name}={value}" for name, value in fields.items())


@dataclass(frozen=True, slots=True)
class Session:
    """One viewer's watching of one video. It lives in a signed token, in no table."""

    session_id: str
    video_id: str
    delivery: Delivery
    end_time: datetime
    tenant: str = ""  # of the viewer who may watch more than what is public; empty: anybody


@dataclass(frozen=True, slots=True)
class Playback:
    """A manifest on the CDN, the grant that opens it and everything beside it, and when that stops working.

    `stale` says that the database did not answer and this is what was known `age_seconds` ago.
    """

    video_id: str
    title: str
    manifest_url: str
    grant: Grant
    cookie_path: str
    expire_time: datetime
    session: Session
    session_token: str
    stale: bool
    age_seconds: float


def expiry(now: datetime, lifetime: timedelta) -> datetime:
    """The end of the bucket in which `now + lifetime` falls: never sooner than asked, at most one bucket later."""
    bucket = int(TIME_BUCKET.total_seconds())
    seconds = int((now + lifetime).timestamp())
    return datetime.fromtimestamp(-(-seconds // bucket) * bucket, UTC)
