# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a service is compared, changed and left alone."""

from collections.abc import Callable
from typing import Any

import pytest

from .conftest import FakeAws
from .test_ecs_deployment import ARN, NEW, deployment, make, service

GROUP = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup"


def exists(aws: FakeAws, **fields: Any) -> None:
    """Let the service be there, as it was asked for."""
    answer = service(deployment("d2", NEW), **fields)
    aws.answer("DescribeServices", answer)
    aws.answer("UpdateService", {"service": answer["services"][0]})


FULL: dict[str, Any] = {
    "network_configuration": {"subnets": ["b", "a"], "security_groups": ["s"], "assign_public_ip": False},
    "load_balancers": [
        {"target_group_arn": f"{GROUP}/http/1", "container_name": "api", "container_port": 8080},
        {"target_group_arn": f"{GROUP}/grpc/1", "container_name": "api", "container_port": 9090},
    ],
    "deployment_configuration": {
        "minimum_healthy_percent": 100,
        "deployment_circuit_breaker": {"enable": True, "rollback": True},
        "alarms": {"alarm_names": ["y", "x"], "enable": True, "rollback": True},
    },
    "platform_version": "LATEST",
    "health_check_grace_period_seconds": 30,
    "availability_zone_rebalancing": "ENABLED",
    "enable_execute_command": False,
    "propagate_tags": "SERVICE",
    "placement_constraints": [],
}
REPORTED: dict[str, Any] = {
    "networkConfiguration": {
        "awsvpcConfiguration": {"subnets": ["a", "b"], "securityGroups": ["s"], "assignPublicIp": "DISABLED"}
    },
    "loadBalancers": [
        {"targetGroupArn": f"{GROUP}/grpc/1", "containerName": "api", "containerPort": 9090},
        {"targetGroupArn": f"{GROUP}/http/1", "containerName": "api", "containerPort": 8080},
    ],
    "deploymentConfiguration": {
        "maximumPercent": 200,
        "minimumHealthyPercent": 100,
        "deploymentCircuitBreaker": {"enable": True, "rollback": True},
        "alarms": {"alarmNames": ["x", "y"], "enable": True, "rollback": True},
        "strategy": "ROLLING",
        "bakeTimeInMinutes": 0,
    },
    "platformVersion": "LATEST",
    "healthCheckGracePeriodSeconds": 30,
    "availabilityZoneRebalancing": "ENABLED",
    "propagateTags": "SERVICE",
}


def test_a_service_as_asked_for_is_left_alone(context: Callable[..., Any], aws: FakeAws) -> None:
    exists(aws, **REPORTED)
    outcome = make(context, **FULL, desired_count=3, launch_type="FARGATE").ensure_present(check_mode=False)
    assert not outcome.changed
    assert aws.changes() == []


@pytest.mark.parametrize(
    ("option", "value", "request_member"),
    [
        ("network_configuration", {"subnets": ["a", "c"], "assign_public_ip": False}, "networkConfiguration"),
        ("deployment_configuration", {"minimum_healthy_percent": 50}, "deploymentConfiguration"),
        ("deployment_configuration", {"alarms": {"alarm_names": ["x"], "enable": True, "rollback": True}}, None),
        ("load_balancers", FULL["load_balancers"][:1], "loadBalancers"),
        ("platform_version", "1.4.0", "platformVersion"),
        ("health_check_grace_period_seconds", 60, "healthCheckGracePeriodSeconds"),
        ("availability_zone_rebalancing", "DISABLED", "availabilityZoneRebalancing"),
        ("enable_execute_command", True, "enableExecuteCommand"),
        ("propagate_tags", "NONE", "propagateTags"),
        ("task_definition", "api:1", "taskDefinition"),
        ("capacity_provider_strategy", [{"capacity_provider": "FARGATE_SPOT", "weight": 1, "base": 0}], None),
    ],
)
def test_every_drift_is_seen_and_repaired(
    context: Callable[..., Any], aws: FakeAws, option: str, value: Any, request_member: str | None
) -> None:
    exists(aws, **REPORTED)
    foretold = make(context, **{**FULL, option: value}).ensure_present(check_mode=True)
    assert foretold.changed
    assert aws.changes() == []
    make(context, **{**FULL, option: value}, wait=False).ensure_present(check_mode=False)
    (request,) = aws.requests("UpdateService")
    assert set(request) - {"cluster", "service", "forceNewDeployment"} == {
        request_member or {"c": "capacityProviderStrategy", "d": "deploymentConfiguration"}[option[0]]
    }
    assert request.get("forceNewDeployment", False) is (option == "capacity_provider_strategy")


def test_what_the_deployment_configuration_does_not_name_is_sent_back_as_it_was(
    context: Callable[..., Any], aws: FakeAws
) -> None:
    exists(aws, **REPORTED)
    make(context, deployment_configuration={"minimum_healthy_percent": 50}, wait=False).ensure_present(check_mode=False)
    assert aws.requests("UpdateService")[0]["deploymentConfiguration"] == {
        "maximumPercent": 200,
        "minimumHealthyPercent": 50,
        "deploymentCircuitBreaker": {"enable": True, "rollback": True},
        "alarms": {"alarmNames": ["x", "y"], "enable": True, "rollback": True},
        "strategy": "ROLLING",
    }


def test_a_count_that_autoscaling_owns_is_left_alone(context: Callable[..., Any], aws: FakeAws) -> None:
    exists(aws, desiredCount=7, runningCount=7)
    target = {
        "ServiceNamespace": "ecs",
        "ResourceId": "service/main/api",
        "ScalableDimension": "ecs:service:DesiredCount",
        "MinCapacity": 3,
        "MaxCapacity": 9,
        "RoleARN": "r",
        "CreationTime": "2026-01-01T00:00:00Z",
    }
    aws.answer("DescribeScalableTargets", {"ScalableTargets": []}, {"ScalableTargets": []})
    assert make(context, desired_count=3).ensure_present(check_mode=True).after["desired_count"] == 3
    aws.answer("DescribeScalableTargets", {"ScalableTargets": [target]})
    for params in ({}, {"desired_count_managed_by": "autoscaling"}):
        assert not make(context, desired_count=3, **params).ensure_present(check_mode=False).changed
    assert aws.requests("DescribeScalableTargets")[-1]["ResourceIds"] == ["service/main/api"]
    assert make(context, desired_count=3, desired_count_managed_by="ansible").ensure_present(check_mode=True).changed


def test_who_owns_the_count_must_be_said_when_aws_does_not_tell(context: Callable[..., Any], aws: FakeAws) -> None:
    from ansible_collections.streamify.aws.plugins.module_utils.core.errors import ResourceError

    exists(aws, desiredCount=7)
    aws.fail("DescribeScalableTargets", "AccessDeniedException")
    with pytest.raises(ResourceError, match=r"AccessDeniedException.*Say desired_count_managed_by"):
        make(context, desired_count=3).ensure_present(check_mode=False)


def test_a_launch_type_cannot_be_changed(context: Callable[..., Any], aws: FakeAws) -> None:
    from ansible_collections.streamify.aws.plugins.module_utils.core.errors import ResourceError

    exists(aws)
    with pytest.raises(ResourceError, match="launch_type is 'FARGATE' and should be 'EC2'"):
        make(context, launch_type="EC2").ensure_present(check_mode=True)


def test_a_new_deployment_can_be_forced(context: Callable[..., Any], aws: FakeAws) -> None:
    exists(aws)
    assert make(context, force_new_deployment=True).ensure_present(check_mode=False).changed
    assert aws.requests("UpdateService") == [{"cluster": "main", "service": "api", "forceNewDeployment": True}]


def test_blue_green_with_two_target_groups_is_a_request_that_aws_takes(
    context: Callable[..., Any], aws: FakeAws
) -> None:
    created = service(deployment("d2", NEW))
    aws.answer("DescribeServices", {"services": []}, created)
    aws.answer("CreateService", {"service": created["services"][0]})
    balancers = [
        {
            **balancer,
            "advanced_configuration": {
                "alternate_target_group_arn": f"{GROUP}/green/1",
                "production_listener_rule": "arn:aws:elasticloadbalancing:eu-central-1:1:listener-rule/app/x/1/2/3",
                "role_arn": "arn:aws:iam::123456789012:role/ecs",
            },
        }
        for balancer in FULL["load_balancers"]
    ]
    make(
        context,
        desired_count=3,
        load_balancers=balancers,
        deployment_configuration={
            "strategy": "CANARY",
            "bake_time_in_minutes": 5,
            "canary_configuration": {"canary_percent": 10, "canary_bake_time_in_minutes": 2},
        },
    ).ensure_present(check_mode=False)
    request = aws.requests("CreateService")[0]
    assert request["loadBalancers"][1]["advancedConfiguration"]["alternateTargetGroupArn"] == f"{GROUP}/green/1"
    assert request["deploymentConfiguration"]["canaryConfiguration"] == {
        "canaryPercent": 10.0,
        "canaryBakeTimeInMinutes": 2,
    }


def test_check_mode_on_an_empty_account_foretells_the_service(context: Callable[..., Any], aws: FakeAws) -> None:
    aws.fail("DescribeServices", "ClusterNotFoundException")
    outcome = make(context, desired_count=3, **FULL).ensure_present(check_mode=True)
    assert outcome.changed
    assert outcome.resource["service_arn"] == f"{ARN}:service/main/api"
    assert outcome.resource["desired_count"] == 3


def test_a_service_is_drained_before_it_is_removed(context: Callable[..., Any], aws: FakeAws) -> None:
    here = service(deployment("d2", NEW))
    aws.answer(
        "DescribeServices",
        here,
        here,
        here,
        service(deployment("d2", NEW), running=0),
        service(deployment("d2", NEW), running=0),
        service(running=0, status="DRAINING"),
        service(running=0, status="INACTIVE"),
    )
    outcome = make(context).ensure_absent(check_mode=False)
    assert outcome.changed
    assert aws.changes() == ["UpdateService", "DeleteService"]
    assert aws.requests("UpdateService")[0]["desiredCount"] == 0


def test_a_launch_type_is_the_only_capacity_provider_of_a_service_that_has_several(
    context: Callable[..., Any], aws: FakeAws
) -> None:
    only = [{"capacityProvider": "FARGATE", "weight": 1, "base": 0}]
    spot = [{"capacityProvider": "FARGATE", "base": 3, "weight": 1}, {"capacityProvider": "FARGATE_SPOT", "weight": 1}]
    exists(aws, **REPORTED, capacityProviderStrategy=spot)
    make(context, **FULL, desired_count=3, launch_type="FARGATE").ensure_present(check_mode=False)
    (request,) = aws.requests("UpdateService")
    assert (request["capacityProviderStrategy"], request["forceNewDeployment"]) == (only, True)
    assert "launchType" not in request
    exists(aws, **REPORTED, capacityProviderStrategy=only)
    assert not make(context, **FULL, desired_count=3, launch_type="FARGATE").ensure_present(check_mode=False).changed
