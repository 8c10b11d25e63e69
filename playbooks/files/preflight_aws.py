# SPDX-License-Identifier: Apache-2.0
"""What only AWS can tell: credentials, account, region, zones, quotas."""

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from preflight_certificates import certificate_findings, reader, request_findings
from preflight_quotas import quota_findings

CONFIG = Config(connect_timeout=5, read_timeout=15, retries={"max_attempts": 3, "mode": "standard"})


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
    if reachable:
        found += _zone_findings(inputs, region)
        found += quota_findings(inputs, lambda service: client(service, region))
        found += _table_findings(inputs, region)
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


# ---- the table -----------------------------------------------------------------------------------------------------
def _table_findings(inputs: dict[str, Any], region: str) -> Iterator[str]:
    """A deployment that would take the API away from its data. Where nothing is deployed, nothing is said."""
    ecs = client("ecs", region)
    try:
        found = ecs.describe_services(cluster=inputs["ecs_cluster_name"], services=[inputs["api_service_name"]])
        running = [each["taskDefinition"] for each in found["services"] if each["status"] == "ACTIVE"]
        if not running:
            return
        definition = ecs.describe_task_definition(taskDefinition=running[0])["taskDefinition"]
    except (BotoCoreError, ClientError):
        return
    variables = {each["name"]: each["value"] for each in definition["containerDefinitions"][0].get("environment", [])}
    used = variables.get("STREAMIFY_TABLE_NAME", "")
    yield from table_findings(used, inputs["storage_table"], inputs["storage_former_tables"])


def table_findings(used: str, wanted: str, former: list[str]) -> Iterator[str]:
    """Whether the API works with a table that the inventory knows: as its own, or as one that a restore replaced."""
    if used and used != wanted and used not in former:
        yield (
            f"storage_table: the API works with {used}, not with {wanted}; restore.yml wrote the name into the "
            f"inventory: commit that file, or set storage_table to {used} (to leave its data behind, list it in "
            "storage_former_tables)"
        )
