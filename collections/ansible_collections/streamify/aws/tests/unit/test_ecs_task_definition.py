# SPDX-License-Identifier: GPL-3.0-or-later
"""When a new revision is registered."""

from collections.abc import Callable
from typing import Any

import pytest

from .conftest import FakeAws

ARN = "arn:aws:ecs:eu-central-1:123456789012:task-definition/api"
ASKED: dict[str, Any] = {
    "family": "api",
    "cpu": "512",
    "memory": "1024",
    "network_mode": "awsvpc",
    "requires_compatibilities": ["FARGATE"],
    "execution_role_arn": "arn:aws:iam::123456789012:role/execution",
    "task_role_arn": "arn:aws:iam::123456789012:role/task",
    "runtime_platform": {"cpu_architecture": "X86_64", "operating_system_family": "LINUX"},
    "container_definitions": [
        {
            "name": "api",
            "image": "x@sha256:1",
            "port_mappings": [{"container_port": 9090}, {"container_port": 8080}],
            "environment": [{"name": "B", "value": "1"}, {"name": "A", "value": "2"}],
            "secrets": [{"name": "S", "value_from": "arn:s"}],
            "health_check": {"command": ["CMD", "true"]},
            "log_configuration": {"log_driver": "awslogs", "options": {"awslogs-group": "g"}},
            "stop_timeout": 60,
        }
    ],
}
# The same as AWS writes it down.
REPORTED: dict[str, Any] = {
    "taskDefinitionArn": f"{ARN}:7",
    "family": "api",
    "revision": 7,
    "status": "ACTIVE",
    "cpu": "512",
    "memory": "1024",
    "networkMode": "awsvpc",
    "requiresCompatibilities": ["FARGATE"],
    "compatibilities": ["EC2", "FARGATE"],
    "requiresAttributes": [{"name": "ecs.capability.task-eni"}],
    "registeredBy": "somebody",
    "executionRoleArn": "arn:aws:iam::123456789012:role/execution",
    "taskRoleArn": "arn:aws:iam::123456789012:role/task",
    "runtimePlatform": {"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"},
    "volumes": [],
    "placementConstraints": [],
    "containerDefinitions": [
        {
            "name": "api",
            "image": "x@sha256:1",
            "cpu": 0,
            "essential": True,
            "portMappings": [
                {"containerPort": 8080, "hostPort": 8080, "protocol": "tcp"},
                {"containerPort": 9090, "hostPort": 9090, "protocol": "tcp"},
            ],
            "environment": [{"name": "A", "value": "2"}, {"name": "B", "value": "1"}],
            "environmentFiles": [],
            "mountPoints": [],
            "volumesFrom": [],
            "systemControls": [],
            "secrets": [{"name": "S", "valueFrom": "arn:s"}],
            "healthCheck": {"command": ["CMD", "true"], "interval": 30, "timeout": 5, "retries": 3},
            "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "g"}, "secretOptions": []},
            "stopTimeout": 60,
        }
    ],
}


def make(context: Callable[..., Any], **changes: Any) -> Any:
    from ansible_collections.streamify.aws.plugins.module_utils.ecs_task_definition import TaskDefinition

    return TaskDefinition(context(**{**ASKED, **changes}))


def container(**changes: Any) -> list[dict[str, Any]]:
    return [{**ASKED["container_definitions"][0], **changes}]


@pytest.fixture(autouse=True)
def _exists(aws: FakeAws) -> None:
    aws.answer("DescribeTaskDefinition", {"taskDefinition": REPORTED, "tags": []})


def test_what_aws_adds_is_no_difference(context: Callable[..., Any], aws: FakeAws) -> None:
    outcome = make(context).ensure_present(check_mode=False)
    assert outcome.before == outcome.after
    assert not outcome.changed
    assert aws.changes() == []


@pytest.mark.parametrize(
    "change",
    [
        {"cpu": "1024"},
        {"memory": "2048"},
        {"cpu": "1 vCPU"},
        {"network_mode": "bridge"},
        {"task_role_arn": "arn:aws:iam::123456789012:role/other"},
        {"execution_role_arn": None},
        {"runtime_platform": {"cpu_architecture": "ARM64", "operating_system_family": "LINUX"}},
        {"runtime_platform": None},
        {"ephemeral_storage": {"size_in_gib": 30}},
        {"volumes": [{"name": "v"}]},
        {"requires_compatibilities": ["EC2"]},
        {"pid_mode": "task"},
        {"container_definitions": container(image="x@sha256:2")},
        {"container_definitions": container(health_check=None)},
        {"container_definitions": container(readonly_root_filesystem=True)},
        {"container_definitions": container(essential=False)},
        {"container_definitions": container(environment=[{"name": "A", "value": "2"}])},
        {"container_definitions": container(port_mappings=[{"container_port": 8080}])},
        {"container_definitions": [*container(), {"name": "b", "image": "b"}]},
    ],
)
def test_every_difference_makes_a_revision(context: Callable[..., Any], aws: FakeAws, change: dict[str, Any]) -> None:
    foretold = make(context, **change).ensure_present(check_mode=True)
    assert foretold.changed
    assert foretold.resource["task_definition_arn"] == f"{ARN}:8"
    assert aws.changes() == []
    make(context, **change).ensure_present(check_mode=False)
    assert aws.changes() == ["RegisterTaskDefinition"]


@pytest.mark.parametrize(
    "same", [{"cpu": "0.5 vCPU"}, {"memory": "1 GB"}, {"container_definitions": container(essential=True, cpu=0)}]
)
def test_another_way_to_say_it_is_no_difference(
    context: Callable[..., Any], aws: FakeAws, same: dict[str, Any]
) -> None:
    assert not make(context, **same).ensure_present(check_mode=True).changed


def test_tags_alone_make_no_revision(context: Callable[..., Any], aws: FakeAws) -> None:
    assert make(context, tags={"a": "b"}).ensure_present(check_mode=False).changed
    assert aws.changes() == ["TagResource"]


def test_a_family_without_active_revision_is_registered(context: Callable[..., Any], aws: FakeAws) -> None:
    aws.fail("DescribeTaskDefinition", "ClientException")
    assert make(context).ensure_present(check_mode=True).resource["task_definition_arn"] == f"{ARN}:1"


def test_removal_deregisters_the_family_and_not_its_namesakes(context: Callable[..., Any], aws: FakeAws) -> None:
    aws.answer("ListTaskDefinitions", {"taskDefinitionArns": [f"{ARN}:6", f"{ARN}:7", f"{ARN}-other:1"]})
    assert make(context).ensure_absent(check_mode=False).changed
    assert [request["taskDefinition"] for request in aws.requests("DeregisterTaskDefinition")] == [
        f"{ARN}:6",
        f"{ARN}:7",
    ]
