# SPDX-License-Identifier: Apache-2.0
"""When a game day is refused, where it is played, and when it is lost."""

from types import ModuleType
from typing import Any

import pytest
from unit.playbooks.conftest import load


@pytest.fixture
def game_day(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return load("game_day", monkeypatch)


def service(*states: str) -> dict[str, Any]:
    return {"deployments": [{"rolloutState": state} for state in states]}


def tasks(*zones: str) -> list[dict[str, Any]]:
    return [{"availabilityZone": zone} for zone in zones]


@pytest.mark.parametrize(
    ("states", "healthy", "said"),
    [
        (["COMPLETED"], {"http": 3, "grpc": 4}, ""),
        (["COMPLETED"], {"http": 3, "grpc": 2}, "grpc has 2 healthy targets, a game day needs 3"),
        (["IN_PROGRESS", "COMPLETED"], {"http": 6}, "a deployment is under way"),
    ],
)
def test_a_platform_that_could_not_bear_it_is_left_alone(
    game_day: ModuleType, states: list[str], healthy: dict[str, int], said: str
) -> None:
    assert game_day.refusal(service(*states), healthy).startswith(said)
    assert bool(game_day.refusal(service(*states), healthy)) == bool(said)


def test_it_is_played_where_the_fewest_tasks_run_or_where_it_was_said(game_day: ModuleType) -> None:
    assert game_day.zone_of(tasks("a", "b", "b", "c", "c"), "") == "a"
    assert game_day.zone_of(tasks("a", "b", "b"), "b") == "b"


@pytest.mark.parametrize(("zones", "wanted"), [(["a", "a", "a"], ""), (["a", "b"], "c"), ([], "")])
def test_there_must_be_something_to_fall_back_on(game_day: ModuleType, zones: list[str], wanted: str) -> None:
    with pytest.raises(game_day.RefusedError, match=r"all tasks run in|no task runs in"):
        game_day.zone_of(tasks(*zones), wanted)


def test_it_is_lost_when_more_fail_than_may_of_enough_requests(game_day: ModuleType) -> None:
    tally = game_day.Tally()
    for _ in range(5):
        tally.note("HTTP 503")
    assert not tally.lost(5), "five requests say nothing"
    for _ in range(95):
        tally.note("")
    assert not tally.lost(5)
    tally.note("timeout")
    assert tally.lost(5)
    assert str(tally) == "101 requests, 6 failed (5 x HTTP 503; 1 x timeout)"
