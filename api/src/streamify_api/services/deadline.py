# SPDX-License-Identifier: Apache-2.0
"""The caller's deadline, which every call out honours: nobody waits for what nobody waits for any more."""

import time
from contextvars import ContextVar

# Timers of an event loop may fire this early: uvloop counts whole milliseconds from the turn of its loop.
_SLACK_SECONDS = 0.005
_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


def set_deadline(seconds: float | None) -> None:
    """The work of this context has so many seconds left; None: as long as it takes."""
    _deadline.set(None if seconds is None else time.monotonic() + seconds)


def within(seconds: float) -> float:
    """How long a call out may take: these seconds, or what the caller has left if that is less."""
    deadline = _deadline.get()
    return seconds if deadline is None else max(0.0, min(seconds, deadline - time.monotonic()))


def is_over() -> bool:
    """Whether the caller's time is over."""
    deadline = _deadline.get()
    return deadline is not None and time.monotonic() >= deadline - _SLACK_SECONDS
