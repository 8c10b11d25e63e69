# SPDX-License-Identifier: Apache-2.0
"""What became of each request, judged against the time at which it was due."""

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Client(StrEnum):
    """How a caller deals with a failure."""

    PLAIN = "no retry"
    ONCE = "one retry"
    BACKOFF = "back-off"  # as the shipped client does


PLAYBACK_OF_KNOWN = frozenset({"open", "renew"})
MUTATIONS = frozenset({"create", "complete"})


@dataclass(frozen=True, slots=True)
class Record:
    """One request. Times are seconds since the run began.

    Attributes:
        kind: what was asked, such as "open" or "complete".
        client: who asked.
        due: when it should have been sent, whatever happened to those before it.
        end: when its last attempt was over.
        problem: what went wrong in the end; None is success.
        attempts: how often it was tried.
    """

    kind: str
    client: Client
    due: float
    end: float
    problem: str | None = None
    attempts: int = 1

    @property
    def seconds(self) -> float:
        """How long its caller waited, from when it was due."""
        return self.end - self.due


@dataclass
class Recorder:
    """Collects records; the clock begins with it. Lists grow only, so any thread may read."""

    began: float = field(default_factory=time.monotonic)
    records: list[Record] = field(default_factory=list)
    started: int = 0  # requests that were begun

    def now(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self.began

    def add(self, record: Record) -> None:
        self.records.append(record)


def chosen(
    records: Iterable[Record],
    client: Client | None = None,
    kinds: frozenset[str] | None = None,
    since: float = 0.0,
    until: float = math.inf,
) -> list[Record]:
    """The records of a client and of some kinds that were due in a span."""
    return [
        record
        for record in records
        if (client is None or record.client is client)
        and (kinds is None or record.kind in kinds)
        and since <= record.due < until
    ]


def failed(records: Iterable[Record]) -> list[Record]:
    return [record for record in records if record.problem is not None]


def error_window(records: Sequence[Record]) -> float:
    """Seconds from the first to the last request that failed, by when they were due; 0 without a failure."""
    due = [record.due for record in failed(records)]
    return max(due) - min(due) if due else 0.0


def quantile(values: Iterable[float], share: float) -> float:
    """The value below which `share` of the values lie (nearest rank); NaN of nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, math.ceil(share * len(ordered)) - 1))] if ordered else math.nan


def is_at_most(failures: int, total: int, share: float) -> bool:
    """Whether so many failures fit a chance of at most `share` each: within three standard deviations."""
    return failures <= share * total + 3 * math.sqrt(share * (1 - share) * total)
