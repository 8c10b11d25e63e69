# SPDX-License-Identifier: GPL-3.0-or-later
"""Schedules: what counts as a difference, and what AWS is asked."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import FakeAws

Run = Callable[..., dict[str, Any]]
ROLE = "arn:aws:iam::123456789012:role/r"
CLUSTER = "arn:aws:ecs:eu-central-1:123456789012:cluster/c"
DEFINITION = "arn:aws:ecs:eu-central-1:123456789012:task-definition/janitor:7"
ASKED: dict[str, Any] = {
    "name": "janitor",
    "schedule_expression": "rate(15 minutes)",
    "target": {
        "arn": CLUSTER,
        "role_arn": ROLE,
        "ecs_parameters": {"task_definition_arn": DEFINITION, "launch_type": "FARGATE"},
    },
}
# What the module's defaults say.
WHOLE = {**ASKED, "group_name": "default", "schedule_state": "ENABLED", "flexible_time_window": {"mode": "OFF"}}
BEGINS = datetime(2030, 1, 1, tzinfo=UTC)


def reported(**changes: Any) -> dict[str, Any]:
    """The schedule as AWS reports it, with all that AWS adds."""
    target = {
        "Arn": CLUSTER,
        "RoleArn": ROLE,
        "EcsParameters": {
            "TaskDefinitionArn": DEFINITION,
            "TaskCount": 1,
            "LaunchType": "FARGATE",
            "EnableECSManagedTags": False,
            "EnableExecuteCommand": False,
            "CapacityProviderStrategy": [],
            "Tags": [],
        },
        "RetryPolicy": {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185},
    }
    return {
        "Arn": "arn:aws:scheduler:eu-central-1:123456789012:schedule/default/janitor",
        "Name": "janitor",
        "GroupName": "default",
        "ScheduleExpression": "rate(15 minutes)",
        "ScheduleExpressionTimezone": "UTC",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "State": "ENABLED",
        "ActionAfterCompletion": "NONE",
        "CreationDate": BEGINS,
        "LastModificationDate": BEGINS,
        "Target": {**target, **changes.pop("Target", {})},
        **changes,
    }


def refused(message: str) -> ClientError:
    return ClientError({"Error": {"Code": "ValidationException", "Message": message}}, "CreateSchedule")


def test_what_aws_adds_is_no_difference(aws: FakeAws, run: Run) -> None:
    aws.answer("GetSchedule", reported())
    assert run("scheduler_schedule", ASKED)["changed"] is False
    assert aws.changes() == []


@pytest.mark.parametrize(
    ("by_hand", "named"),
    [
        ({"State": "DISABLED"}, "schedule_state"),
        ({"ScheduleExpression": "rate(1 day)"}, "schedule_expression"),
        ({"ScheduleExpressionTimezone": "Europe/Berlin"}, "schedule_expression_timezone"),
        ({"FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 5}}, "flexible_time_window"),
        ({"Description": "mine"}, "description"),
        ({"Target": {"Input": '{"containerOverrides": [{"name": "api", "command": ["sh"]}]}'}}, "target"),
        ({"Target": {"RetryPolicy": {"MaximumEventAgeInSeconds": 60, "MaximumRetryAttempts": 0}}}, "target"),
    ],
    ids=str,
)
def test_each_change_by_hand_is_named_and_the_whole_schedule_is_written_again(
    aws: FakeAws, run: Run, by_hand: dict[str, Any], named: str
) -> None:
    aws.answer("GetSchedule", reported(**by_hand))
    aws.answer("UpdateSchedule", {"ScheduleArn": "arn"})
    planned = run("scheduler_schedule", ASKED, check=True)
    assert (planned["changed"], set(planned["diff"]["before"])) == (True, {named})
    assert aws.changes() == []
    assert set(run("scheduler_schedule", ASKED)["diff"]["after"]) == {named}
    (written,) = aws.requests("UpdateSchedule")
    assert (written["State"], written["ScheduleExpression"]) == ("ENABLED", "rate(15 minutes)")
    assert "Input" not in written["Target"]


def test_when_it_begins_is_kept(aws: FakeAws, run: Run) -> None:
    aws.answer("GetSchedule", reported(State="DISABLED", StartDate=BEGINS))
    aws.answer("UpdateSchedule", {"ScheduleArn": "arn"})
    run("scheduler_schedule", ASKED)
    (written,) = aws.requests("UpdateSchedule")
    assert "2030-01-01" in str(written["StartDate"])


def test_a_new_schedule_is_foretold_with_its_arn(aws: FakeAws, run: Run) -> None:
    aws.fail("GetSchedule", "ResourceNotFoundException")
    planned = run("scheduler_schedule", ASKED, check=True)
    assert planned["schedule"]["arn"].endswith(":123456789012:schedule/default/janitor")
    assert aws.changes() == []


def test_a_role_that_is_not_known_yet_is_waited_for(aws: FakeAws, context: Callable[..., Any]) -> None:
    from ansible_collections.streamify.aws.plugins.module_utils.scheduler_schedule import Schedule

    missing = ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": ""}}, "GetSchedule")
    aws.answer("GetSchedule", missing, reported())
    early = refused("The execution role you provide must allow AWS EventBridge Scheduler to assume the role.")
    aws.answer("CreateSchedule", early, early, {"ScheduleArn": reported()["Arn"]})
    assert Schedule(context(**WHOLE)).ensure_present(False).changed
    assert len(aws.requests("CreateSchedule")) == 3


def test_a_role_that_may_never_be_taken_ends_in_awss_words(aws: FakeAws, context: Callable[..., Any]) -> None:
    from ansible_collections.streamify.aws.plugins.module_utils.core.errors import ResourceError
    from ansible_collections.streamify.aws.plugins.module_utils.scheduler_schedule import Schedule

    aws.fail("GetSchedule", "ResourceNotFoundException")
    aws.answer("CreateSchedule", refused("… must allow AWS EventBridge Scheduler to assume the role."))
    with pytest.raises(ResourceError, match="assume the role"):
        Schedule(context(**WHOLE)).ensure_present(False)


def test_any_other_refusal_is_told_at_once(aws: FakeAws, run: Run) -> None:
    aws.fail("GetSchedule", "ResourceNotFoundException")
    aws.answer("CreateSchedule", refused("Invalid Schedule Expression rate(15)."))
    assert "Invalid Schedule Expression" in run("scheduler_schedule", ASKED)["msg"]
    assert len(aws.requests("CreateSchedule")) == 1
