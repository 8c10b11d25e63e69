# SPDX-License-Identifier: Apache-2.0
"""Plain ASGI: its types, and answers as what they are. https://asgi.readthedocs.io/en/latest/specs/www.html"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

type Scope = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
type Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
type App = Callable[[Any, Any, Any], Awaitable[None]]  # frameworks have types of their own for the three

type Headers = dict[bytes, bytes]  # of a request, by their names in lower case
type Answer = tuple[int, list[tuple[bytes, bytes]], bytes]  # status, headers, body


class Paths(Protocol):
    """Paths that are answered before the framework."""

    def route(self, path: str) -> str | None:
        """The pattern that the path fits, if it is one of these."""

    async def answer(self, route: str, scope: Scope, headers: Headers, receive: Receive) -> Answer:
        """Answer a request for one of these paths.

        Raises:
            StreamifyError: for the caller to be told.
        """


def text(value: bytes | None) -> str | None:
    """A header's value."""
    return value.decode("latin-1") if value is not None else None
