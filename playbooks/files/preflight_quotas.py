# SPDX-License-Identifier: Apache-2.0
"""Quotas that a first deployment would hit, counted before anything is made.

The codes are AWS's own: `aws service-quotas list-service-quotas --service-code vpc`. Where Service Quotas does not
answer, nothing is said: an account that may not read its quotas can still be deployed to.
"""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

BALANCER_NAMES = ("public", "internal")
TARGET_GROUP_NAMES = ("http", "grpc")


@dataclass(frozen=True)
class Need:
    """A quota, and how much of it is used now and how much more is needed, given Service Quotas' answer."""

    service: str
    code: str
    what: str
    advice: str
    count: Callable[[dict[str, Any]], tuple[float, float]]


def quota_findings(inputs: dict[str, Any], client: Callable[[str], Any]) -> Iterator[str]:
    """Name each quota of which too little is left.

    :param client: makes the boto3 client of a service in the deployment's region.
    """
    quotas = client("service-quotas")
    for need in _needs(inputs, client):
        try:
            quota = quotas.get_service_quota(ServiceCode=need.service, QuotaCode=need.code)["Quota"]
            limit = quota["Value"]
            used, needed = need.count(quota)
        except (BotoCoreError, ClientError, KeyError, ValueError):
            continue
        yield from finding(need, limit, used, needed)


def finding(need: Need, limit: float, used: float, needed: float) -> Iterator[str]:
    """Whether as much as is needed is left of a quota; one that needs nothing more never stops a run."""
    if needed and used + needed > limit:
        yield (
            f"quota {need.code}: {need.what}: {limit:g} allowed, {used:g} used, {needed:g} more needed; "
            f"{need.advice}, or ask AWS for more (aws service-quotas request-service-quota-increase "
            f"--service-code {need.service} --quota-code {need.code} --desired-value {used + needed:g})"
        )


def _all(client: Any, operation: str, key: str, **arguments: Any) -> list[dict[str, Any]]:
    return [item for page in client.get_paginator(operation).paginate(**arguments) for item in page[key]]


def _needs(inputs: dict[str, Any], client: Callable[[str], Any]) -> list[Need]:
    ec2, elb = client("ec2"), client("elbv2")
    zones, nat = list(inputs["network_zones"]), inputs["network_nat"]
    gateway_zones = {"per_zone": zones, "single": zones[:1]}.get(nat, [])

    def stands() -> bool:
        filters = [{"Name": "tag:Name", "Values": [inputs["network_name"]]}]
        return bool(ec2.describe_vpcs(Filters=filters)["Vpcs"])

    def vpcs(_: object) -> tuple[float, float]:
        return len(_all(ec2, "describe_vpcs", "Vpcs")), 0 if stands() else 1

    def internet_gateways(_: object) -> tuple[float, float]:
        return len(_all(ec2, "describe_internet_gateways", "InternetGateways")), 0 if stands() else 1

    def addresses(_: object) -> tuple[float, float]:
        return len(ec2.describe_addresses()["Addresses"]), 0 if stands() else len(gateway_zones)

    def gateways(_: object) -> tuple[float, float]:
        # The fullest of the zones that get one; AWS counts those on their way out too.
        living = [{"Name": "state", "Values": ["pending", "available", "deleting"]}]
        found = _all(ec2, "describe_nat_gateways", "NatGateways", Filters=living)
        zone_of = {each["SubnetId"]: each["AvailabilityZone"] for each in _all(ec2, "describe_subnets", "Subnets")}
        used = Counter(zone_of.get(each["SubnetId"]) for each in found)
        return max((used[zone] for zone in gateway_zones), default=0), 0 if stands() or not gateway_zones else 1

    def balancers(_: object) -> tuple[float, float]:
        found = [
            each for each in _all(elb, "describe_load_balancers", "LoadBalancers") if each["Type"] == "application"
        ]
        return len(found), _missing(inputs, BALANCER_NAMES, [each["LoadBalancerName"] for each in found])

    def target_groups(_: object) -> tuple[float, float]:
        found = [each["TargetGroupName"] for each in _all(elb, "describe_target_groups", "TargetGroups")]
        return len(found), _missing(inputs, TARGET_GROUP_NAMES, found)

    def vcpus(quota: dict[str, Any]) -> tuple[float, float]:
        # What runs is counted as used. A first deployment needs room for its tasks and for successors beside them;
        # where tasks run, one more is enough to replace them one by one.
        each = int(inputs["api_service_cpu"]) / 1024
        used = _in_use(quota, client("cloudwatch"))
        if _is_running(client("ecs"), inputs):
            return used, each
        return used, int(inputs["api_service_desired_count"]) * int(inputs["api_service_maximum_percent"]) / 100 * each

    fewer_gateways = "remove some, choose network_nat single or none"
    remove = "remove what is not used"
    return [
        Need("vpc", "L-F678F1CE", "VPCs in the region", remove, vpcs),
        Need("vpc", "L-A4707A72", "internet gateways in the region", remove, internet_gateways),
        Need("ec2", "L-0263D0A3", "elastic addresses (one a NAT gateway)", fewer_gateways, addresses),
        Need("vpc", "L-FE5A380F", "NAT gateways in a zone", fewer_gateways, gateways),
        Need("elasticloadbalancing", "L-53DA6B97", "Application Load Balancers in the region", remove, balancers),
        Need("elasticloadbalancing", "L-B22855CB", "target groups in the region", remove, target_groups),
        Need(
            "fargate",
            "L-3032A538",
            "Fargate vCPUs on demand (old and new tasks of a deployment)",
            "lower api_service_desired_count, api_service_maximum_percent or api_service_cpu",
            vcpus,
        ),
    ]


def _is_running(ecs: Any, inputs: dict[str, Any]) -> bool:
    """Whether a task of the service runs."""
    try:
        found = ecs.describe_services(cluster=inputs["ecs_cluster_name"], services=[inputs["api_service_name"]])
    except ecs.exceptions.ClusterNotFoundException:
        return False
    return any(service["runningCount"] for service in found["services"])


def _in_use(quota: dict[str, Any], cloudwatch: Any) -> float:
    """How much of a quota CloudWatch says is used: the most of the last quarter of an hour, 0 where it knows nothing.

    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/monitoring-fargate-usage.html
    """
    metric = quota.get("UsageMetric")
    if not metric:
        return 0.0
    now, minutes = dt.datetime.now(dt.UTC), 15
    points = cloudwatch.get_metric_statistics(
        Namespace=metric["MetricNamespace"],
        MetricName=metric["MetricName"],
        Dimensions=[{"Name": name, "Value": value} for name, value in sorted(metric["MetricDimensions"].items())],
        StartTime=now - dt.timedelta(minutes=minutes),
        EndTime=now,
        Period=minutes * 60,
        Statistics=["Maximum"],
    )["Datapoints"]
    return max((point["Maximum"] for point in points), default=0.0)


def _missing(inputs: dict[str, Any], suffixes: tuple[str, ...], present: list[str]) -> int:
    """How many of the things called after load_balancer_name are yet to be made."""
    return len({f"{inputs['load_balancer_name']}-{suffix}" for suffix in suffixes} - set(present))
