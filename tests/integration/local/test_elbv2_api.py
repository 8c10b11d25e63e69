# SPDX-License-Identifier: Apache-2.0
"""The emulated ELBv2 keeps what it is told and refuses what AWS refuses."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .platform import Platform, free_port, running

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning"),  # they outlive who starts them
]
GRPC: dict[str, Any] = {"ProtocolVersion": "GRPC", "HealthCheckPath": "/t.Health/Check"}
FIXED = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    with running() as platform:
        yield platform


@pytest.fixture(scope="module")
def balancer(platform: Platform) -> str:
    made = platform.elb.create_load_balancer(Name="lb", Subnets=["subnet-1"])["LoadBalancers"][0]
    return str(made["LoadBalancerArn"])


def refused(call: Callable[..., Any], **request: Any) -> str:
    """The code with which a call is refused."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    return str(caught.value.response["Error"]["Code"])


def attributes(answer: dict[str, Any]) -> dict[str, str]:
    return {each["Key"]: each["Value"] for each in answer["Attributes"]}


def test_protocol_version_and_grpc_matcher_are_kept_and_changed(platform: Platform) -> None:
    arn = platform.group("kept", **GRPC)
    described = platform.elb.describe_target_groups(TargetGroupArns=[arn])["TargetGroups"][0]
    assert (described["ProtocolVersion"], described["Matcher"]) == ("GRPC", {"GrpcCode": "12"})
    platform.elb.modify_target_group(TargetGroupArn=arn, Matcher={"GrpcCode": "0"})
    described = platform.elb.describe_target_groups(Names=["kept"])["TargetGroups"][0]
    assert described["Matcher"] == {"GrpcCode": "0"}
    plain = platform.elb.describe_target_groups(TargetGroupArns=[platform.group("plain")])["TargetGroups"][0]
    assert (plain["ProtocolVersion"], plain["Matcher"]) == ("HTTP1", {"HttpCode": "200"})


@pytest.mark.parametrize(
    "settings",
    [
        {"HealthCheckIntervalSeconds": 5, "HealthCheckTimeoutSeconds": 5},
        {"Matcher": {"GrpcCode": "0"}},
        {**GRPC, "Matcher": {"HttpCode": "200"}},
        {"Matcher": {"HttpCode": "fine"}},
        {"HealthCheckPath": "ready"},
        {"ProtocolVersion": "HTTP3"},
    ],
    ids=str,
)
def test_impossible_target_groups_are_refused(platform: Platform, settings: dict[str, Any]) -> None:
    request = {"Name": "bad", "Protocol": "HTTP", "Port": 80, "VpcId": "vpc-1", "TargetType": "ip", **settings}
    assert refused(platform.elb.create_target_group, **request) == "ValidationError"


def test_attributes_have_defaults_are_kept_and_unknown_ones_are_refused(platform: Platform, balancer: str) -> None:
    elb, group = platform.elb, platform.group("attributes", delay=7)
    found = attributes(elb.describe_target_group_attributes(TargetGroupArn=group))
    assert found["deregistration_delay.timeout_seconds"] == "7"
    assert found["slow_start.duration_seconds"] == "0"
    assert found["load_balancing.algorithm.type"] == "least_outstanding_requests"
    found = attributes(elb.describe_load_balancer_attributes(LoadBalancerArn=balancer))
    assert found["routing.http.drop_invalid_header_fields.enabled"] == "false"
    assert found["idle_timeout.timeout_seconds"] == "60"
    changed = {"Key": "routing.http.desync_mitigation_mode", "Value": "strictest"}
    elb.modify_load_balancer_attributes(LoadBalancerArn=balancer, Attributes=[changed])
    found = attributes(elb.describe_load_balancer_attributes(LoadBalancerArn=balancer))
    assert found["routing.http.desync_mitigation_mode"] == "strictest"
    for key, value in (
        ("bogus", "1"),
        ("deregistration_delay.timeout_seconds", "3601"),
        ("load_balancing.algorithm.type", "fastest"),
    ):
        wrong = [{"Key": key, "Value": value}]
        assert refused(elb.modify_target_group_attributes, TargetGroupArn=group, Attributes=wrong) == "ValidationError"
    wrong = [{"Key": "slow_start.duration_seconds", "Value": "30"}]
    code = refused(elb.modify_target_group_attributes, TargetGroupArn=group, Attributes=wrong)
    assert code == "InvalidConfigurationRequest"


def test_what_does_not_exist_is_not_found(platform: Platform, balancer: str) -> None:
    elb = platform.elb
    group, listener = (
        balancer.replace("loadbalancer", "targetgroup"),
        f"{balancer.replace('loadbalancer', 'listener')}/1",
    )
    assert refused(elb.describe_target_groups, Names=["nothing"]) == "TargetGroupNotFound"
    assert refused(elb.describe_target_groups, TargetGroupArns=[group]) == "TargetGroupNotFound"
    assert refused(elb.describe_load_balancers, Names=["lb", "nothing"]) == "LoadBalancerNotFound"
    assert refused(elb.describe_listeners, ListenerArns=[listener]) == "ListenerNotFound"
    assert refused(elb.describe_listeners, LoadBalancerArn=f"{balancer}0") == "LoadBalancerNotFound"
    assert refused(elb.describe_rules, ListenerArn=listener) == "ListenerNotFound"


def test_a_protected_load_balancer_stays_and_a_deleted_one_takes_its_listeners_along(platform: Platform) -> None:
    elb = platform.elb
    arn = elb.create_load_balancer(Name="protected", Subnets=["subnet-1"])["LoadBalancers"][0]["LoadBalancerArn"]
    listener = elb.create_listener(LoadBalancerArn=arn, Port=free_port(), Protocol="HTTP", DefaultActions=FIXED)
    for value in ("true", "false"):
        elb.modify_load_balancer_attributes(
            LoadBalancerArn=arn, Attributes=[{"Key": "deletion_protection.enabled", "Value": value}]
        )
        if value == "true":
            assert refused(elb.delete_load_balancer, LoadBalancerArn=arn) == "OperationNotPermitted"
    elb.delete_load_balancer(LoadBalancerArn=arn)
    gone = [listener["Listeners"][0]["ListenerArn"]]
    assert refused(elb.describe_listeners, ListenerArns=gone) == "ListenerNotFound"


def test_listeners_that_could_not_work_are_refused(platform: Platform, balancer: str) -> None:
    elb, port = platform.elb, free_port()

    def code(protocol: str, actions: list[dict[str, Any]], **more: Any) -> str:
        request = {"LoadBalancerArn": balancer, "Port": port, "Protocol": protocol, "DefaultActions": actions}
        return refused(elb.create_listener, **request, **more)

    unknown = [{"CertificateArn": "arn:aws:acm:eu-central-1:000000000000:certificate/none"}]
    grpc_group = platform.group("grpc-behind-http", **GRPC)
    assert code("HTTPS", FIXED) == "ValidationError"
    assert code("HTTPS", FIXED, Certificates=unknown) == "CertificateNotFound"
    assert code("HTTP", [{"Type": "forward", "TargetGroupArn": grpc_group}]) == "InvalidConfigurationRequest"
    assert code("HTTP", [{"Type": "forward", "TargetGroupArn": f"{grpc_group}0"}]) == "TargetGroupNotFound"
    elb.create_listener(LoadBalancerArn=balancer, Port=port, Protocol="HTTP", DefaultActions=FIXED)
    assert code("HTTP", FIXED) == "DuplicateListener"


def test_weighted_forwards_are_kept_and_groups_in_use_cannot_go(platform: Platform, balancer: str) -> None:
    elb, groups = platform.elb, [platform.group("one"), platform.group("two")]
    weights = [{"TargetGroupArn": groups[0], "Weight": 9}, {"TargetGroupArn": groups[1], "Weight": 1}]
    action = {"Type": "forward", "ForwardConfig": {"TargetGroups": weights}}
    made = elb.create_listener(LoadBalancerArn=balancer, Port=free_port(), Protocol="HTTP", DefaultActions=[action])
    listener = made["Listeners"][0]["ListenerArn"]
    (described,) = elb.describe_listeners(ListenerArns=[listener])["Listeners"]
    assert described["DefaultActions"][0]["ForwardConfig"]["TargetGroups"] == weights
    for group in groups:
        assert elb.describe_target_groups(TargetGroupArns=[group])["TargetGroups"][0]["LoadBalancerArns"] == [balancer]
        assert refused(elb.delete_target_group, TargetGroupArn=group) == "ResourceInUse"
    elb.delete_listener(ListenerArn=listener)
    for group in groups:
        elb.delete_target_group(TargetGroupArn=group)


def test_one_address_may_be_registered_with_several_ports(platform: Platform) -> None:
    group = platform.group("ports")
    targets = [{"Id": "127.0.0.9", "Port": 1}, {"Id": "127.0.0.9", "Port": 2}]
    platform.elb.register_targets(TargetGroupArn=group, Targets=targets)
    found = platform.elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    assert [each["Target"] for each in found] == targets
    assert {each["TargetHealth"]["Reason"] for each in found} == {"Target.NotInUse"}
    asked = [{"Id": "127.0.0.8", "Port": 1}]
    (unknown,) = platform.elb.describe_target_health(TargetGroupArn=group, Targets=asked)["TargetHealthDescriptions"]
    assert unknown["TargetHealth"]["Reason"] == "Target.NotRegistered"
    platform.elb.deregister_targets(TargetGroupArn=group, Targets=targets[:1])
    found = platform.elb.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    assert [each["Target"] for each in found] == targets[1:]
