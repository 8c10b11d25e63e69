# SPDX-License-Identifier: Apache-2.0
"""Ids of resources: a prefix and a ULID (https://github.com/ulid/spec), which sort by the time they were made."""

import base64
import re
import secrets
from uuid import UUID

from ulid import ULID

from streamify_api.domain.errors import InvalidArgumentError

_ULID = r"[0-7][0-9A-HJKMNP-TV-Z]{25}"
_VIDEO_ID = re.compile(rf"vid_{_ULID}\Z")
_UPLOAD_ID = re.compile(rf"upl_{_ULID}\Z")
_MEDIA_PREFIX_BYTES = 20


def new_video_id() -> str:
    """A new id of a video."""
    return f"vid_{ULID()}"


def new_upload_id() -> str:
    """A new id of an upload."""
    return f"upl_{ULID()}"


def new_media_prefix() -> str:
    """A folder for a video's media that nobody can guess: 160 random bits as 32 lower-case characters."""
    return base64.b32encode(secrets.token_bytes(_MEDIA_PREFIX_BYTES)).decode().lower()


def parse_video_id(value: str) -> str:
    """The id, if it is well-formed.

    Raises:
        InvalidArgumentError: it is not.
    """
    if not _VIDEO_ID.match(value):
        raise InvalidArgumentError("INVALID_VIDEO_ID", 'A video id is "vid_" and a ULID of 26 characters.')
    return value


def parse_upload_id(value: str) -> str:
    """The id, if it is well-formed.

    Raises:
        InvalidArgumentError: it is not.
    """
    if not _UPLOAD_ID.match(value):
        raise InvalidArgumentError("INVALID_UPLOAD_ID", 'An upload id is "upl_" and a ULID of 26 characters.')
    return value


def parse_request_id(value: str) -> str:
    """A caller's request_id in canonical form.

    Raises:
        InvalidArgumentError: it is not a UUID as of RFC 9562 in its 36 character form.
    """
    try:
        canonical = str(UUID(value))
    except ValueError:
        canonical = ""
    if not canonical or canonical != value.lower():
        raise InvalidArgumentError("INVALID_REQUEST_ID", "request_id must be a UUID, made once and kept for retries.")
    return canonical
