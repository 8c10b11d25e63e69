# SPDX-License-Identifier: Apache-2.0
"""playbooks/teardown.yml removes everything that site.yml made: AWS is asked with boto3, service by service.

Runs when the tests against the deployed platform are through: it takes the platform away.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from support.playbooks import assert_no_warning

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = os.environ.get("STREAMIFY_ENV", "test")
STATE = ROOT / ".local" / ENVIRONMENT
KEPT_BY_AWS = {"default", "Managed-CachingOptimized"}


def owned(items: list[dict[str, Any]], name: str) -> list[str]:
    """The named things of a list, without those that AWS has in every account."""
    return [str(item[name]) for item in items if item[name] not in KEPT_BY_AWS]


def custom(policies: dict[str, Any], kind: str) -> list[str]:
    return [str(item[kind]["Id"]) for item in policies.get("Items", []) if item["Type"] == "custom"]


LISTED: dict[str, tuple[str, Callable[[Any], list[str]]]] = {
    "VPCs": ("ec2", lambda c: [v["VpcId"] for v in c.describe_vpcs()["Vpcs"] if not v["IsDefault"]]),
    "NAT gateways": (
        "ec2",
        lambda c: [g["NatGatewayId"] for g in c.describe_nat_gateways()["NatGateways"] if g["State"] != "deleted"],
    ),
    "addresses": ("ec2", lambda c: owned(c.describe_addresses()["Addresses"], "PublicIp")),
    "security groups": ("ec2", lambda c: owned(c.describe_security_groups()["SecurityGroups"], "GroupName")),
    "load balancers": ("elbv2", lambda c: owned(c.describe_load_balancers()["LoadBalancers"], "LoadBalancerName")),
    "target groups": ("elbv2", lambda c: owned(c.describe_target_groups()["TargetGroups"], "TargetGroupName")),
    "certificates": ("acm", lambda c: owned(c.list_certificates()["CertificateSummaryList"], "CertificateArn")),
    "clusters": (
        "ecs",
        lambda c: [
            cluster["clusterName"]
            for cluster in c.describe_clusters(clusters=c.list_clusters()["clusterArns"])["clusters"]
            if cluster["status"] == "ACTIVE"
        ],
    ),
    "task definitions": ("ecs", lambda c: list(c.list_task_definitions(status="ACTIVE")["taskDefinitionArns"])),
    "schedules": ("scheduler", lambda c: owned(c.list_schedules()["Schedules"], "Name")),
    "repositories": ("ecr", lambda c: owned(c.describe_repositories()["repositories"], "repositoryName")),
    "buckets": ("s3", lambda c: owned(c.list_buckets()["Buckets"], "Name")),
    "tables": ("dynamodb", lambda c: list(c.list_tables()["TableNames"])),
    "secrets": ("secretsmanager", lambda c: owned(c.list_secrets()["SecretList"], "Name")),
    "log groups": ("logs", lambda c: owned(c.describe_log_groups()["logGroups"], "logGroupName")),
    "roles": ("iam", lambda c: owned(c.list_roles()["Roles"], "RoleName")),
    "distributions": (
        "cloudfront",
        lambda c: owned(c.list_distributions()["DistributionList"].get("Items", []), "Id"),
    ),
    "origin access controls": (
        "cloudfront",
        lambda c: owned(c.list_origin_access_controls()["OriginAccessControlList"].get("Items", []), "Id"),
    ),
    "public keys": ("cloudfront", lambda c: owned(c.list_public_keys()["PublicKeyList"].get("Items", []), "Id")),
    "key groups": (
        "cloudfront",
        lambda c: [item["KeyGroup"]["Id"] for item in c.list_key_groups()["KeyGroupList"].get("Items", [])],
    ),
    "cache policies": ("cloudfront", lambda c: custom(c.list_cache_policies()["CachePolicyList"], "CachePolicy")),
    "response headers policies": (
        "cloudfront",
        lambda c: custom(c.list_response_headers_policies()["ResponseHeadersPolicyList"], "ResponseHeadersPolicy"),
    ),
}


def left() -> dict[str, list[str]]:
    """What the account holds, by kind."""
    cloud = json.loads((STATE / "cloud.json").read_text())
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=cloud["aws_region"])
    found = {}
    for kind, (service, listed) in LISTED.items():
        client: Any = session.client(service, endpoint_url=cloud["aws_endpoint_url"])  # type: ignore[call-overload]
        found[kind] = listed(client)
    return found


def teardown(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "playbooks/teardown.yml", *arguments]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    finished = subprocess.run(
        command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert_no_warning(finished.stdout + finished.stderr)
    return finished


@pytest.mark.timeout(900)
def test_teardown_asks_for_the_right_name_and_then_removes_everything() -> None:
    before = left()
    assert [kind for kind, names in before.items() if not names] == [], "the test does not see what it looks for"
    refused = teardown("-e", "teardown_confirm=another")
    assert refused.returncode != 0
    assert "nothing was removed" in refused.stdout
    assert left() == before
    arguments = ["-e", f"teardown_confirm={ENVIRONMENT}", "-e", "teardown_local_cloud=false"]
    finished = teardown(*arguments)
    assert finished.returncode == 0, finished.stdout[-3000:]
    assert {kind: names for kind, names in left().items() if names} == {}
    again = teardown(*arguments)
    assert again.returncode == 0, again.stdout[-3000:]
    assert "changed=0" in again.stdout, again.stdout[-3000:]
