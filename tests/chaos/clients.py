# SPDX-License-Identifier: Apache-2.0
"""The three kinds of caller, over HTTP and gRPC: without retry, with one retry, and as the shipped client does it."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import grpc
from chaos.records import Client, Record, Recorder
from streamify_client.aio import PATIENCE_SECONDS
from streamify_client.channel import CALL_SECONDS, CHANNEL_OPTIONS, SERVICE_CONFIG
from yarl import URL

RETRYABLE_STATUS = frozenset({429, 502, 503, 504})


class AttemptError(Exception):
    """One attempt failed; `again` tells whether repeating it can help."""

    def __init__(self, text: str, *, again: bool = True) -> None:
        super().__init__(text)
        self.again = again


@dataclass(frozen=True)
class Backoff:
    """The shipped client's schedule, read from the service config that every client of ours ships with."""

    attempts: int
    first: float
    longest: float
    factor: float

    @classmethod
    def shipped(cls) -> "Backoff":
        policy = json.loads(SERVICE_CONFIG)["methodConfig"][0]["retryPolicy"]
        first, longest = (float(policy[name].removesuffix("s")) for name in ("initialBackoff", "maxBackoff"))
        return cls(int(policy["maxAttempts"]), first, longest, float(policy["backoffMultiplier"]))

    def wait(self, attempt: int) -> float:
        """Seconds before the attempt after this one; gRPC's jitter is a fifth (gRFC A6)."""
        return min(self.longest, self.first * self.factor ** min(attempt - 1, 16)) * random.uniform(0.8, 1.2)


SHIPPED = Backoff.shipped()
type Attempt[T] = Callable[[float], Awaitable[T]]  # is told how many seconds it may take


class Caller:
    """Makes requests as one kind of client and records what became of them.

    Args:
        patience: seconds that one attempt may take.
    """

    def __init__(self, client: Client, recorder: Recorder, patience: float) -> None:
        self.client, self.patience = client, patience
        self._recorder = recorder

    def now(self) -> float:
        """Seconds since the run began."""
        return self._recorder.now()

    def record(self, kind: str, due: float, problem: str | None) -> None:
        """Tell of a request that was not made by `ask`."""
        self._recorder.started += 1
        self._recorder.add(Record(kind, self.client, due, self.now(), problem))

    async def ask[T](
        self, kind: str, due: float, attempt: Attempt[T], *, over_grpc: bool = False, patient: bool = False
    ) -> T | None:
        """Make the request; None if it failed in the end. A task that is cancelled records nothing.

        Over gRPC the shipped client's channel itself repeats (`channel`), within its own limit of time.

        Args:
            patient: a step of an upload, which the shipped client repeats for a minute.
        """
        limit = {Client.PLAIN: 1, Client.ONCE: 2, Client.BACKOFF: SHIPPED.attempts}[self.client]
        patience, until = self.patience, self.now()
        if self.client is Client.BACKOFF:
            if over_grpc:
                limit, patience = 1, CALL_SECONDS
            if patient:
                until += PATIENCE_SECONDS
        self._recorder.started += 1
        tried, result, problem = 0, None, None
        while tried < limit or self.now() < until:
            tried += 1
            try:
                async with asyncio.timeout(patience + 1):  # the attempt's own limit comes first
                    result = await attempt(patience)
                problem = None
                break
            except TimeoutError:
                problem = f"no answer within {patience:.1f} s"
            except AttemptError as error:
                problem = str(error)
                if not error.again:
                    break
            if self.client is Client.BACKOFF and (tried < limit or self.now() < until):
                await asyncio.sleep(SHIPPED.wait(tried))
        self._recorder.add(Record(kind, self.client, due, self._recorder.now(), problem, tried))
        return result


def channel(target: str, ca: bytes, client: Client) -> grpc.aio.Channel:
    """A channel to the internal balancer: the shipped client's, or one that repeats nothing."""
    options: tuple[tuple[str, Any], ...] = (("grpc.enable_retries", 0),)
    if client is Client.BACKOFF:
        options = CHANNEL_OPTIONS
    return grpc.aio.secure_channel(target, grpc.ssl_channel_credentials(ca), options=options)


async def http(
    session: aiohttp.ClientSession,
    method: str,
    url: str | URL,
    patience: float,
    *,
    expect: frozenset[int] = frozenset({200}),
    **options: Any,
) -> tuple[Any, bytes]:
    """One HTTP exchange; response and body.

    Raises:
        AttemptError: no answer, or not the expected one.
    """
    try:
        async with asyncio.timeout(patience), session.request(method, url, **options) as answer:
            body = await answer.read()
    except TimeoutError as error:
        raise AttemptError(f"no answer within {patience:.1f} s") from error
    except (aiohttp.ClientError, OSError) as error:
        raise AttemptError(f"{type(error).__name__}: {error}") from error
    if answer.status not in expect:
        raise AttemptError(f"HTTP {answer.status}", again=answer.status in RETRYABLE_STATUS)
    return answer, body


async def unary(call: Any, request: Any, token: str, patience: float) -> Any:
    """One gRPC call without retries of its own.

    Raises:
        AttemptError: it did not end with OK.
    """
    try:
        return await call(request, timeout=patience, metadata=(("authorization", f"Bearer {token}"),))
    except grpc.aio.AioRpcError as error:
        raise grpc_problem(error) from error


def grpc_problem(error: grpc.aio.AioRpcError) -> AttemptError:
    """What a failed call means. Every call of this API may be repeated."""
    passing = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.RESOURCE_EXHAUSTED}
    broke_off = error.code() is grpc.StatusCode.INTERNAL and "RST_STREAM" in (error.details() or "")
    return AttemptError(f"{error.code().name}: {error.details()}", again=broke_off or error.code() in passing)
