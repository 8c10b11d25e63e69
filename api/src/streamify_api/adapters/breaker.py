# SPDX-License-Identifier: Apache-2.0
"""What keeps a sick dependency from making us sick: a circuit breaker and a retry budget. Both are plain counting.

Breaker: https://learn.microsoft.com/azure/architecture/patterns/circuit-breaker; budget: the token bucket of
https://github.com/grpc/proposal/blob/master/A6-client-retries.md#throttling-retry-attempts-and-hedged-rpcs
"""

import time
from collections.abc import Callable
from enum import IntEnum


class State(IntEnum):
    """Closed passes every attempt, open none, half open a single one that finds out."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


class CircuitBreaker:
    """Opens after so many failures in a row, then lets one attempt at a time look whether the dependency is back.

    The first look comes after `first_seconds`; each that fails doubles the wait, up to `longest_seconds`. One success
    closes it at once.

    Args:
        failures: how many in a row open it (Envoy's and Finagle's default).
        first_seconds: until the first look.
        longest_seconds: between two looks, so that recovery is noticed that soon.
        clock: seconds that never go back.
        opened: told each time it opens.
    """

    def __init__(
        self,
        *,
        failures: int = 5,
        first_seconds: float = 0.25,
        longest_seconds: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
        opened: Callable[[], None] = lambda: None,
    ) -> None:
        self._limit = failures
        self._first = first_seconds
        self._longest = longest_seconds
        self._clock = clock
        self._opened = opened
        self._failures = 0
        self._wait = first_seconds
        self._next_look = 0.0
        self._open = False
        self._looking = False

    @property
    def state(self) -> State:
        """What it does now."""
        if not self._open:
            return State.CLOSED
        return State.HALF_OPEN if self._looking else State.OPEN

    def admit(self) -> bool:
        """Whether an attempt may begin. Who was admitted has to tell succeeded(), failed() or abandoned()."""
        if not self._open:
            return True
        if self._looking or self._clock() < self._next_look:
            return False
        self._looking = True
        return True

    def succeeded(self) -> None:
        """An attempt was answered, with whatever answer."""
        self._failures = 0
        self._open = self._looking = False
        self._wait = self._first

    def failed(self, weight: int = 1) -> None:
        """An attempt was not answered. A hung one weighs more: it cost its caller the whole time-out."""
        self._failures += weight
        if self._open:
            if self._looking:  # else a straggler that began before the breaker opened
                self._looking = False
                self._wait = min(self._longest, self._wait * 2)
                self._next_look = self._clock() + self._wait
        elif self._failures >= self._limit:
            self._open = True
            self._next_look = self._clock() + self._wait
            self._opened()

    def abandoned(self) -> None:
        """Nobody waited for the attempt's end: it says nothing."""
        self._looking = False


class RetryBudget:
    """Bounds retries to a share of the calls, however many fail: calls out stay below 1 + `share` for each call.

    Args:
        share: what each call adds. At 30 % throttling, five attempts take 0.43 of the calls for retries.
        reserve: the most that is saved up, so that bad luck in a row does not fail calls while the share is enough.
    """

    def __init__(self, share: float = 0.5, reserve: float = 50.0) -> None:
        self._share = share
        self._reserve = reserve
        self._tokens = reserve

    def call(self) -> None:
        """A call begins."""
        self._tokens = min(self._reserve, self._tokens + self._share)

    def take(self) -> bool:
        """Whether one more attempt fits; it is counted."""
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
