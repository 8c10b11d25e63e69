# SPDX-License-Identifier: Apache-2.0
"""The token issuer's keys, read again and again from a file or an https URL: they rotate without a deployment."""

import asyncio
import random
import urllib.request
from collections.abc import Callable
from contextlib import suppress

from streamify_api.telemetry import log

_SECONDS = 5.0
_MOST_BYTES = 1024**2


class JwksSource:
    """Reads the JWKS now and then, and soon when a token names a key that is not known.

    Args:
        url: file: or https:, as the settings have checked.
        interval_seconds: between two reads, give or take a tenth, so that tasks do not read together.
        soonest_seconds: the least between two reads, however many tokens name keys that nobody knows.
        apply: takes the JWKS, says whether it changed anything; ValueError: it is none.
    """

    def __init__(self, url: str, interval_seconds: float, soonest_seconds: float, apply: Callable[[str], bool]) -> None:
        self._url = url
        self._interval = interval_seconds
        self._soonest = min(soonest_seconds, interval_seconds)
        self._apply = apply
        self._wanted = asyncio.Event()

    def read_soon(self) -> None:
        """Somebody shows a token of a key that is not known: perhaps it is new. The token is refused meanwhile."""
        self._wanted.set()

    async def follow(self) -> None:
        """Read for ever. While the JWKS cannot be read, the keys of before stay good."""
        while True:
            self._wanted.clear()
            try:
                if self._apply(await asyncio.to_thread(_read, self._url)):
                    log.info("the token issuer's keys have changed")
            except (OSError, ValueError) as error:
                log.error("the token issuer's keys cannot be read: the ones of before stay", error=str(error))
            await asyncio.sleep(self._soonest)
            pause = self._interval * random.uniform(0.9, 1.1) - self._soonest
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, pause)):
                    await self._wanted.wait()


def _read(url: str) -> str:
    # What redirects is refused: it might lead to where there is no TLS.
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.HTTPSHandler(),
        urllib.request.FileHandler(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
    ):
        opener.add_handler(handler)
    answer = opener.open(url, timeout=_SECONDS)
    with answer:
        return bytes(answer.read(_MOST_BYTES)).decode()
