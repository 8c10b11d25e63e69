# SPDX-License-Identifier: Apache-2.0
"""One pass of the janitor, in the same image and with the same settings as the API: python -m streamify_api janitor."""

import asyncio
import os
import sys
from datetime import timedelta

from streamify_api import __version__
from streamify_api.bootstrap import build
from streamify_api.config import Settings, SettingsError
from streamify_api.domain.errors import StreamifyError
from streamify_api.telemetry import configure_logs, log

MOST_CHORES = 1000
LIFETIME = timedelta(minutes=5)


def main() -> None:
    """Do what is due. Exits with 0, with 1 when an error left something undone, with 2 for a bad setting."""
    try:
        settings = Settings.from_environment(os.environ)
        configure_logs(settings.log_level, environment=settings.environment, version=__version__)
        sys.exit(asyncio.run(_run(settings)))
    except SettingsError as error:
        sys.stderr.write(f"streamify-api cannot start: {error}.\n")
        sys.exit(2)


async def _run(settings: Settings) -> int:
    async with build(settings) as services:
        try:
            done = await services.janitor.run(MOST_CHORES, LIFETIME)
        except StreamifyError as error:
            log.error("the janitor could not begin", error=error.message)
            return 1
    log.info("the janitor is done", done=done.done, put_off=done.put_off, errors=list(done.errors))
    return 1 if done.errors else 0
