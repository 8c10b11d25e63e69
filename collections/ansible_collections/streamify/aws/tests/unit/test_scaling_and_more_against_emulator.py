# SPDX-License-Identifier: GPL-3.0-or-later
"""Scaling, listeners, dashboards, roles, certificates and secrets: the walk of every module, then what is their own."""

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from . import test_modules_against_emulator as walk
from .test_iam_acm_secrets import pair

pytestmark = pytest.mark.integration
Module = Callable[..., dict[str, Any]]

SERVICE = "service/coll-services/coll-service"
SERVER = "routing.http.response.server.enabled"
HSTS = "routing.http.response.strict_transport_security.header_value"
CERTIFICATE, KEY = pair()
NEXT_CERTIFICATE, NEXT_KEY = pair()
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
READ = {"Statement": [{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "*"}]}
CPU = {"predefined_metric_type": "ECSServiceAverageCPUUtilization"}
REQUESTS = {
    "predefined_metric_type": "ALBRequestCountPerTarget",
    "resource_label": "app/a/1/targetgroup/b/2",
}
BODY: dict[str, Any] = {"widgets": [{"type": "text", "x": 0, "properties": {"markdown": "a"}}]}
CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "scalable_target": (
        "scalable_target",
        {"resource_id": SERVICE, "min_capacity": 3, "max_capacity": 9, "tags": {"a": "b"}},
        {"max_capacity": 12, "suspended_state": {"dynamic_scaling_in_suspended": True}, "tags": {"c": "d"}},
    ),
    "scaling_policy": (
        "scaling_policy",
        {
            "name": "load",
            "resource_id": "service/coll-services/coll-scaled",
            "target_tracking_scaling_policy_configuration": {
                "target_value": 50,
                "predefined_metric_specification": CPU,
                "scale_out_cooldown": 60,
            },
        },
        {
            "target_tracking_scaling_policy_configuration": {
                "target_value": 6000,
                "predefined_metric_specification": REQUESTS,
            },
        },
    ),
    "scheduler_schedule": (
        "schedule",
        {
            "name": "coll-schedule",
            "schedule_expression": "rate(15 minutes)",
            "description": "x",
            "target": {
                "arn": "arn:aws:ecs:eu-central-1:000000000000:cluster/coll",
                "role_arn": "arn:aws:iam::000000000000:role/coll",
                "ecs_parameters": {
                    "task_definition_arn": "arn:aws:ecs:eu-central-1:000000000000:task-definition/coll:1",
                    "launch_type": "FARGATE",
                    "network_configuration": {"awsvpc_configuration": {"subnets": ["subnet-2", "subnet-1"]}},
                    "tags": [{"key": "keepCase", "value": "x"}],
                },
                "retry_policy": {"maximum_retry_attempts": 2},
            },
        },
        {
            "schedule_expression": "cron(0 3 * * ? *)",
            "schedule_expression_timezone": "Europe/Berlin",
            "flexible_time_window": {"mode": "FLEXIBLE", "maximum_window_in_minutes": 10},
            "schedule_state": "DISABLED",
        },
    ),
    "cloudwatch_dashboard": (
        "dashboard",
        {"name": "coll-board", "dashboard_body": BODY, "tags": {"a": "b"}},
        {"dashboard_body": {"widgets": [{**BODY["widgets"][0], "x": 6}]}, "tags": {"c": "d"}},
    ),
    "iam_role": (
        "role",
        {
            "name": "coll-role",
            "description": "x",
            "assume_role_policy_document": json.dumps(TRUST),
            "inline_policies": {"read": READ},
            "managed_policies": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
            "tags": {"a": "b"},
        },
        {
            "description": "y",
            "inline_policies": {"write": {"Statement": [{**READ["Statement"][0], "Action": "s3:PutObject"}]}},
            "managed_policies": [],
            "tags": {"c": "d"},
        },
    ),
    "acm_certificate": (
        "certificate",
        {"name": "coll-certificate", "certificate": CERTIFICATE, "private_key": KEY, "tags": {"a": "b"}},
        {"certificate": NEXT_CERTIFICATE, "private_key": NEXT_KEY, "tags": {"c": "d"}},
    ),
    "secretsmanager_secret": (
        "secret",
        {"name": "coll-secret", "secret_string": "one-value", "recovery_window": 0, "tags": {"a": "b"}},
        {"secret_string": "another-value", "description": "y", "tags": {"c": "d"}},
    ),
    "secretsmanager_key_pair": (
        "key_pair",
        {"name": "coll-pair", "description": "x", "recovery_window": 0, "tags": {"a": "b"}},
        {"description": "y", "tags": {"c": "d"}},
    ),
}


def client(emulator: str, service: str) -> Any:
    settings = {"region_name": "eu-central-1", "aws_access_key_id": "x", "aws_secret_access_key": "x"}
    return boto3.client(service, endpoint_url=emulator, **settings)  # type: ignore[call-overload]


def make_listener(emulator: str) -> None:
    """An HTTPS listener on 443 of the load balancer coll-balancer, and an HTTP one on 80."""
    elbv2 = client(emulator, "elbv2")
    arn = elbv2.create_load_balancer(Name="coll-balancer", Subnets=["subnet-1"])["LoadBalancers"][0]["LoadBalancerArn"]
    group = elbv2.create_target_group(Name="coll-listened", Protocol="HTTP", Port=80, VpcId="vpc-1")
    forward = [{"Type": "forward", "TargetGroupArn": group["TargetGroups"][0]["TargetGroupArn"]}]
    certificate = client(emulator, "acm").import_certificate(Certificate=CERTIFICATE.encode(), PrivateKey=KEY.encode())
    elbv2.create_listener(
        LoadBalancerArn=arn,
        Port=443,
        Protocol="HTTPS",
        Certificates=[{"CertificateArn": certificate["CertificateArn"]}],
        DefaultActions=forward,
    )
    elbv2.create_listener(LoadBalancerArn=arn, Port=80, Protocol="HTTP", DefaultActions=forward)


@pytest.fixture
def stage(request: pytest.FixtureRequest, emulator: str) -> None:
    """Put there what a module's resource stands on."""
    name = request.node.callspec.params["name"]
    if name == "scaling_policy":
        client(emulator, "application-autoscaling").register_scalable_target(
            ServiceNamespace="ecs",
            ResourceId="service/coll-services/coll-scaled",
            ScalableDimension="ecs:service:DesiredCount",
            MinCapacity=1,
            MaxCapacity=2,
        )


@pytest.mark.usefixtures("stage")
@pytest.mark.parametrize("name", sorted(CASES))
def test_check_apply_check_apply_change_remove(name: str, module: Module, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(walk.CASES, name, CASES[name])
    walk.test_check_apply_check_apply_change_remove(name, module)


@pytest.mark.usefixtures("patched_emulator")
def test_a_target_takes_its_policies_along(module: Module, emulator: str) -> None:
    arguments = {**CASES["scalable_target"][1], "resource_id": "service/coll-services/coll-leaving"}
    module("scalable_target", arguments)
    assert module("scaling_policy", {**CASES["scaling_policy"][1], "resource_id": arguments["resource_id"]})["changed"]
    module("scalable_target", {"resource_id": arguments["resource_id"], "state": "absent"})
    left = client(emulator, "application-autoscaling").describe_scaling_policies(
        ServiceNamespace="ecs", ResourceId=arguments["resource_id"]
    )
    assert left["ScalingPolicies"] == []


@pytest.mark.usefixtures("patched_emulator")
def test_a_listener_is_changed_where_it_differs_and_has_the_defaults_again(module: Module, emulator: str) -> None:
    make_listener(emulator)
    place = {"load_balancer": "coll-balancer", "port": 443}
    store = "arn:aws:elasticloadbalancing:eu-central-1:000000000000:truststore/t/1"
    for asked in (
        {"attributes": {SERVER: False, HSTS: "max-age=60"}, "mutual_authentication": {"mode": "passthrough"}},
        {"attributes": {HSTS: "max-age=9"}, "mutual_authentication": {"mode": "verify", "trust_store_arn": store}},
    ):
        foretold = module("elb_listener_attributes", {**place, **asked}, check=True)
        changed = module("elb_listener_attributes", {**place, **asked})
        assert (foretold["changed"], changed["changed"]) == (True, True), changed
        assert foretold["diff"] == changed["diff"]
        assert foretold["listener"]["attributes"] == changed["listener"]["attributes"]
        assert module("elb_listener_attributes", {**place, **asked})["changed"] is False
    assert changed["listener"]["attributes"][SERVER] == "false", "what is not named is left as it is"
    for expected in (True, False):
        gone = {**place, "state": "absent"}
        assert module("elb_listener_attributes", gone, check=True)["changed"] is expected
        assert module("elb_listener_attributes", gone)["changed"] is expected
    now = module("elb_listener_attributes", place)["listener"]
    assert now["mutual_authentication"] == {"mode": "off"}
    assert (now["attributes"][SERVER], now["attributes"][HSTS]) == ("true", "")


@pytest.mark.usefixtures("patched_emulator")
def test_a_listener_that_does_not_exist_is_foretold_and_refused(module: Module) -> None:
    arguments = {"load_balancer": "coll-nowhere", "port": 443, "attributes": {HSTS: "max-age=1"}}
    assert module("elb_listener_attributes", arguments, check=True)["changed"]
    refused = module("elb_listener_attributes", arguments)
    assert refused["failed"]
    assert refused["msg"] == "the load balancer coll-nowhere has no listener on 443"


def test_an_image_is_found_by_its_tag_and_a_login_given_when_there_is_none(module: Module, emulator: str) -> None:
    ecr = client(emulator, "ecr")
    ecr.create_repository(repositoryName="coll/image")
    asked = {"repository": "coll/image", "image_tag": "v1", "login": True}
    missing = module("ecr_image_info", asked)
    assert (missing["images"], missing["changed"]) == ([], False)
    assert missing["login"]["username"] == "AWS"
    assert missing["login"]["password"]
    assert module("ecr_image_info", {**asked, "repository": "coll/none"})["images"] == []
    manifest = json.dumps({"schemaVersion": 2, "config": {"digest": "sha256:1"}, "layers": []})
    ecr.put_image(repositoryName="coll/image", imageManifest=manifest, imageTag="v1")
    found = module("ecr_image_info", asked, check=True)
    assert [image["image_tags"] for image in found["images"]] == [["v1"]]
    assert found["login"] == {}
