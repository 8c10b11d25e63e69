# SPDX-License-Identifier: Apache-2.0
"""How late the event loop is: the one queue that everything on a task waits in, and the first to grow under overload.

A single late turn (a collection of garbage, a large answer) is none. Only when the least of the latest measurements is
above the limit does work wait for good; the idea is CoDel's: https://queue.acm.org/detail.cfm?id=2209336
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable

SAMPLE_SECONDS = 0.02
WINDOW = 5  # measurements, 0.1 s of a loop that is in time


class LoopLag:
    """Measures while `measure` runs.

    Args:
        limit_seconds: what the loop may be late by, again and again, before new work is turned away.
        clock: seconds that never go back.
    """

    def __init__(self, limit_seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit_seconds
        self._clock = clock
        self._latest: deque[float] = deque(maxlen=WINDOW)
        self._least = 0.0

    @property
    def seconds(self) -> float:
        """The least lateness of the latest measurements; 0 before there are enough of them. Any thread may ask."""
        return self._least

    @property
    def too_late(self) -> bool:
        """Whether new work would make everybody wait."""
        return self.seconds > self._limit

    def sample(self, late_seconds: float) -> None:
        """One measurement."""
        self._latest.append(max(0.0, late_seconds))
        self._least = min(self._latest) if len(self._latest) == WINDOW else 0.0

    async def measure(self) -> None:
        """Measure for ever."""
        while True:
            due = self._clock() + SAMPLE_SECONDS
            await asyncio.sleep(SAMPLE_SECONDS)
            self.sample(self._clock() - due)
