# SPDX-License-Identifier: Apache-2.0
"""Remembers signatures. Safe while a policy holds nothing about one viewer: authorisation runs on every request."""

from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime

from streamify_api.services.ports import CookieSigner


class CachedCookieSigner:
    """Implements services.ports.CookieSigner over another one, remembering the latest `capacity` answers."""

    def __init__(self, signer: CookieSigner, capacity: int = 10_000) -> None:
        self._signer = signer
        self._capacity = capacity
        self._answers: OrderedDict[tuple[str, datetime], Mapping[str, str]] = OrderedDict()

    def cookies(self, media_root: str, expire_time: datetime) -> Mapping[str, str]:
        """The cookies, signed once for each path and time."""
        key = (media_root, expire_time)
        answer = self._answers.get(key)
        if answer is None:
            answer = self._answers[key] = self._signer.cookies(media_root, expire_time)
            if len(self._answers) > self._capacity:
                self._answers.popitem(last=False)
        else:
            self._answers.move_to_end(key)
        return answer
