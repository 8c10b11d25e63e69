# SPDX-License-Identifier: Apache-2.0
"""How EventBridge Scheduler's target becomes a task of ECS."""

import json
from typing import Any

import pytest
from streamify_local.emulator.patches.scheduler_tasks import run_task_request, trusts_scheduler

CLUSTER = "arn:aws:ecs:eu-central-1:1:cluster/c"
DEFINITION = "arn:aws:ecs:eu-central-1:1:task-definition/janitor:7"


STATEMENT = {"Effect": "Allow", "Principal": {"Service": "scheduler.amazonaws.com"}, "Action": "sts:AssumeRole"}


def trust(service: Any, effect: str = "Allow") -> dict[str, Any]:
    statement = {"Effect": effect, "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return {"AssumeRolePolicyDocument": json.dumps({"Statement": [statement]})}


def test_the_target_says_what_ecs_is_asked_for() -> None:
    target = {
        "Arn": CLUSTER,
        "EcsParameters": {
            "TaskDefinitionArn": DEFINITION,
            "TaskCount": 2,
            "LaunchType": "FARGATE",
            "NetworkConfiguration": {"awsvpcConfiguration": {"Subnets": ["subnet-1"], "AssignPublicIp": "DISABLED"}},
            "EnableECSManagedTags": True,
            "PropagateTags": "TASK_DEFINITION",
        },
        "Input": '{"containerOverrides": [{"name": "janitor", "command": ["x"]}]}',
    }
    assert run_task_request(target, "nightly") == {
        "cluster": CLUSTER,
        "taskDefinition": DEFINITION,
        "count": 2,
        "launchType": "FARGATE",
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"], "assignPublicIp": "DISABLED"}},
        "enableECSManagedTags": True,
        "propagateTags": "TASK_DEFINITION",
        "startedBy": "chronos-schedule/nightly",
        "overrides": {"containerOverrides": [{"name": "janitor", "command": ["x"]}]},
    }


@pytest.mark.parametrize(
    ("role", "trusted"),
    [
        (trust("scheduler.amazonaws.com"), True),
        (trust(["events.amazonaws.com", "scheduler.amazonaws.com"]), True),
        (trust("ecs-tasks.amazonaws.com"), False),
        (trust("scheduler.amazonaws.com", "Deny"), False),
        ({"AssumeRolePolicyDocument": json.dumps({"Statement": STATEMENT})}, True),
        (None, False),
    ],
    ids=str,
)
def test_a_role_must_name_scheduler(role: dict[str, Any] | None, trusted: bool) -> None:
    assert trusts_scheduler(role) is trusted
