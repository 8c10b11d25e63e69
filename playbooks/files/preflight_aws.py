# SPDX-License-Identifier: Apache-2.0
"""What only AWS can tell: credentials, account, region, zones, quotas."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from preflight_certificates import certificate_findings, reader, request_findings

CONFIG = Config(connect_timeout=5, read_timeout=15, retries={"max_attempts": 3, "mode": "standard"})
FARGATE_VCPUS, ELASTIC_ADDRESSES, VPCS = ("fargate", "L-3032A538"), ("ec2", "L-0263D0A3"), ("vpc", "L-F678F1CE")


def client(service: str, region: str) -> Any:
    """A boto3 client that gives up within seconds."""
    return boto3.client(service, region_name=region, config=CONFIG)


def findings(inputs: dict[str, Any], names: dict[str, list[str]]) -> list[str]:
    """Everything that is wrong. Without credentials nothing else can be asked, but certificate files can be read."""
    region = inputs["aws_region"]
    found = list(_identity_findings(inputs, region))
    reachable = not any(finding.startswith("credentials:") for finding in found)
    sources = inputs["certificate_sources"]
    found += certificate_findings(sources, names, dt.datetime.now(dt.UTC), reader(client if reachable else None))
    found += request_findings(sources, client if reachable else None, region)
    for ask in (_zone_findings, _quota_findings) if reachable else ():
        found += ask(inputs, region)
    return found


def _identity_findings(inputs: dict[str, Any], region: str) -> Iterator[str]:
    if region not in boto3.session.Session().get_available_regions("ec2"):
        yield f"aws_region: '{region}' is no region that AWS has; choose one such as eu-central-1"
    try:
        account = client("sts", region).get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as error:
        yield f"credentials: AWS does not take them ({error}); log in (aws sso login), or set AWS_PROFILE"
        return
    if account != inputs["aws_account_id"]:
        wanted = inputs["aws_account_id"]
        yield f"aws_account_id: the credentials are of account {account}, the inventory is for {wanted}; use its own"


def _zone_findings(inputs: dict[str, Any], region: str) -> Iterator[str]:
    try:
        answer = client("ec2", region).describe_availability_zones()["AvailabilityZones"]
    except (BotoCoreError, ClientError) as error:
        yield f"aws_region: the zones of {region} cannot be listed ({error}); is the region enabled for the account?"
        return
    yield from zone_findings(inputs["network_zones"], {zone["ZoneName"]: zone["State"] for zone in answer}, region)


def zone_findings(wanted: Iterable[str], states: dict[str, str], region: str) -> Iterator[str]:
    """Zones that the region does not have, or that are not available now."""
    available = sorted(name for name, state in states.items() if state == "available")
    for zone in wanted:
        if zone not in states:
            yield f"network_zones: {region} has no zone {zone} for this account; it has {', '.join(available)}"
        elif zone not in available:
            yield f"network_zones: {zone} is {states[zone]}; choose among {', '.join(available)}"


# ---- quotas ---------------------------------------------------------------------------------------------------------
def _quota_findings(inputs: dict[str, Any], region: str) -> Iterator[str]:
    """Quotas that a first deployment would hit. Where the API does not answer, nothing is said."""
    quotas, ec2 = client("service-quotas", region), client("ec2", region)
    for (service, code), what, count in _needs(inputs, ec2):
        try:
            limit = quotas.get_service_quota(ServiceCode=service, QuotaCode=code)["Quota"]["Value"]
            used, needed = count()
        except (BotoCoreError, ClientError, KeyError, ValueError):
            continue
        yield from quota_findings(what, code, limit, used, needed)


def quota_findings(what: str, code: str, limit: float, used: float, needed: float) -> Iterator[str]:
    """Whether as much as is needed is left of a quota."""
    if used + needed > limit:
        yield f"quota {code}: {what}: {limit:g} allowed, {used:g} used, {needed:g} more needed; ask AWS for more"


Need = tuple[tuple[str, str], str, Callable[[], tuple[float, float]]]


def _needs(inputs: dict[str, Any], ec2: Any) -> list[Need]:
    def stands() -> bool:
        filters = [{"Name": "tag:Name", "Values": [inputs["network_name"]]}]
        return bool(ec2.describe_vpcs(Filters=filters)["Vpcs"])

    def vpcs() -> tuple[float, float]:
        return len(ec2.describe_vpcs()["Vpcs"]), 0 if stands() else 1

    def addresses() -> tuple[float, float]:
        gateways = {"per_zone": len(inputs["network_zones"]), "single": 1}.get(inputs["network_nat"], 0)
        return len(ec2.describe_addresses()["Addresses"]), 0 if stands() else gateways

    def vcpus() -> tuple[float, float]:
        # A deployment runs the old and the new tasks side by side.
        share = int(inputs["api_service_maximum_percent"]) / 100
        return 0, int(inputs["api_service_desired_count"]) * share * int(inputs["api_service_cpu"]) / 1024

    return [
        (VPCS, "VPCs in the region", vpcs),
        (ELASTIC_ADDRESSES, "elastic addresses (one a NAT gateway)", addresses),
        (FARGATE_VCPUS, "Fargate vCPUs on demand (old and new tasks of a deployment)", vcpus),
    ]
