# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: S101
"""What several of the scenarios ask AWS for. The environment's AWS variables are set by shared/verify.yml."""

from typing import Any

import pytest
from reported import NAME, aws


@pytest.fixture(scope="module")
def vpc() -> str:
    found = aws("ec2").describe_vpcs(Filters=[{"Name": "tag:Name", "Values": [NAME]}])["Vpcs"]
    assert len(found) == 1
    return str(found[0]["VpcId"])


@pytest.fixture(scope="module")
def subnets(vpc: str) -> dict[str, dict[str, Any]]:
    found = aws("ec2").describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
    return {subnet["SubnetId"]: subnet for subnet in found}


@pytest.fixture(scope="module")
def balancers() -> dict[str, dict[str, Any]]:
    names = {"public": f"{NAME}-public", "internal": f"{NAME}-internal"}
    found = aws("elbv2").describe_load_balancers(Names=list(names.values()))["LoadBalancers"]
    by_name = {each["LoadBalancerName"]: each for each in found}
    return {kind: by_name[name] for kind, name in names.items()}


@pytest.fixture(scope="module")
def service() -> dict[str, Any]:
    found = aws("ecs").describe_services(cluster=NAME, services=[f"{NAME}-api"])["services"]
    assert len(found) == 1
    return dict(found[0])


@pytest.fixture(scope="module")
def distribution() -> dict[str, Any]:
    client = aws("cloudfront")
    items = client.list_distributions()["DistributionList"].get("Items", [])
    assert len(items) == 1
    return dict(client.get_distribution(Id=items[0]["Id"])["Distribution"])
