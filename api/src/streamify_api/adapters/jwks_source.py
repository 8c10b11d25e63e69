# SPDX-License-Identifier: Apache-2.0
"""The token issuer's keys, read again and again from a file or an https URL: they rotate without a deployment."""

import asyncio
import random
import urllib.request
from collections.abc import Callable

from streamify_api.telemetry import log

_SECONDS = 5.0
_MOST_BYTES = 1024**2


async def follow_jwks(url: str, interval_seconds: float, apply: Callable[[str], bool]) -> None:
    """Read the JWKS now and then, for ever. While it cannot be read, the keys of before stay good.

    Args:
        url: file: or https:, as the settings have checked.
        interval_seconds: between two reads, give or take a tenth, so that tasks do not read together.
        apply: takes the JWKS, says whether it changed anything; ValueError: it is none.
    """
    while True:
        try:
            if apply(await asyncio.to_thread(_read, url)):
                log.info("the token issuer's keys have changed")
        except (OSError, ValueError) as error:
            log.error("the token issuer's keys cannot be read: the ones of before stay", error=str(error))
        await asyncio.sleep(interval_seconds * random.uniform(0.9, 1.1))


def _read(url: str) -> str:
    with urllib.request.urlopen(url, timeout=_SECONDS) as answer:  # noqa: S310  the settings allow no other scheme
        return bytes(answer.read(_MOST_BYTES)).decode()
