# SPDX-License-Identifier: Apache-2.0
"""Limits: how much of one kind of work runs at once, and how often one address may ask. Nobody waits in a queue."""

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from types import TracebackType

from streamify_api.domain.errors import OverloadedError
from streamify_api.telemetry_lag import LoopLag
from streamify_api.telemetry_metrics import RUNNING, refused


class Gate:
    """Lets so many in at once, as a context manager; the next one is refused before anything gets slower.

    Args:
        work: the kind of work, in metrics and errors.
        limit: how many.
        lag: of the event loop; while it is too late, nobody is let in.
    """

    def __init__(self, work: str, limit: int, lag: LoopLag | None = None) -> None:
        self._work = work
        self._limit = limit
        self._lag = lag
        self._running = 0
        RUNNING.labels(work).set_function(lambda: self._running)

    def __enter__(self) -> None:
        if self._running >= self._limit:
            refused("overloaded", self._work)
            raise OverloadedError("OVERLOADED", "This task is busy; try again in a moment.", {"work": self._work})
        if self._lag is not None and self._lag.too_late:
            refused("lagging", self._work)
            raise OverloadedError("OVERLOADED", "This task is busy; try again in a moment.", {"work": self._work})
        self._running += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running -= 1


class AddressLimiter:
    """So many requests a second for each client address, more in a burst (generic cell rate algorithm).

    One number is kept for each of the `capacity` addresses seen last. An IPv6 address counts as its /64, which is what
    one customer has.

    Args:
        per_second: sustained rate; 0 is no limit.
        burst: how many may come at once.
        capacity: how many addresses are remembered.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        per_second: float,
        burst: int,
        *,
        capacity: int = 50_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._interval = 1 / per_second if per_second else 0.0
        self._slack = (burst - 1) * self._interval
        self._capacity = capacity
        self._clock = clock
        self._due: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._due)

    def wait(self, address: str) -> int:
        """0 if the request may pass, else whole seconds after which the next one may."""
        if not self._interval:
            return 0
        key = _network(address) if ":" in address else address
        now = self._clock()
        due = max(self._due.get(key, now), now)
        if due - now > self._slack + 1e-9:
            return max(1, math.ceil(due - now - self._slack))
        self._due[key] = due + self._interval
        self._due.move_to_end(key)
        if len(self._due) > self._capacity:
            self._due.popitem(last=False)
        return 0


def _network(address: str) -> str:
    try:
        return str(ipaddress.ip_network((address.partition("%")[0], 64), strict=False))
    except ValueError:
        return address
