# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: S101
"""The service: what AWS reports, without any of the role's variables. Run by verify.yml."""

from typing import Any

import pytest
from reported import NAME, aws


def test_every_task_is_healthy_in_both_target_groups(service: dict[str, Any]) -> None:
    client = aws("elbv2")
    groups = client.describe_target_groups(Names=[f"{NAME}-http", f"{NAME}-grpc"])["TargetGroups"]
    assert {(group["ProtocolVersion"], next(iter(group["Matcher"].values()))) for group in groups} == {
        ("HTTP1", "200"),
        ("GRPC", "0"),
    }
    for group in groups:
        health = client.describe_target_health(TargetGroupArn=group["TargetGroupArn"])["TargetHealthDescriptions"]
        assert [each["TargetHealth"]["State"] for each in health] == ["healthy"] * service["desiredCount"]


def test_service_runs_one_task_a_zone_and_rolls_back(service: dict[str, Any]) -> None:
    assert (service["desiredCount"], service["runningCount"], service["pendingCount"]) == (3, 3, 0)
    assert service["deploymentConfiguration"]["deploymentCircuitBreaker"]["rollback"]
    assert service["deploymentConfiguration"]["deploymentCircuitBreaker"]["enable"]
    assert service["availabilityZoneRebalancing"] == "ENABLED"
    client = aws("ecs")
    arns = client.list_tasks(cluster=NAME, serviceName=f"{NAME}-api")["taskArns"]
    tasks = client.describe_tasks(cluster=NAME, tasks=arns)["tasks"]
    assert len({task["availabilityZone"] for task in tasks}) == 3


def test_container_is_locked_down_and_deployed_by_digest(service: dict[str, Any]) -> None:
    read = aws("ecs").describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    (container,) = read["containerDefinitions"]
    assert container["readonlyRootFilesystem"]
    assert container["user"] == "10001:10001"
    environment = {each["name"]: each["value"] for each in container["environment"]}
    promised = int(environment["STREAMIFY_DRAIN_SECONDS"]) + int(environment["STREAMIFY_SHUTDOWN_GRACE_SECONDS"])
    assert container["stopTimeout"] > promised
    assert {each["name"] for each in container["secrets"]} == {
        "STREAMIFY_SIGNING_KEY",
        "STREAMIFY_PREVIOUS_SIGNING_KEY",
        "STREAMIFY_TOKEN_JWKS",
    }
    digest = container["image"].partition("@")[2]
    images = aws("ecr").describe_images(repositoryName=f"{NAME}-api")["imageDetails"]
    assert digest in [image["imageDigest"] for image in images]


def test_the_janitor_comes_in_the_image_that_the_service_runs(service: dict[str, Any]) -> None:
    schedule = aws("scheduler").get_schedule(Name=f"{NAME}-api-janitor")
    assert (schedule["State"], schedule["ScheduleExpression"]) == ("ENABLED", "rate(15 minutes)")
    target = schedule["Target"]
    assert target["Arn"].endswith(f":cluster/{NAME}")
    assert target["RoleArn"].endswith(f":role/{NAME}-api-schedule")
    parameters = target["EcsParameters"]
    assert parameters["NetworkConfiguration"]["awsvpcConfiguration"]["AssignPublicIp"] == "DISABLED"
    ecs = aws("ecs")
    (api,) = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"][
        "containerDefinitions"
    ]
    janitor = ecs.describe_task_definition(taskDefinition=parameters["TaskDefinitionArn"])["taskDefinition"]
    (container,) = janitor["containerDefinitions"]
    assert (container["command"], container["image"]) == (["janitor"], api["image"])
    assert container["readonlyRootFilesystem"]
    assert not container.get("portMappings")
    assert janitor["taskRoleArn"].endswith(f":role/{NAME}-api-janitor")


@pytest.mark.parametrize("kind", ["task", "execution", "janitor", "schedule"])
def test_roles_may_do_named_things_to_our_things_only(kind: str) -> None:
    client = aws("iam")
    role = f"{NAME}-api-{kind}"
    assert not client.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    (name,) = client.list_role_policies(RoleName=role)["PolicyNames"]
    document = client.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    for statement in document["Statement"]:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        resources = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
        assert not any("*" in action for action in actions)
        if actions == ["cloudfront:CreateInvalidation"]:  # CloudFront names distributions itself
            distributions = aws("cloudfront").list_distributions()["DistributionList"]["Items"]
            assert set(resources) <= {item["ARN"] for item in distributions if NAME in item["Comment"]}
            continue
        # Logging in to the registry knows no resource.
        assert actions == ["ecr:GetAuthorizationToken"] or all(
            NAME in resource.replace("/", "-") for resource in resources
        )
