# SPDX-License-Identifier: GPL-3.0-or-later
"""Alarms, records, flow logs and web ACLs: check, apply, check, apply, change, remove; then what is their own."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest

from . import test_modules_against_emulator as walk

pytestmark = pytest.mark.integration
Module = Callable[..., dict[str, Any]]

SEEN = {"sampled_requests_enabled": True, "cloud_watch_metrics_enabled": True, "metric_name": "x"}
GROUP = {"managed_rule_group_statement": {"vendor_name": "AWS", "name": "AWSManagedRulesCommonRuleSet"}}
COMMON = {
    "name": "common",
    "priority": 1,
    "statement": GROUP,
    "override_action": {"none": {}},
    "visibility_config": SEEN,
}
RATE = {
    "name": "rate",
    "priority": 2,
    "statement": {"rate_based_statement": {"limit": 2000, "aggregate_key_type": "IP"}},
    "action": {"block": {}},
    "visibility_config": SEEN,
}
ALIAS = {"dns_name": "Balancer-1.elb.amazonaws.com", "hosted_zone_id": "Z215JYRZR1TBD5"}
BALANCER = "arn:aws:elasticloadbalancing:eu-central-1:000000000000:loadbalancer/app/x/1"
CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "cloudwatch_metric_alarm": (
        "alarm",
        {
            "name": "coll-latency",
            "namespace": "AWS/ApplicationELB",
            "metric_name": "TargetResponseTime",
            "dimensions": {"TargetGroup": "targetgroup/x/1", "LoadBalancer": "app/x/1"},
            "extended_statistic": "p99",
            "period": 60,
            "evaluation_periods": 5,
            "datapoints_to_alarm": 3,
            "comparison_operator": "GreaterThanThreshold",
            "threshold": 1,
            "alarm_actions": ["arn:aws:sns:eu-central-1:000000000000:b", "arn:aws:sns:eu-central-1:000000000000:a"],
            "tags": {"a": "b"},
        },
        {"threshold": 0.5, "extended_statistic": "p90", "alarm_actions": [], "tags": {"c": "d"}},
    ),
    "route53_record": (
        "record",
        {"name": "API.coll.example", "zone": "coll.example", "alias_target": ALIAS},
        {"alias_target": {**ALIAS, "evaluate_target_health": True}},
    ),
    "ec2_flow_log": (
        "flow_log",
        {
            "resource_id": "vpc-0123",
            "traffic_type": "REJECT",
            "log_destination_type": "s3",
            "log_destination": "arn:aws:s3:::flow",
        },
        {"traffic_type": "ALL"},
    ),
    "sns_topic": (
        "topic",
        {
            "name": "coll-alarms",
            "subscriptions": [
                {"protocol": "https", "endpoint": "https://a.example"},
                {"protocol": "sqs", "endpoint": "arn:aws:sqs:eu-central-1:000000000000:b"},
            ],
            "tags": {"a": "b"},
        },
        {
            "subscriptions": [{"protocol": "sqs", "endpoint": "arn:aws:sqs:eu-central-1:000000000000:c"}],
            "display_name": "Alarms",
            "tags": {"c": "d"},
        },
    ),
    "wafv2_web_acl": (
        "web_acl",
        {"name": "coll-acl", "rules": [RATE, COMMON], "resource_arns": [BALANCER], "tags": {"a": "b"}},
        {"rules": [{**COMMON, "override_action": {"count": {}}}], "resource_arns": [], "tags": {"c": "d"}},
    ),
}


@pytest.fixture
def route53(emulator: str) -> Any:
    return boto3.client(
        "route53", endpoint_url=emulator, region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x"
    )


@pytest.fixture
def zone(route53: Any) -> str:
    for found in route53.list_hosted_zones()["HostedZones"]:
        if found["Name"] == "coll.example.":
            return str(found["Id"])
    return str(route53.create_hosted_zone(Name="coll.example", CallerReference="1")["HostedZone"]["Id"])


@pytest.mark.usefixtures("zone")
@pytest.mark.parametrize("name", sorted(CASES))
def test_check_apply_check_apply_change_remove(name: str, module: Module, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(walk.CASES, name, CASES[name])
    walk.test_check_apply_check_apply_change_remove(name, module)


def test_subscription_that_nobody_confirmed_is_not_asked_for_again(module: Module) -> None:
    arguments = {"name": "coll-mail", "subscriptions": [{"protocol": "email", "endpoint": "a@example.com"}]}
    assert module("sns_topic", arguments)["changed"]
    assert not module("sns_topic", arguments)["changed"]


def test_record_of_a_zone_that_does_not_exist_is_foretold_and_refused(module: Module) -> None:
    arguments = {"name": "api.nowhere.example", "zone": "nowhere.example", "alias_target": ALIAS}
    assert module("route53_record", arguments, check=True)["changed"]
    refused = module("route53_record", arguments)
    assert refused["failed"]
    assert "no hosted zone nowhere.example" in refused["msg"]


def test_record_of_two_zones_of_one_name_asks_which(module: Module, route53: Any) -> None:
    ids = [
        route53.create_hosted_zone(Name="twice.example", CallerReference=each)["HostedZone"]["Id"].rpartition("/")[2]
        for each in "ab"
    ]
    arguments = {"name": "api.twice.example", "resource_records": ["192.0.2.1"]}
    refused = module("route53_record", {**arguments, "zone": "twice.example"})
    assert refused["failed"]
    assert "say which with zone_id" in refused["msg"]
    assert module("route53_record", {**arguments, "zone_id": ids[1]})["record"]["hosted_zone_id"] == ids[1]
    assert module("route53_record", {**arguments, "zone_id": ids[1], "ttl": 60})["changed"]


def test_weighted_record_is_left_alone(module: Module, route53: Any, zone: str) -> None:
    record = {"Name": "many.coll.example", "Type": "A", "SetIdentifier": "one", "Weight": 1, "TTL": 60}
    change = {"Action": "CREATE", "ResourceRecordSet": {**record, "ResourceRecords": [{"Value": "192.0.2.1"}]}}
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [change]})
    refused = module("route53_record", {"name": "many.coll.example", "zone": "coll.example", "alias_target": ALIAS})
    assert refused["failed"]
    assert "routing policy" in refused["msg"]


def test_load_balancer_attributes_are_changed_where_they_differ(run: Module, aws: Any) -> None:
    aws.answer(
        "DescribeLoadBalancers", {"LoadBalancers": [{"LoadBalancerArn": BALANCER, "DNSName": "x.elb.amazonaws.com"}]}
    )
    aws.answer(
        "DescribeLoadBalancerAttributes",
        {"Attributes": [{"Key": "a.enabled", "Value": "false"}, {"Key": "b.seconds", "Value": "60"}]},
    )
    asked = {"name": "x", "attributes": {"a.enabled": True, "b.seconds": 60}}
    foretold = run("elb_load_balancer_attributes", asked, check=True)
    assert foretold["load_balancer"]["dns_name"] == "x.elb.amazonaws.com"
    assert not aws.changes()
    assert run("elb_load_balancer_attributes", asked)["changed"]
    (request,) = aws.requests("ModifyLoadBalancerAttributes")
    assert request["Attributes"] == [{"Key": "a.enabled", "Value": "true"}]
    assert not run("elb_load_balancer_attributes", {"name": "x", "attributes": {"b.seconds": "60"}})["changed"]
    refused = run("elb_load_balancer_attributes", {"name": "x", "attributes": {"c": 1}})
    assert "no attribute 'c'" in refused["msg"]


def test_attributes_of_a_load_balancer_that_does_not_exist_are_foretold_and_refused(run: Module, aws: Any) -> None:
    aws.fail("DescribeLoadBalancers", "LoadBalancerNotFound")
    asked = {"name": "x", "attributes": {"zonal_shift.config.enabled": True}}
    assert run("elb_load_balancer_attributes", asked, check=True)["changed"]
    assert "no load balancer x" in run("elb_load_balancer_attributes", asked)["msg"]
