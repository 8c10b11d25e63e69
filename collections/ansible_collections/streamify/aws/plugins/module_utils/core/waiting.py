# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Wait for something that AWS does on its own."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any, TypeVar

from .errors import WaitTimeout

Found = TypeVar("Found")


class Waiter:
    """Asks again until an answer is there, soon at first and then less often, with jitter.

    :param timeout: seconds until it gives up.
    :param first: seconds before the second question.
    :param slowest: most seconds between two questions.
    :param clock: tells the time in seconds; for tests.
    :param sleep: waits a number of seconds; for tests.
    """

    def __init__(
        self,
        timeout: float,
        first: float = 0.5,
        slowest: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Any] = time.sleep,
    ) -> None:
        self.timeout = timeout
        self._first = first
        self._slowest = slowest
        self._clock = clock
        self._sleep = sleep

    def until(self, probe: Callable[[], Found | None], what: str) -> Found:
        """Return the first answer of the probe that is true.

        :param probe: asks AWS once; raises to give up at once.
        :param what: what is waited for, for the message.
        :raises WaitTimeout: after the timeout.
        """
        end = self._clock() + self.timeout
        pause = self._first
        while True:
            answer = probe()
            if answer:
                return answer
            left = end - self._clock()
            if left <= 0:
                raise WaitTimeout(f"{what} did not happen within {self.timeout:g} seconds")
            self._sleep(min(left, pause * random.uniform(0.8, 1.2)))
            pause = min(self._slowest, pause * 1.5)
