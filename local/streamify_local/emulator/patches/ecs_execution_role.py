# SPDX-License-Identifier: Apache-2.0
"""Where IAM is evaluated, ECS starts a task with what the task's execution role may do.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html: the image is pulled, the
secrets are read and the logs are written with that role. A refusal ends the start with the reason that
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/resource-initialization-error.html and
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html show; lines that may not be
written are lost. ministack does all of it itself, as nobody.
"""

import contextvars
import logging
import os
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import ecs

from . import ecs_task_credentials, iam_resources

_ARN_FIELDS = 7
_UNPREPARED = "ResourceInitializationError"
_PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
logger = logging.getLogger("ecs")


class RefusedError(Exception):
    """The execution role may not do what the start of a task needs; the message is ECS's reason."""


class ExecutionRole:
    """What one task's execution role may do."""

    def __init__(self, arn: str, task_id: str) -> None:
        self.arn = arn
        self._key = ecs_task_credentials.issue(arn, task_id)["AccessKeyId"]

    def refusal(self, action: str, resource: str) -> str:
        """AWS's words when the role may not do that, else nothing."""

        def judged() -> Any:
            iam_resources._request.set(None)  # of the request that led to the task's start
            service = action.partition(":")[0]
            return iam_evaluator.enforce(self._key, action, service, get_region(), resource_arn=resource)

        if contextvars.copy_context().run(judged) is None:
            return ""
        return f"AccessDeniedException: {self.arn} is not authorized to perform: {action} on resource: {resource}"

    def require(self, action: str, resource: str, reason: str) -> None:
        """Let the start end with a reason when the role may not do that."""
        refused = self.refusal(action, resource)
        if refused:
            raise RefusedError(f"{reason}: {refused}")


def check(definition: dict[str, Any], task_id: str) -> None:
    """Ask for all that the start of a task needs, in ECS's order.

    Raises:
        RefusedError: the role may not.
    """
    role = ExecutionRole(definition["executionRoleArn"], task_id)
    initialization = (
        "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed"
    )
    for container in definition["containerDefinitions"]:
        repository = _repository(container["image"])
        if repository:
            role.require("ecr:GetAuthorizationToken", "*", f"{initialization}: unable to retrieve ecr registry auth")
        for secret in container.get("secrets") or []:
            arn = ":".join(secret["valueFrom"].split(":")[:_ARN_FIELDS])
            if "secretsmanager" in arn:
                reason = f"{initialization}: unable to retrieve secret from asm"
                role.require("secretsmanager:GetSecretValue", arn, reason)
        if repository:
            for action in _PULL:
                role.require(action, repository, f"CannotPullContainerError: pull image manifest: {container['image']}")
        stream = _stream(container, task_id)
        if stream:
            reason = (
                "ResourceInitializationError: failed to validate logger args: failed to create Cloudwatch log stream"
            )
            role.require("logs:CreateLogStream", stream, reason)


def _repository(image: str) -> str:
    registry, _, rest = image.partition("/")
    if registry != os.environ["ECR_REGISTRY"]:
        return ""
    name = rest.partition("@")[0].partition(":")[0]
    return f"arn:aws:ecr:{get_region()}:{get_account_id()}:repository/{name}"


def _stream(container: dict[str, Any], task_id: str) -> str:
    config = ecs._awslogs_config(container, task_id, "")
    if not config:
        return ""
    region = config["region"] or get_region()
    return f"arn:aws:logs:{region}:{get_account_id()}:log-group:{config['group']}:log-stream:{config['stream']}"


def apply() -> None:
    if os.environ.get("AUTH", "").lower() != "true":
        return
    start_task_worker, start_forwarder = ecs._start_task_worker, ecs._start_awslogs_forwarder
    roles: dict[str, str] = {}  # by task id

    def start(task: dict[str, Any], definition: dict[str, Any], overrides: Any, docker_client: Any) -> None:
        task_id = task["taskArn"].rpartition("/")[2]
        if definition.get("executionRoleArn"):
            try:
                check(definition, task_id)
            except RefusedError as error:
                ecs._fail_task_start(task, docker_client, str(error))
                return
            roles[task_id] = definition["executionRoleArn"]
        start_task_worker(task, definition, overrides, docker_client)

    def forward(container: Any, definition: dict[str, Any], task_id: str) -> None:
        role, stream = roles.get(task_id), _stream(definition, task_id)
        if role and stream:
            refused = ExecutionRole(role, task_id).refusal("logs:PutLogEvents", stream)
            if refused:
                logger.warning("ECS: what task %s writes is lost: %s", task_id, refused)
                return
        start_forwarder(container, definition, task_id)

    ecs._start_task_worker = start
    ecs._start_awslogs_forwarder = forward
