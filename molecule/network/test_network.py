# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: S101
"""The network: what AWS reports, without any of the role's variables. Run by verify.yml."""

import json
from typing import Any

from reported import NAME, aws, tags_of


def test_each_of_three_zones_has_a_public_and_a_private_subnet(subnets: dict[str, dict[str, Any]]) -> None:
    seen = sorted((tags_of(subnet)["tier"], subnet["AvailabilityZone"][-1]) for subnet in subnets.values())
    assert seen == [(tier, zone) for tier in ("private", "public") for zone in "abc"]
    assert not any(subnet["MapPublicIpOnLaunch"] for subnet in subnets.values())


def test_each_private_subnet_leaves_through_a_nat_gateway_of_its_own_zone(
    vpc: str, subnets: dict[str, dict[str, Any]]
) -> None:
    client = aws("ec2")
    filters = [{"Name": "vpc-id", "Values": [vpc]}]
    gateways = {
        each["NatGatewayId"]: subnets[each["SubnetId"]]
        for each in client.describe_nat_gateways(Filters=filters)["NatGateways"]
        if each["State"] == "available"
    }
    assert len(gateways) == 3
    ways = {}
    for table in client.describe_route_tables(Filters=filters)["RouteTables"]:
        for association in table["Associations"]:
            subnet = subnets.get(association.get("SubnetId", ""))
            if subnet and tags_of(subnet)["tier"] == "private":
                out = [each for each in table["Routes"] if each.get("DestinationCidrBlock") == "0.0.0.0/0"]
                ways[subnet["AvailabilityZone"]] = gateways[out[0]["NatGatewayId"]]["AvailabilityZone"]
    assert len(ways) == 3
    assert all(zone == gateway_zone for zone, gateway_zone in ways.items())


def test_tasks_are_reached_through_the_balancers_only(vpc: str) -> None:
    groups = aws("ec2").describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["SecurityGroups"]
    by_name = {group["GroupName"]: group for group in groups}
    sources = {by_name[f"{NAME}-{kind}-balancer"]["GroupId"] for kind in ("public", "internal")}
    rules = by_name[f"{NAME}-tasks"]["IpPermissions"]
    assert {pair["GroupId"] for rule in rules for pair in rule["UserIdGroupPairs"]} == sources
    assert not any(rule["IpRanges"] or rule.get("Ipv6Ranges") for rule in rules)


def test_refused_traffic_of_the_vpc_is_logged(vpc: str) -> None:
    filters = [{"Name": "resource-id", "Values": [vpc]}]
    (log,) = aws("ec2").describe_flow_logs(Filters=filters)["FlowLogs"]
    assert (log["FlowLogStatus"], log["TrafficType"]) == ("ACTIVE", "REJECT")
    (group,) = aws("logs").describe_log_groups(logGroupNamePrefix=log["LogGroupName"])["logGroups"]
    assert group["retentionInDays"] == 30
    role = log["DeliverLogsPermissionArn"].rpartition("/")[2]
    trust = aws("iam").get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    assert "vpc-flow-logs.amazonaws.com" in json.dumps(trust["Statement"])
