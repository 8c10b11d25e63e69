# SPDX-License-Identifier: Apache-2.0
"""When a late event loop counts as overload."""

import asyncio

import pytest
from streamify_api.domain.errors import OverloadedError
from streamify_api.telemetry_lag import WINDOW, LoopLag
from streamify_api.telemetry_limits import Gate


def test_a_single_late_turn_is_no_overload_and_a_single_one_in_time_ends_it() -> None:
    lag = LoopLag(0.1)
    for late in (0.0, 5.0, 0.0, 5.0, 5.0, 5.0, 5.0):
        lag.sample(late)
        assert not lag.too_late
    lag.sample(0.2)
    assert lag.too_late
    assert lag.seconds == 0.2
    lag.sample(0.1)
    assert not lag.too_late


def test_nobody_is_turned_away_before_there_are_measurements() -> None:
    lag = LoopLag(0.0)
    for _ in range(WINDOW - 1):
        lag.sample(1.0)
        assert not lag.too_late


def test_a_gate_lets_nobody_in_while_the_loop_is_late_and_keeps_who_is_inside() -> None:
    lag = LoopLag(0.1)
    gate = Gate("test", 2, lag)
    with gate:
        for _ in range(WINDOW):
            lag.sample(1.0)
        with pytest.raises(OverloadedError), gate:
            pass
        lag.sample(0.0)
        with gate:
            pass


async def test_a_loop_that_is_held_up_is_measured() -> None:
    now = [0.0]
    lag = LoopLag(0.1, clock=lambda: now[0])
    measuring = asyncio.create_task(lag.measure())
    while not lag.too_late:
        now[0] += 0.5  # as if every turn took so long
        await asyncio.sleep(0)
    measuring.cancel()
