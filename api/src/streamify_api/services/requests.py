# SPDX-License-Identifier: Apache-2.0
"""Repeating a mutation safely: what a request_id is bound to (https://google.aip.dev/155)."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta

from streamify_api.domain.callers import Caller
from streamify_api.domain.errors import RequestIdReusedError
from streamify_api.domain.ids import parse_request_id
from streamify_api.services.ports import RequestRecord

REMEMBERED = timedelta(days=7)


def record_for(
    caller: Caller, method: str, request_id: str, fields: Mapping[str, object], resource_id: str, now: datetime
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
        resource_id=resource_id,
        expire_time=now + REMEMBERED,
    )


def check_repeat(earlier: RequestRecord, record: RequestRecord) -> None:
    """Refuse a request_id that comes back with other fields.

    Raises:
        RequestIdReusedError: it does.
    """
    if earlier.fingerprint != record.fingerprint:
        raise RequestIdReusedError(record.key.rpartition("#")[2])
