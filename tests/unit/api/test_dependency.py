# SPDX-License-Identifier: Apache-2.0
"""Calls out: what is retried, how often, for how long, and what the caller is told."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from streamify_api.adapters.aws import judge
from streamify_api.adapters.breaker import State
from streamify_api.adapters.dependency import Dependency, Verdict
from streamify_api.domain.errors import DeadlineExceededError, UnavailableError
from streamify_api.services.deadline import set_deadline


def client_error(code: str, status: int) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "GetItem")  # type: ignore[typeddict-item]


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Service:
    """Raises what it is given, one after another, then answers."""

    def __init__(self, *errors: BaseException) -> None:
        self.errors: Iterator[BaseException] = iter(errors)
        self.attempts = 0

    async def __call__(self) -> str:
        self.attempts += 1
        error = next(self.errors, None)
        if error is not None:
            raise error
        return "answer"


def hanging() -> tuple[Callable[[], Awaitable[str]], list[int]]:
    attempts = [0]

    async def hang() -> str:
        attempts[0] += 1
        await asyncio.Event().wait()
        return ""

    return hang, attempts


@pytest.fixture
def dependency() -> Dependency:
    return Dependency("test", 30, judge)


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (client_error("ThrottlingException", 400), Verdict.THROTTLED),
        (client_error("ProvisionedThroughputExceededException", 400), Verdict.THROTTLED),
        (client_error("SlowDown", 503), Verdict.THROTTLED),
        (client_error("InternalServerError", 500), Verdict.UNAVAILABLE),
        (client_error("503", 503), Verdict.UNAVAILABLE),
        (client_error("ConditionalCheckFailedException", 400), Verdict.REFUSED),
        (client_error("NoSuchUpload", 404), Verdict.REFUSED),
        (EndpointConnectionError(endpoint_url="http://x"), Verdict.UNAVAILABLE),
        (ConnectionResetError(), Verdict.UNAVAILABLE),
        (TimeoutError(), Verdict.UNAVAILABLE),
        (KeyError("ours"), None),
    ],
)
def test_what_an_error_means(error: BaseException, verdict: Verdict | None) -> None:
    assert judge(error) is verdict


async def test_throttling_and_failures_are_retried(dependency: Dependency) -> None:
    service = Service(client_error("ThrottlingException", 400), ConnectionResetError())
    assert await dependency.call(service) == "answer"
    assert service.attempts == 3


@pytest.mark.parametrize("error", [client_error("ValidationException", 400), KeyError("ours")])
async def test_what_will_be_refused_again_is_not_retried(dependency: Dependency, error: Exception) -> None:
    service = Service(error)
    with pytest.raises(type(error)):
        await dependency.call(service)
    assert service.attempts == 1


async def test_a_dependency_that_is_down_is_given_up_and_then_not_asked() -> None:
    clock = Clock()
    dependency = Dependency("test", 30, judge, clock=clock)
    service = Service(*[ConnectionResetError()] * 100)
    with pytest.raises(UnavailableError) as caught:
        await dependency.call(service)
    assert (caught.value.reason, caught.value.metadata) == ("DEPENDENCY_UNAVAILABLE", {"dependency": "test"})
    assert dependency.breaker.state is State.OPEN
    asked = service.attempts
    for _ in range(100):
        with pytest.raises(UnavailableError):
            await dependency.call(service)
    assert service.attempts == asked
    clock.now += 1
    with pytest.raises(UnavailableError):
        await dependency.call(service)
    assert service.attempts == asked + 1  # one look


async def test_throttling_alone_never_opens_the_breaker_and_stays_in_the_budget() -> None:
    dependency = Dependency("test", 30, judge)
    service = Service(*[client_error("ThrottlingException", 400)] * 10_000)
    calls = 300
    answers = await asyncio.gather(*(dependency.call(service) for _ in range(calls)), return_exceptions=True)
    assert all(isinstance(answer, UnavailableError) for answer in answers)
    assert dependency.breaker.state is State.CLOSED
    assert service.attempts <= 1.5 * calls + 50


async def test_a_hung_dependency_is_given_up_after_its_time_and_the_breaker_opens() -> None:
    dependency = Dependency("test", 0.02, judge)
    hang, attempts = hanging()
    for _ in range(3):
        with pytest.raises(UnavailableError):
            await dependency.call(hang)
    assert dependency.breaker.state in {State.OPEN, State.HALF_OPEN}
    assert attempts[0] <= 6


async def test_a_callers_short_deadline_is_kept_and_says_nothing_about_the_dependency(dependency: Dependency) -> None:
    hang, attempts = hanging()
    set_deadline(0.02)
    for _ in range(20):
        with pytest.raises(DeadlineExceededError):
            await dependency.call(hang)
    assert attempts[0] <= 20
    assert dependency.breaker.state is State.CLOSED


async def test_a_caller_who_leaves_a_look_makes_room_for_the_next() -> None:
    clock = Clock()
    dependency = Dependency("test", 30, judge, clock=clock)
    for _ in range(5):
        dependency.breaker.failed()
    clock.now += 1
    hang, attempts = hanging()
    looking = asyncio.create_task(dependency.call(hang))
    await asyncio.sleep(0)  # until it hangs
    assert attempts[0] == 1
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking
    assert await dependency.call(Service()) == "answer"
    assert dependency.breaker.state is State.CLOSED
