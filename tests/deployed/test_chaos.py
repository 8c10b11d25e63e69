# SPDX-License-Identifier: Apache-2.0
"""The short form of `make chaos`: each fault once, held against the same promises. docs/chaos.md explains them.

What was seen is in `.local/artefacts/chaos-short/report.html` afterwards.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from chaos import report
from chaos.experiment import Form, Result, conduct, settle
from chaos.faults import FAULTS
from chaos.judge import judge
from chaos.pace import Pace, measure
from chaos.platform import Platform
from chaos.undo import Undo, replay
from deployed.conftest import ENVIRONMENT

SEED = 11
FORM = Form(calm=3.0, is_short=True)
# `alb` is what the README quotes; `tuned` where only it has promises.
SHORT = [
    ("task_killed", "alb"), ("task_hung", "alb"), ("zone_loss", "alb"), ("task_drained", "alb"),
    ("target_unhealthy", "alb"), ("slow_task", "alb"), ("dynamodb_down", "alb"),
    ("dependency_stalled", "alb"), ("s3_5xx", "alb"), ("dynamodb_throttled", "tuned"), ("triple_load", "tuned"),
    ("two_tasks_killed", "tuned"),
]  # fmt: skip
ELSEWHERE = {
    "tasks_rolled": "test_release.py: a release rolls every task",
    "broken_release": "test_release.py",
    "release_under_load": "test_release.py",
    "keys_rotated": "test_rotation.py",
    "task_kills": "the long form only",
}


@pytest.fixture(scope="module")
def platform(outputs: dict[str, str]) -> Iterator[Platform]:
    """The platform, its balancer's setting put back afterwards."""
    assert outputs
    replay(ENVIRONMENT)
    found = Platform(ENVIRONMENT)
    undo = Undo(found.environment, "run")
    undo.add("balancer", mode=found.balancer())
    yield found
    assert undo.run() == []
    settle(found)


@pytest.fixture(scope="module")
def pace(platform: Platform) -> Pace:
    """How much load this machine carries now."""
    settle(platform)
    return measure(platform, seed=SEED)


@pytest.fixture(scope="module")
def seen(artefacts: Path) -> Iterator[list[Result]]:
    """The results so far; the report is written of them."""
    results: list[Result] = []
    yield results
    report.write(artefacts / "chaos-short", results, [], SEED)


@pytest.mark.parametrize(("fault", "mode"), SHORT)
def test_promises_are_kept(
    platform: Platform,
    pace: Pace,
    seen: list[Result],
    fault: str,
    mode: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    result = conduct(platform, FAULTS[fault], mode, pace, SEED, FORM)
    seen.append(result)
    with capsys.disabled():
        print(f"\n  {' | '.join(report.row(result))}")
    assert [f"{each.text}: {each.problem}" for each in judge(result) if each.problem] == []


def test_every_fault_is_made_here_or_elsewhere() -> None:
    assert {name for name, _ in SHORT} | set(ELSEWHERE) == set(FAULTS)
