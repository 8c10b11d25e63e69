# SPDX-License-Identifier: Apache-2.0
"""The runbook on a platform that runs: what status.yml tells, and that every command of it works."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from deployed import fleet
from deployed.conftest import ENVIRONMENT, ROOT
from support.commands import call, commands
from support.playbooks import play

COMMANDS = [
    each for each in commands(ROOT / "docs" / "runbook.md") if each.line.startswith("aws ") and not each.aws_only
]
PLATFORM = f"streamify-{ENVIRONMENT}"


@pytest.fixture(autouse=True)
def whole_fleet(aws: Any, outputs: dict[str, str]) -> Iterator[None]:
    fleet.wait_until(lambda: fleet.is_whole(aws, outputs), "three healthy tasks before the test", seconds=120)
    yield
    fleet.wait_until(lambda: fleet.is_whole(aws, outputs), "three healthy tasks after the test", seconds=120)


@pytest.fixture
def scaling_bounds(aws: Any) -> Iterator[None]:
    """The service's bounds are put back, as site.yml would."""
    names = {"ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount"}
    scaling = aws("application-autoscaling")
    before = scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"][0]
    yield
    kept = {key: before[key] for key in ("ResourceId", "MinCapacity", "MaxCapacity")}
    scaling.register_scalable_target(**names, **kept)


def names(tasks: list[dict[str, Any]]) -> list[str]:
    return [task["taskArn"].rpartition("/")[2] for task in tasks]


def told() -> str:
    run = play("playbooks/status.yml")
    assert run.code == 0, run.output
    assert run.changes == []
    return run.output.split("msg: |-", 1)[1].split("PLAY RECAP", 1)[0]


def test_status_tells_a_whole_fleet_from_one_with_an_alarm(aws: Any) -> None:
    assert told().strip().startswith("All is well.")
    alarm = f"{PLATFORM}-public-errors"
    aws("cloudwatch").set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="made by hand")
    try:
        said = told()
    finally:
        aws("cloudwatch").set_alarm_state(AlarmName=alarm, StateValue="OK", StateReason="made by hand")
    assert said.strip().startswith(f"NOT WELL: the alarm {alarm} rings")
    assert re.search(rf"{alarm} since \S+ \S+: made by hand", said)
    assert len(set(re.findall(r"eu-central-1[abc]", said))) == 3


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("scaling_bounds")
def test_every_command_of_the_runbook_works(aws: Any, outputs: dict[str, str]) -> None:
    assert len(COMMANDS) >= 9
    stopped = ""
    for command in COMMANDS:
        fleet.wait_until(lambda: fleet.is_whole(aws, outputs), "three healthy tasks between commands", seconds=120)
        line = command.line.replace("streamify-production", PLATFORM).replace("/production", f"/{ENVIRONMENT}")
        if "<task>" in line:
            stopped = names(fleet.tasks(aws, outputs))[0]
            line = line.replace("<task>", stopped)
        service, operation, arguments = call(line)
        getattr(aws(service), operation)(**arguments)
    fleet.wait_until(lambda: stopped not in names(fleet.tasks(aws, outputs)), "the stopped task is gone")
    assert stopped
