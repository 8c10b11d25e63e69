# SPDX-License-Identifier: Apache-2.0
"""What status.yml says, and what it calls wrong."""

import datetime as dt
from types import ModuleType
from typing import Any

import pytest
from unit.playbooks.conftest import load

NOON = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
DEFINITION = "arn:aws:ecs:eu-central-1:111122223333:task-definition/streamify-production-api:7"


@pytest.fixture
def status(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return load("status", monkeypatch)


def service(**changes: Any) -> dict[str, Any]:
    deployment = {"status": "PRIMARY", "taskDefinition": DEFINITION, "rolloutState": "COMPLETED", "runningCount": 3}
    counts = {"desiredCount": 3, "runningCount": 3, "pendingCount": 0}
    return {"serviceName": "api", "deployments": [deployment], "events": [], **counts, **changes}


def task(zone: str, **changes: Any) -> dict[str, Any]:
    details = [{"name": "subnetId", "value": "subnet-1"}, {"name": "privateIPv4Address", "value": "10.0.16.4"}]
    return {
        "taskArn": f"arn:aws:ecs:eu-central-1:111122223333:task/streamify-production/{zone}",
        "taskDefinitionArn": DEFINITION,
        "availabilityZone": zone,
        "lastStatus": "RUNNING",
        "startedAt": NOON,
        "attachments": [{"details": details}],
        **changes,
    }


def target(state: str, reason: str = "") -> dict[str, Any]:
    return {"Target": {"Id": "10.0.16.4"}, "TargetHealth": {"State": state, "Reason": reason}}


def test_a_whole_fleet_has_nothing_wrong(status: ModuleType) -> None:
    assert status.service_lines(service())[1] == []
    lines, wrong = status.task_lines([task("c"), task("a"), task("b")], 3)
    assert [line.split()[:3] for line in lines] == [[zone, "10.0.16.4", "RUNNING"] for zone in "abc"]
    assert wrong == []
    assert status.target_lines("http", [target("healthy")] * 3) == (["http: 3 of 3 healthy"], [])


def test_missing_tasks_zones_and_a_failed_deployment_are_named(status: ModuleType) -> None:
    assert status.service_lines(service(runningCount=2))[1] == ["2 of 3 tasks run"]
    failed = {"status": "PRIMARY", "taskDefinition": DEFINITION, "rolloutState": "FAILED", "runningCount": 0}
    lines, wrong = status.service_lines(service(deployments=[{**failed, "rolloutStateReason": "tasks\n failed"}]))
    assert wrong == ["a deployment is FAILED"]
    assert lines[1].endswith("FAILED, 0 run: tasks failed")
    assert status.task_lines([task("a"), task("a"), task("b")], 3)[1] == ["tasks run in 2 zones, not 3"]
    assert status.task_lines([], 3) == (["none"], ["tasks run in 0 zones, not 3"])


@pytest.mark.parametrize(
    ("states", "wrong"),
    [
        (["healthy", "draining", "initial"], []),
        (["healthy", "unhealthy", "healthy"], ["1 of 3 targets of http are not healthy"]),
        (["draining"], ["http has no healthy target"]),
        ([], ["http has no healthy target"]),
    ],
)
def test_targets_are_judged_by_their_states(status: ModuleType, states: list[str], wrong: list[str]) -> None:
    assert status.target_lines("http", [target(state) for state in states])[1] == wrong


def test_an_ill_target_tells_its_reason(status: ModuleType) -> None:
    lines, _ = status.target_lines("http", [target("healthy"), target("unhealthy", "Target.Timeout")])
    assert lines == ["http: 1 of 2 healthy", "  10.0.16.4 unhealthy Target.Timeout"]


def test_alarms_that_ring_or_are_missing_are_named(status: ModuleType) -> None:
    rings = {"AlarmName": "a", "StateValue": "ALARM", "StateReason": "x" * 500, "StateUpdatedTimestamp": NOON}
    lines, wrong = status.alarm_lines([rings, {"AlarmName": "b", "StateValue": "OK"}], ["a", "b", "c"])
    assert wrong == ["the alarm a rings", "1 alarms do not exist"]
    assert lines[1].startswith("  a since 2026-01-01 12:00:00: xxx")
    assert lines[1].endswith("x...")
    assert lines[2] == "  c does not exist"


def test_the_last_stopped_tasks_tell_why_newest_first(status: ModuleType) -> None:
    exits = [{"name": "api", "exitCode": 137}]
    old = task("old", stoppedAt=NOON - dt.timedelta(hours=1), stoppedReason="Scaling", containers=[])
    new = task("new", stoppedAt=NOON, stoppedReason="Essential container in task exited", containers=exits)
    assert status.stopped_lines([old, new]) == [
        "2026-01-01 12:00:00 new: Essential container in task exited; api exited with 137",
        "2026-01-01 11:00:00 old: Scaling",
    ]
    assert status.stopped_lines([task("a", stoppedReason="Scaling")]) == ["stops now a: Scaling"]
    assert status.stopped_lines([]) == ["none in the last hour"]
