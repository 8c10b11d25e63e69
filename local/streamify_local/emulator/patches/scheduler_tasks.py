# SPDX-License-Identifier: Apache-2.0
"""EventBridge Scheduler begins tasks of ECS, with the schedule's own role and nothing else.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-templated.html (ECS RunTask) and
https://docs.aws.amazon.com/scheduler/latest/UserGuide/setting-up.html#setting-up-execution-role: Scheduler takes the
role, whose trust policy must name it, and RunTask is a request like any other: judged by the role's policies where
IAM is evaluated. ministack keeps schedules and knows when they are due, and has no such target. Not restored: retries.
"""

import json
import logging
import os
from typing import Any

import boto3
from botocore.exceptions import ClientError
from ministack.core.concurrency import spawn_background
from ministack.core.responses import get_region
from ministack.services import eventbridge, iam, scheduler

from . import ecs_task_credentials

SERVICE = "scheduler.amazonaws.com"
# How often ministack looks for what is due; a minute is AWS's own precision.
_TICK_SECONDS = 2
_REFUSAL = "The execution role you provide must allow AWS EventBridge Scheduler to assume the role."
logger = logging.getLogger("scheduler")


def trusts_scheduler(role: dict[str, Any] | None) -> bool:
    """Whether Scheduler may take a role."""
    document = (role or {}).get("AssumeRolePolicyDocument") or {}
    document = json.loads(document) if isinstance(document, str) else document
    statements = document.get("Statement") or []
    for statement in [statements] if isinstance(statements, dict) else statements:
        named = (statement.get("Principal") or {}).get("Service") or []
        if statement.get("Effect") == "Allow" and SERVICE in ([named] if isinstance(named, str) else named):
            return True
    return False


def run_task_request(target: dict[str, Any], schedule: str) -> dict[str, Any]:
    """RunTask as Scheduler asks for it. Its words begin with a capital letter, ECS's do not."""
    parameters = _as_ecs_writes(target["EcsParameters"])
    request = {key: value for key, value in parameters.items() if key not in ("taskDefinitionArn", "taskCount")}
    overrides = json.loads(target["Input"]) if target.get("Input") else None
    return {
        **request,
        "cluster": target["Arn"],
        "taskDefinition": parameters["taskDefinitionArn"],
        "count": parameters.get("taskCount", 1),
        "startedBy": f"chronos-schedule/{schedule}"[:128],
        **({"overrides": overrides} if overrides else {}),
    }


def _as_ecs_writes(value: Any) -> Any:
    if isinstance(value, list):
        return [_as_ecs_writes(item) for item in value]
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: _as_ecs_writes(item) for key, item in value.items()}
    return value


def begin(target: dict[str, Any], schedule: str, region: str) -> None:
    """Begin a schedule's task as its role, over the API."""
    given = ecs_task_credentials.issue(target["RoleArn"], "chronos")
    client: Any = boto3.client(
        "ecs",
        region_name=region,
        endpoint_url=f"http://{os.environ.get('MINISTACK_HOSTNAME', '127.0.0.1')}:{os.environ['GATEWAY_PORT']}",
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["Token"],
    )
    try:
        client.run_task(**run_task_request(target, schedule))
    except ClientError as error:
        logger.warning("schedule %s: %s", schedule, error)


def apply() -> None:
    scheduler._SCHEDULE_TICK_INTERVAL = _TICK_SECONDS
    create, update, invoke_target = scheduler._create_schedule, scheduler._update_schedule, eventbridge._invoke_target

    def refused(body: dict[str, Any]) -> Any:
        name = str((body.get("Target") or {}).get("RoleArn", "")).rpartition("/")[2]
        if os.environ.get("AUTH", "").lower() == "true" and not trusts_scheduler(iam._roles.get(name)):
            return scheduler._error(400, "ValidationException", _REFUSAL)
        return None

    def invoke(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], *rest: Any) -> None:
        if event.get("Source") == "aws.scheduler" and "EcsParameters" in target:
            spawn_background(begin, target, rule["Name"], get_region(), thread_name="ministack-schedule")
        else:
            invoke_target(target, event, rule, *rest)

    scheduler._create_schedule = lambda name, body: refused(body) or create(name, body)
    scheduler._update_schedule = lambda name, body: refused(body) or update(name, body)
    eventbridge._invoke_target = invoke
