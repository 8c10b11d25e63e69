# SPDX-License-Identifier: Apache-2.0
"""An experiment that proved nothing is a failure of the suite, and full capacity is counted from where it says."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from chaos import experiment
from chaos.experiment import Form, Result
from chaos.faults import FAULTS
from chaos.pace import Pace
from chaos.platform import ChaosError, Health
from chaos.records import Client, Record, Recorder

WHOLE, LESS = Health({"a": 1, "b": 1, "c": 1}, whole=True), Health({"a": 1, "b": 1}, whole=False)


@dataclass
class Load:
    """What is asked of a workload."""

    recorder: Recorder = field(default_factory=lambda: Recorder(began=-1000.0))


def result(fault: str, health: list[tuple[float, Health]]) -> Result:
    return Result(FAULTS[fault], "alb", Pace(1, 2, 0, 0), 1, 1, health=health, struck=10.0, ended=12.0)


def recovery(seen: Result) -> float:
    load: Any = Load()
    load.recorder.records = seen.records
    return experiment._recovery(seen, load)


def test_a_fault_that_took_no_task_away_is_a_failure_of_the_suite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experiment, "_WHOLE_WITHIN", 0.1)
    with pytest.raises(ChaosError, match="task_killed took none away"):
        recovery(result("task_killed", [(9.0, WHOLE), (11.0, WHOLE), (12.0, WHOLE)]))


def test_one_of_two_tasks_gone_is_not_the_loss_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experiment, "_WHOLE_WITHIN", 0.1)
    with pytest.raises(ChaosError, match="two_tasks_killed took none away"):
        recovery(result("two_tasks_killed", [(9.0, WHOLE), (11.0, LESS), (12.0, WHOLE)]))


def test_a_platform_that_stays_broken_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experiment, "_WHOLE_WITHIN", 0.1)
    with pytest.raises(ChaosError, match="the tasks serve again"):
        recovery(result("task_killed", [(9.0, WHOLE), (11.0, LESS)]))


def test_full_capacity_is_back_after_the_last_sample_that_lacked_a_task() -> None:
    seen = result("task_killed", [(9.0, WHOLE), (11.0, LESS), (13.0, WHOLE), (14.0, LESS), (15.5, WHOLE)])
    seen.recovered = recovery(seen)
    assert seen.capacity_seconds == 5.5


def test_after_a_dependency_is_back_the_last_failure_counts() -> None:
    seen = result("dynamodb_down", [(9.0, WHOLE), (11.0, WHOLE)])
    seen.records += [Record("open", Client.PLAIN, due, due + 0.1, "no") for due in (11.0, 14.5)]
    seen.recovered = recovery(seen)
    assert seen.capacity_seconds == 2.5


def test_the_short_form_has_its_own_durations_and_anybody_may_set_one() -> None:
    fault = FAULTS["task_hung"]
    assert Form().duration(fault) == fault.seconds
    assert Form(is_short=True).duration(fault) == fault.short_seconds < fault.seconds
    assert Form(seconds=7).duration(fault) == 7
