# SPDX-License-Identifier: Apache-2.0
"""Remembers who a bearer token belongs to, since a signature costs more than everything else in a request."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable

from streamify_api.domain.callers import Caller
from streamify_api.services.ports import TokenVerifier


class CachedVerifier:
    """Implements services.ports.TokenVerifier over another one.

    Kept are SHA-256 hashes, not tokens. A token is believed until it expires and no longer than `most_seconds` without
    being verified again: so long may a key that the issuer has withdrawn still count. Refusals are not remembered.

    Args:
        verifier: knows.
        most_seconds: how long an answer counts.
        capacity: how many of the tokens seen last are remembered.
        now: seconds since 1970.
    """

    def __init__(
        self,
        verifier: TokenVerifier,
        *,
        most_seconds: float = 60.0,
        capacity: int = 20_000,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._verifier = verifier
        self._most_seconds = most_seconds
        self._capacity = capacity
        self._now = now
        self._known: OrderedDict[bytes, tuple[float, float, Caller]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def forget(self) -> None:
        """Believe nobody without verifying again: the issuer's keys have changed."""
        self._known.clear()

    def verify(self, token: str) -> Caller:
        """The caller, verified now or a moment ago."""
        key = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        now = self._now()
        known = self._known.get(key)
        # A clock that was set back ends the answer, too.
        if known is not None and known[0] <= now < known[1]:
            return known[2]
        caller = self._verifier.verify(token)
        self._known[key] = (now, min(now + self._most_seconds, caller.expire_time), caller)
        self._known.move_to_end(key)
        if len(self._known) > self._capacity:
            self._known.popitem(last=False)
        return caller
