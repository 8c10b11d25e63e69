# SPDX-License-Identifier: Apache-2.0
"""How everything outside is called: a time-out for each attempt and for the whole, bounded retries, a circuit breaker.

It knows no client: `work` makes one attempt and raises what the client raises; `judge` says what that means. The
attempts of one call must be repeatable.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from enum import Enum

from streamify_api.adapters.breaker import CircuitBreaker, RetryBudget, State
from streamify_api.domain.errors import DeadlineExceededError, StreamifyError, UnavailableError
from streamify_api.services import deadline
from streamify_api.telemetry import log
from streamify_api.telemetry_metrics import BREAKER, breaker_opened, dependency_attempt, dependency_call, refused
from streamify_api.telemetry_traces import tracing

_ATTEMPTS = 5  # of which the budget takes most away when many calls fail
# Full jitter: https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
_FIRST_PAUSE_SECONDS = 0.025
_LONGEST_PAUSE_SECONDS = 0.4
_UNTRACED = nullcontext()
_HUNG = 2  # weight of a time-out beside a failure that is known at once


class Verdict(Enum):
    """What an error of one attempt means."""

    REFUSED = "refused"  # an answer: the dependency said no and will say it again
    THROTTLED = "throttled"  # an answer: later perhaps
    UNAVAILABLE = "unavailable"  # no answer, or one that admits a failure


class Dependency:
    """One service that we call.

    Args:
        name: in errors, metrics and logs.
        attempt_seconds: how long one attempt may take.
        judge: what an error means; errors that it does not know (None) are ours and pass.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        name: str,
        attempt_seconds: float,
        judge: Callable[[BaseException], Verdict | None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._attempt_seconds = attempt_seconds
        self._judge = judge
        self._clock = clock
        self._budget = RetryBudget()
        self._breaker = CircuitBreaker(clock=clock, opened=self._opened)
        BREAKER.labels(name).set_function(lambda: self._breaker.state)

    @property
    def breaker(self) -> CircuitBreaker:
        """Its breaker."""
        return self._breaker

    async def call[Answer](self, work: Callable[[], Awaitable[Answer]], *, seconds: float | None = None) -> Answer:
        """What `work` answers, retried while that helps and the caller's deadline, the budget and the breaker allow it.

        Args:
            work: makes one attempt.
            seconds: for an attempt that takes longer than others.

        Raises:
            UnavailableError: the dependency is down, hangs, throttles or is unreachable, or the breaker is open.
            DeadlineExceededError: it did not answer within the time that the caller has left.
            Exception: what `work` raised and `judge` calls refused.
        """
        self._budget.call()
        dependency_call(self.name)
        limit = seconds or self._attempt_seconds
        end = self._clock() + 2 * limit  # of all attempts together
        for attempt in range(_ATTEMPTS):
            if not self._breaker.admit():
                refused("breaker_open", self.name)
                raise self._unavailable() from None
            try:
                return await self._attempt(work, min(limit, end - self._clock()), limit)
            except StreamifyError:
                raise
            except Exception as error:
                if self._judge(error) in {None, Verdict.REFUSED}:
                    raise
                pause = random.uniform(0, min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2**attempt))
                over = self._clock() + pause >= end or deadline.within(pause) < pause
                hopeless = over or attempt + 1 == _ATTEMPTS or self._breaker.state is not State.CLOSED
                if hopeless or not self._budget.take():
                    raise self._unavailable() from error
            await asyncio.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    async def _attempt[Answer](self, work: Callable[[], Awaitable[Answer]], seconds: float, usual: float) -> Answer:
        allowed = deadline.within(seconds)
        begin = self._clock()
        outcome = "abandoned"
        try:
            tracer = tracing()
            with tracer.calling(self.name, _method(work)) if tracer is not None else _UNTRACED:
                async with asyncio.timeout(allowed):
                    answer = await work()
        except Exception as error:
            verdict = self._judge(error)
            outcome = (verdict or Verdict.REFUSED).value
            if verdict is not Verdict.UNAVAILABLE:
                self._breaker.succeeded()
            elif isinstance(error, TimeoutError) and allowed < usual / 2:
                outcome = "abandoned"  # a caller in a hurry says nothing about the dependency
                self._breaker.abandoned()
            else:
                self._breaker.failed(_HUNG if isinstance(error, TimeoutError) else 1)
            raise
        except BaseException:
            self._breaker.abandoned()
            raise
        else:
            outcome = "ok"
            self._breaker.succeeded()
            return answer
        finally:
            dependency_attempt(self.name, outcome, self._clock() - begin)

    def _opened(self) -> None:
        breaker_opened(self.name)
        log.error("a dependency does not answer: calls fail at once until it does", dependency=self.name)

    def _unavailable(self) -> StreamifyError:
        if deadline.is_over():
            return DeadlineExceededError()
        return UnavailableError(
            "DEPENDENCY_UNAVAILABLE", f"{self.name} does not answer; try again later.", {"dependency": self.name}
        )


def _method(work: object) -> str:
    """The operation as AWS writes it: get_item is GetItem."""
    name: str = getattr(getattr(work, "func", work), "__name__", "call")
    return "".join(part.capitalize() for part in name.split("_"))
