# SPDX-License-Identifier: Apache-2.0
"""Remembers signatures. Safe while a policy holds nothing about one viewer: authorisation runs on every request."""

from collections import OrderedDict
from datetime import datetime

from streamify_api.domain.playback import Grant
from streamify_api.services.ports import PlaybackSigner


class CachedSigner:
    """Implements services.ports.PlaybackSigner over another one, remembering the latest `capacity` answers."""

    def __init__(self, signer: PlaybackSigner, capacity: int = 10_000) -> None:
        self._signer = signer
        self._capacity = capacity
        self._answers: OrderedDict[tuple[str, datetime], Grant] = OrderedDict()

    def sign(self, media_root: str, expire_time: datetime) -> Grant:
        """The grant, signed once for each path and time."""
        key = (media_root, expire_time)
        answer = self._answers.get(key)
        if answer is None:
            answer = self._answers[key] = self._signer.sign(media_root, expire_time)
            if len(self._answers) > self._capacity:
                self._answers.popitem(last=False)
        else:
            self._answers.move_to_end(key)
        return answer
