# SPDX-License-Identifier: Apache-2.0
"""Repeating a mutation safely: what a request_id is bound to (https://google.aip.dev/155)."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta

from streamify_api.domain.callers import Caller
from streamify_api.domain.errors import RequestIdReusedError, UnavailableError
from streamify_api.domain.ids import parse_request_id
from streamify_api.domain.uploads import Upload
from streamify_api.domain.videos import Video
from streamify_api.services.ports import AlreadyChangedError, RequestRecord, Store

REMEMBERED = timedelta(days=7)


def record_for(
    caller: Caller, method: str, request_id: str, fields: Mapping[str, object], now: datetime
) -> RequestRecord:
    """The record to write with the effect of a mutation, bound to the caller, the method and every other field.

    Raises:
        InvalidArgumentError: the request_id is not a UUID.
    """
    canonical = parse_request_id(request_id)
    owner = hashlib.sha256(f"{caller.tenant}\0{caller.subject}".encode()).hexdigest()[:32]
    body = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return RequestRecord(
        key=f"{owner}#{method}#{canonical}",
        fingerprint=hashlib.sha256(body.encode()).hexdigest(),
        expire_time=now + REMEMBERED,
    )


async def earlier_outcome(store: Store, record: RequestRecord) -> Upload | Video | None:
    """What the request came to before; None: it is new.

    Raises:
        RequestIdReusedError: the request_id comes back with other fields.
    """
    earlier = await store.get_request(record.key)
    if earlier is None:
        return None
    if earlier.fingerprint != record.fingerprint:
        raise RequestIdReusedError(record.key.rpartition("#")[2])
    return earlier.outcome


async def remember(store: Store, record: RequestRecord) -> None:
    """Record a request that found its work done. Another one that does the same at the same time is as good."""
    try:
        await store.remember_request(record)
    except AlreadyChangedError:
        await earlier_outcome(store, record)


def conflict() -> UnavailableError:
    """The answer when somebody else was faster every time."""
    return UnavailableError("STORE_CONFLICT", "Too many changes at once; try again.")
