# SPDX-License-Identifier: Apache-2.0
"""Watching an upload: every state after a revision, in order, on any task. What is stored is the only memory."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from streamify_api.domain.callers import Caller
from streamify_api.domain.errors import InvalidArgumentError, UnavailableError
from streamify_api.domain.uploads import Upload, UploadState
from streamify_api.services.ports import Clock
from streamify_api.services.readiness import Readiness
from streamify_api.services.uploads import Uploads

DEFAULT_HEARTBEAT = timedelta(seconds=15)  # the balancer's idle time-out is 60 s
_HEARTBEATS = (timedelta(seconds=1), timedelta(seconds=30))
_POLL_SECONDS = 0.5
_LONGEST = timedelta(hours=1)  # a token is looked at when a stream begins


class UploadWatch:
    """The use case of watching an upload."""

    def __init__(self, uploads: Uploads, readiness: Readiness, clock: Clock) -> None:
        self._uploads = uploads
        self._readiness = readiness
        self._clock = clock

    async def watch(
        self, caller: Caller, upload_id: str, after_revision: int, heartbeat: timedelta | None
    ) -> AsyncIterator[Upload | datetime]:
        """Every state after the revision, and a time now and then while nothing changes. Ends behind a final state.

        Raises:
            InvalidArgumentError: the id, the revision or the heartbeat is out of range.
            NotFoundError: there is no such upload for the caller.
            UnavailableError: the task is draining, the stream an hour old, or the store does not answer: call again.
        """
        interval = heartbeat or DEFAULT_HEARTBEAT
        if after_revision < 0:
            raise InvalidArgumentError("INVALID_REVISION", "after_revision must not be negative.")
        if not _HEARTBEATS[0] <= interval <= _HEARTBEATS[1]:
            raise InvalidArgumentError("INVALID_HEARTBEAT_INTERVAL", "heartbeat_interval must be 1 to 30 seconds.")
        begun = said = self._clock()
        while True:
            upload = await self._uploads.get(caller, upload_id)
            for state in upload.states_after(after_revision):
                yield state
                after_revision, said = state.revision, self._clock()
            if upload.state is not UploadState.WAITING:
                return
            now = self._clock()
            if not self._readiness.ready:
                raise UnavailableError("NOT_READY", "This task is draining; watch on from the last revision.")
            if now - begun >= _LONGEST:
                raise UnavailableError("WATCH_TOO_LONG", "Watch on from the last revision.")
            if now - said >= interval:
                yield now
                said = now
            await asyncio.sleep(_POLL_SECONDS)
