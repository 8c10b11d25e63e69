# SPDX-License-Identifier: GPL-3.0-or-later
"""The outcome of a deployment: what is waited for, and what is said when it fails."""

import datetime
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import FakeAws

ARN = "arn:aws:ecs:eu-central-1:123456789012"
OLD = f"{ARN}:task-definition/api:1"
NEW = f"{ARN}:task-definition/api:2"
MINUTE = datetime.datetime(2026, 1, 1, 12, 0, tzinfo=datetime.UTC)


def deployment(identifier: str, definition: str, status: str = "PRIMARY", **fields: Any) -> dict[str, Any]:
    return {"id": identifier, "status": status, "taskDefinition": definition, "rolloutState": "COMPLETED", **fields}


def service(*deployments: dict[str, Any], running: int = 3, pending: int = 0, **fields: Any) -> dict[str, Any]:
    return {
        "services": [
            {
                "serviceArn": f"{ARN}:service/main/api",
                "serviceName": "api",
                "status": "ACTIVE",
                "desiredCount": 3,
                "runningCount": running,
                "pendingCount": pending,
                "taskDefinition": deployments[0]["taskDefinition"] if deployments else OLD,
                "deployments": list(deployments),
                "launchType": "FARGATE",
                "events": [{"message": "(service api) was unable to place a task."}],
                "deploymentConfiguration": {"maximumPercent": 200, "minimumHealthyPercent": 100},
                **fields,
            }
        ]
    }


def make(context: Callable[..., Any], **params: Any) -> Any:
    from ansible_collections.streamify.aws.plugins.module_utils.ecs_service import Service

    return Service(
        context(**{"name": "api", "cluster": "main", "task_definition": "api:2", "wait_timeout": 60, **params})
    )


def stopped(aws: FakeAws) -> None:
    """Let two tasks of the new version and one of the old one have stopped."""
    aws.answer("ListTasks", {"taskArns": [f"{ARN}:task/main/t1", f"{ARN}:task/main/t2", f"{ARN}:task/main/t0"]})
    task = {
        "stoppedReason": "Essential container in task exited",
        "stopCode": "EssentialContainerExited",
        "containers": [{"name": "api", "exitCode": 3, "reason": "OutOfMemoryError"}],
    }
    aws.answer(
        "DescribeTasks",
        {
            "tasks": [
                {**task, "taskArn": f"{ARN}:task/main/t1", "taskDefinitionArn": NEW, "stoppedAt": MINUTE},
                {
                    **task,
                    "taskArn": f"{ARN}:task/main/t2",
                    "taskDefinitionArn": NEW,
                    "stoppedAt": MINUTE + datetime.timedelta(minutes=1),
                },
                {**task, "taskArn": f"{ARN}:task/main/t0", "taskDefinitionArn": OLD, "stoppedAt": MINUTE},
            ]
        },
    )


def rollout(aws: FakeAws, *steps: dict[str, Any]) -> None:
    """Let an update start the deployment d2, and the service then go through these steps."""
    start = service(deployment("d1", OLD))
    aws.answer("DescribeServices", start, *steps)
    begun = service(deployment("d2", NEW, rolloutState="IN_PROGRESS"), deployment("d1", OLD, "ACTIVE"))["services"][0]
    aws.answer("UpdateService", {"service": begun})


def test_waits_until_the_new_version_runs_everywhere(context: Callable[..., Any], aws: FakeAws) -> None:
    going = deployment("d2", NEW, rolloutState="IN_PROGRESS")
    rollout(
        aws,
        service(going, deployment("d1", OLD, "ACTIVE"), running=4),
        service(going, running=3),
        service(deployment("d2", NEW), running=2, pending=1),
        service(deployment("d2", NEW), running=3, pending=1),
        service(deployment("d2", NEW)),
    )
    outcome = make(context).ensure_present(check_mode=False)
    assert outcome.changed
    assert outcome.resource["task_definition"] == NEW
    assert len(aws.requests("DescribeServices")) == 7
    assert aws.requests("UpdateService") == [{"cluster": "main", "service": "api", "taskDefinition": "api:2"}]


def test_fails_with_the_reason_when_ecs_rolled_back(context: Callable[..., Any], aws: FakeAws) -> None:
    from ansible_collections.streamify.aws.plugins.module_utils.core.errors import ResourceError

    stopped(aws)
    rollout(
        aws,
        service(deployment("d2", NEW, rolloutState="IN_PROGRESS"), deployment("d1", OLD, "ACTIVE")),
        service(
            deployment("d1", OLD, rolloutState="IN_PROGRESS", rolloutStateReason="rolling back to deploymentId d1"),
            deployment(
                "d2", NEW, "ACTIVE", rolloutState="FAILED", rolloutStateReason="circuit breaker: tasks failed to start."
            ),
        ),
    )
    with pytest.raises(ResourceError) as failed:
        make(context).ensure_present(check_mode=False)
    assert str(failed.value) == (
        "the ECS service api of api:2: the deployment failed: circuit breaker: tasks failed to start; "
        "3 of 3 tasks run, 0 are pending; "
        "task t2 stopped: Essential container in task exited, container api exited with 3 (OutOfMemoryError); "
        "task t1 stopped: Essential container in task exited, container api exited with 3 (OutOfMemoryError); "
        "events: (service api) was unable to place a task"
    )
    assert failed.value.details["rollout_state_reason"] == "circuit breaker: tasks failed to start."
    assert [task["containers"][0]["exit_code"] for task in failed.value.details["stopped_tasks"]] == [3, 3]


def test_fails_when_the_new_deployment_is_gone_without_a_word(context: Callable[..., Any], aws: FakeAws) -> None:
    from ansible_collections.streamify.aws.plugins.module_utils.core.errors import ResourceError

    aws.answer("ListTasks", {"taskArns": []})
    rollout(aws, service(deployment("d3", OLD)))
    with pytest.raises(ResourceError, match="ECS went back to api:1"):
        make(context).ensure_present(check_mode=False)


def test_fails_after_the_timeout_with_what_is_known(context: Callable[..., Any], aws: FakeAws) -> None:
    from ansible_collections.streamify.aws.plugins.module_utils.core.errors import ResourceError

    stopped(aws)
    rollout(aws, service(deployment("d2", NEW, rolloutState="IN_PROGRESS"), running=1, pending=2))
    with pytest.raises(ResourceError, match=r"within 60 seconds; 1 of 3 tasks run, 2 are pending; task t2 stopped"):
        make(context).ensure_present(check_mode=False)


def test_a_run_without_changes_still_sees_a_failed_deployment(context: Callable[..., Any], aws: FakeAws) -> None:
    from ansible_collections.streamify.aws.plugins.module_utils.core.errors import ResourceError

    aws.answer("ListTasks", {"taskArns": []})
    aws.answer("DescribeServices", service(deployment("d2", NEW, rolloutState="FAILED", rolloutStateReason="why")))
    with pytest.raises(ResourceError, match="the deployment failed: why"):
        make(context).ensure_present(check_mode=False)
    assert aws.changes() == []


def test_without_wait_the_outcome_is_not_asked_for(context: Callable[..., Any], aws: FakeAws) -> None:
    rollout(aws, service(deployment("d2", NEW, rolloutState="FAILED")))
    assert make(context, wait=False).ensure_present(check_mode=False).changed
