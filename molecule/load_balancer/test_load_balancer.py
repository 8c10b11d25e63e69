# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: S101
"""Both balancers: what AWS reports, without any of the role's variables. Run by verify.yml."""

import json
from typing import Any

import pytest
from reported import NAME, aws


@pytest.mark.parametrize("kind", ["public", "internal"])
def test_balancers_stand_in_three_zones_and_refuse_what_is_odd(
    balancers: dict[str, dict[str, Any]], subnets: dict[str, dict[str, Any]], kind: str
) -> None:
    balancer = balancers[kind]
    assert balancer["Scheme"] == {"public": "internet-facing", "internal": "internal"}[kind]
    assert len({subnets[zone["SubnetId"]]["AvailabilityZone"] for zone in balancer["AvailabilityZones"]}) == 3
    read = aws("elbv2").describe_load_balancer_attributes(LoadBalancerArn=balancer["LoadBalancerArn"])["Attributes"]
    attributes = {each["Key"]: each["Value"] for each in read}
    assert attributes["routing.http.drop_invalid_header_fields.enabled"] == "true"
    assert attributes["routing.http.desync_mitigation_mode"] == "strictest"


def test_listeners_speak_modern_tls_and_http_is_redirected(balancers: dict[str, dict[str, Any]]) -> None:
    seen = {}
    for kind, balancer in balancers.items():
        for listener in aws("elbv2").describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]:
            action = listener["DefaultActions"][0]
            seen[kind, listener["Protocol"]] = action["Type"]
            if listener["Protocol"] == "HTTPS":
                assert listener["SslPolicy"] == "ELBSecurityPolicy-TLS13-1-2-2021-06"
                certificate = listener["Certificates"][0]["CertificateArn"]
                assert aws("acm").describe_certificate(CertificateArn=certificate)["Certificate"]["Type"] == "IMPORTED"
            else:
                assert action["RedirectConfig"]["Protocol"] == "HTTPS"
    assert seen == {("public", "HTTPS"): "forward", ("public", "HTTP"): "redirect", ("internal", "HTTPS"): "forward"}


def test_waf_stands_before_the_public_balancer_alone(balancers: dict[str, dict[str, Any]]) -> None:
    client = aws("wafv2")
    (summary,) = client.list_web_acls(Scope="REGIONAL")["WebACLs"]
    stands = client.list_resources_for_web_acl(WebACLArn=summary["ARN"], ResourceType="APPLICATION_LOAD_BALANCER")
    assert stands["ResourceArns"] == [balancers["public"]["LoadBalancerArn"]]
    rules = client.get_web_acl(Name=NAME, Scope="REGIONAL", Id=summary["Id"])["WebACL"]["Rules"]
    (limit,) = [rule for rule in rules if "Action" in rule]
    groups = [rule for rule in rules if "OverrideAction" in rule]
    assert [list(rule["OverrideAction"]) for rule in groups] == [["None"]] * 3
    assert all("ManagedRuleGroupStatement" in rule["Statement"] for rule in groups)
    assert list(limit["Action"]) == ["Block"]
    assert limit["Statement"]["RateBasedStatement"]["AggregateKeyType"] == "IP"
    assert limit["Priority"] > max(rule["Priority"] for rule in groups)


def test_balancers_log_to_a_bucket_that_forgets_and_can_leave_a_zone(balancers: dict[str, dict[str, Any]]) -> None:
    client = aws("s3")
    for kind, balancer in balancers.items():
        read = aws("elbv2").describe_load_balancer_attributes(LoadBalancerArn=balancer["LoadBalancerArn"])["Attributes"]
        attributes = {each["Key"]: each["Value"] for each in read}
        assert attributes["zonal_shift.config.enabled"] == attributes["access_logs.s3.enabled"] == "true"
        bucket, prefix = attributes["access_logs.s3.bucket"], attributes["access_logs.s3.prefix"]
        assert prefix == kind
        (allowed,) = json.loads(client.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
        assert allowed["Principal"] == {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"}
        assert any(each.startswith(f"arn:aws:s3:::{bucket}/{kind}/AWSLogs/") for each in allowed["Resource"])
        rules = client.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
        assert [rule["Expiration"]["Days"] for rule in rules] == [14]
        assert all(client.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())
