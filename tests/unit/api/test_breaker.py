# SPDX-License-Identifier: Apache-2.0
"""The circuit breaker and the retry budget, by a clock of our own."""

from streamify_api.adapters.breaker import CircuitBreaker, RetryBudget, State


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def opened(clock: Clock) -> CircuitBreaker:
    breaker = CircuitBreaker(failures=3, first_seconds=1, longest_seconds=3, clock=clock)
    for _ in range(3):
        assert breaker.admit()
        breaker.failed()
    return breaker


def test_it_opens_after_failures_in_a_row_and_not_before() -> None:
    breaker = CircuitBreaker(failures=3, clock=Clock())
    for _ in range(5):
        breaker.failed()
        breaker.failed()
        breaker.succeeded()
    assert breaker.state is State.CLOSED
    breaker.failed()
    breaker.failed(2)
    assert not breaker.admit()


def test_open_admits_nothing_then_one_look_at_a_time() -> None:
    clock = Clock()
    breaker = opened(clock)
    assert not breaker.admit()
    clock.now += 1
    assert [breaker.admit() for _ in range(4)] == [True, False, False, False]
    assert breaker.state is State.HALF_OPEN


def test_each_failed_look_doubles_the_wait_up_to_a_bound() -> None:
    clock = Clock()
    breaker = opened(clock)
    waits = []
    for _ in range(5):
        begin = clock.now
        while not breaker.admit():
            clock.now += 0.25
        waits.append(clock.now - begin)
        breaker.failed()
    assert waits == [1, 2, 3, 3, 3]


def test_one_success_closes_it_for_everybody() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 1
    assert breaker.admit()
    breaker.succeeded()
    assert breaker.state is State.CLOSED
    assert all(breaker.admit() for _ in range(10))
    breaker.failed()
    assert breaker.state is State.CLOSED


def test_a_look_whose_caller_left_makes_room_for_the_next() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now += 1
    assert breaker.admit()
    breaker.abandoned()
    assert breaker.admit()


def test_stragglers_neither_close_nor_lengthen() -> None:
    clock = Clock()
    breaker = opened(clock)
    for _ in range(20):
        breaker.failed()
    clock.now += 1
    assert breaker.admit()


def test_the_budget_bounds_retries_to_a_share_of_calls() -> None:
    budget = RetryBudget(share=0.5, reserve=10)
    taken = 0
    for _ in range(1000):
        budget.call()
        while budget.take():
            taken += 1
    assert taken == 500 + 10 - 1  # the first call found the reserve full


def test_a_quiet_task_may_retry_and_saves_no_more_than_the_reserve() -> None:
    budget = RetryBudget(share=0.5, reserve=2)
    for _ in range(100):
        budget.call()
    assert [budget.take() for _ in range(3)] == [True, True, False]
