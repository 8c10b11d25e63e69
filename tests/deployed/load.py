# SPDX-License-Identifier: Apache-2.0
"""An open-loop stream of playback requests: arrivals do not slow down when answers do."""

import asyncio
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

_TIMEOUT = 2.0  # seconds a player waits before it calls a request failed
_LONGEST = 300.0  # seconds after which the load ends by itself


@dataclass
class Result:
    """What became of the requests: each is judged once, after its retry if it had one."""

    sent: int = 0
    failed_first: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


class _Load:
    def __init__(self, url: str, tls: ssl.SSLContext, per_second: float, result: Result) -> None:
        self._url, self._tls, self._interval, self.result = url, tls, 1 / per_second, result
        self.stopping = threading.Event()

    async def _once(self, client: httpx.AsyncClient) -> str | None:
        """One request; returns what went wrong, or None."""
        try:
            answer = await client.get(self._url, timeout=_TIMEOUT)
        except httpx.HTTPError as error:
            return f"{type(error).__name__}: {error}"
        return None if answer.status_code == 200 else f"HTTP {answer.status_code}"

    async def _request(self, client: httpx.AsyncClient) -> None:
        problem = await self._once(client)
        if problem is None:
            return
        self.result.failed_first.append(problem)
        again = await self._once(client)
        if again is not None:
            self.result.failed.append(f"{problem}, then {again}")

    async def run(self) -> None:
        limits = httpx.Limits(max_connections=200, max_keepalive_connections=20)
        async with httpx.AsyncClient(verify=self._tls, limits=limits) as client, asyncio.TaskGroup() as group:
            start = time.monotonic()
            while not self.stopping.is_set() and time.monotonic() - start < _LONGEST:
                due = start + self.result.sent * self._interval
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                self.result.sent += 1
                group.create_task(self._request(client))


@contextmanager
def playback_requests(url: str, tls: ssl.SSLContext, per_second: float) -> Iterator[Result]:
    """Sends GET `url` at `per_second` while the body runs, each failed request once more; yields the counts."""
    load = _Load(url, tls, per_second, Result())
    thread = threading.Thread(target=lambda: asyncio.run(load.run()), name="load")
    thread.start()
    try:
        yield load.result
    finally:
        load.stopping.set()
        thread.join(timeout=30)
