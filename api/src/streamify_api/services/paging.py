# SPDX-License-Identifier: Apache-2.0
"""Sizes of pages, and opaque tokens of lists that are numbered."""

import base64
import binascii
import re

from streamify_api.domain.errors import InvalidArgumentError

DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 100
_NUMBER = re.compile(r"0|[1-9]\d{0,8}\Z")


def page_size_of(asked: int, default: int = DEFAULT_PAGE_SIZE, most: int = MAX_PAGE_SIZE) -> int:
    """The size of a page; 0 asks for the usual one.

    Raises:
        InvalidArgumentError: it is negative.
    """
    if asked < 0:
        raise InvalidArgumentError("INVALID_PAGE_SIZE", "page_size must not be negative.")
    return min(asked, most) or default


def number_token(name: str, number: int) -> str:
    """A token that stands for a number in the list of this name."""
    return base64.urlsafe_b64encode(f"{name}:{number}".encode()).decode().rstrip("=")


def token_number(name: str, token: str) -> int:
    """The number that a token stands for; 0 for no token.

    Raises:
        InvalidArgumentError: the token is not one of this list's.
    """
    if not token:
        return 0
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        raw = ""
    start, _, number = raw.partition(":")
    if start != name or not _NUMBER.match(number):
        raise InvalidArgumentError("INVALID_PAGE_TOKEN", "The page token is not one that this list gave.")
    return int(number)
