# SPDX-License-Identifier: Apache-2.0
"""The IAM actions that roles and playbooks need: each exists, is scoped or says why not, and all fit IAM's limits.

That nothing is missing and nothing is idle is shown by running, under IAM evaluation: tests/iam.
"""

import fnmatch
import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import yaml
from support.playbooks import assert_no_warning

ROOT = Path(__file__).resolve().parents[2]
PARTS = {
    "playbooks": ROOT / "playbooks" / "files" / "iam.yml",
    **{path.parents[1].name: path for path in sorted(ROOT.glob("roles/*/files/iam.yml"))},
}
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir() if path.name != "local_cloud")
# IAM's name of a service where botocore has another for it.
SERVICES = {
    "cloudwatch": "cloudwatch",
    "elasticloadbalancing": "elbv2",
    "servicequotas": "service-quotas",
}
# Actions that are no operation of an API, each with what it stands for.
NO_OPERATIONS = {
    "elasticloadbalancing:SetWebAcl": "WAF guards a balancer",
    "iam:PassRole": "handing a role to a service",
    "s3:GetBucketCORS": "GetBucketCors",
    "s3:PutBucketCORS": "PutBucketCors, DeleteBucketCors",
    "s3:GetBucketPublicAccessBlock": "GetPublicAccessBlock",
    "s3:PutBucketPublicAccessBlock": "PutPublicAccessBlock, DeletePublicAccessBlock",
    "s3:GetEncryptionConfiguration": "GetBucketEncryption",
    "s3:PutEncryptionConfiguration": "PutBucketEncryption, DeleteBucketEncryption",
    "s3:GetLifecycleConfiguration": "GetBucketLifecycleConfiguration",
    "s3:PutLifecycleConfiguration": "PutBucketLifecycleConfiguration, DeleteBucketLifecycle",
    "s3:ListBucket": "ListObjects, ListObjectsV2, HeadBucket",
    "s3:ListBucketVersions": "ListObjectVersions",
    "s3:GetObjectVersion": "GetObject of a version",
    "s3:DeleteObjectVersion": "DeleteObject of a version",
    "s3:ListMultipartUploadParts": "ListParts",
    "s3:ListBucketMultipartUploads": "ListMultipartUploads",
    "dynamodb:ConditionCheckItem": "an item of TransactWriteItems that is only looked at",
}
# Who may be handed a role: what the roles of ours that trust a service are for.
PASSED_TO = {
    "ApiPassRoles": "ecs-tasks.amazonaws.com",
    "ApiPassScheduleRole": "scheduler.amazonaws.com",
    "NetworkPassRole": "vpc-flow-logs.amazonaws.com",
}
KNOW_NO_RESOURCE = {"ecr:GetAuthorizationToken", "xray:PutTelemetryRecords", "xray:PutTraceSegments"}
KEYS = {"sid", "purpose", "actions", "resources", "condition", "unscoped", "unseen", "unseen_actions"}


@cache
def operations(service: str) -> frozenset[str]:
    session = botocore.session.get_session()
    return frozenset(session.get_service_model(SERVICES.get(service, service)).operation_names)


def entries(part: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load(PARTS[part].read_text()))


ENTRIES = [(part, entry) for part in PARTS for entry in entries(part)]
IDS = [f"{part}-{entry['sid']}" for part, entry in ENTRIES]


def policies_of_a_role() -> dict[str, dict[str, Any]]:
    """The policy documents in the roles' variables: what the platform's own roles may do."""
    found: dict[str, dict[str, Any]] = {}
    for path in ROOT.glob("roles/*/vars/*.yml"):
        for name, value in (yaml.safe_load(path.read_text()) or {}).items():
            if isinstance(value, dict) and isinstance(value.get("Statement"), list):
                found[f"{path.parents[1].name}:{name}"] = value
            elif name.endswith(("_statement", "_statements")):  # a part of a policy
                found[f"{path.parents[1].name}:{name}"] = {"Statement": value if isinstance(value, list) else [value]}
    return found


def test_every_role_says_what_it_needs() -> None:
    assert [role for role in ROLES if role not in PARTS] == []


@pytest.mark.parametrize(("part", "entry"), ENTRIES, ids=IDS)
def test_a_statement_is_whole(part: str, entry: dict[str, Any]) -> None:
    assert set(entry) <= KEYS
    assert {"sid", "purpose", "actions", "resources"} <= set(entry)
    assert entry["purpose"].endswith(".")
    assert entry["actions"] == sorted(entry["actions"]), "keep them sorted"
    assert len(set(entry["actions"])) == len(entry["actions"])
    assert entry["resources"]
    assert "unseen_actions" not in entry or "unseen" in entry, "`unseen` tells why the journey does not show them"
    assert set(entry.get("unseen_actions", [])) <= set(entry["actions"])


@pytest.mark.parametrize(("part", "entry"), ENTRIES, ids=IDS)
def test_every_action_exists_and_is_written_out(part: str, entry: dict[str, Any]) -> None:
    unknown = []
    for action in entry["actions"]:
        assert re.fullmatch(r"[a-z0-9-]+:[A-Za-z]+", action), f"{action} is not one action, written out"
        service, _, name = action.partition(":")
        if action not in NO_OPERATIONS and name not in operations(service):
            unknown.append(action)
    assert unknown == []


@pytest.mark.parametrize(("part", "entry"), ENTRIES, ids=IDS)
def test_a_statement_on_everything_says_why(part: str, entry: dict[str, Any]) -> None:
    unscoped = [resource for resource in entry["resources"] if not resource.startswith("arn:aws:")]
    assert unscoped in ([], ["*"])
    assert bool(unscoped) == bool(entry.get("unscoped")), "`unscoped` tells why resources is '*', and only then"
    for resource in entry["resources"]:
        if resource != "*":
            # A service's whole ARN space is no scope.
            assert len(resource.split(":", 5)) == 6
            assert resource.split(":", 5)[5] != "*", resource


@pytest.mark.parametrize(("part", "entry"), ENTRIES, ids=IDS)
def test_roles_are_handed_only_to_the_service_that_they_are_for(part: str, entry: dict[str, Any]) -> None:
    if "iam:PassRole" not in entry["actions"]:
        return
    assert entry["actions"] == ["iam:PassRole"], "in a statement of its own"
    assert entry["condition"] == {"StringEquals": {"iam:PassedToService": PASSED_TO[entry["sid"]]}}
    for resource in entry["resources"]:
        assert re.fullmatch(r"arn:aws:iam::\{\{ aws_account_id \}\}:role/[^*?]+", resource), resource
    # Exactly the roles that this part makes, each to one service.
    made = next(each for each in entries(part) if "iam:CreateRole" in each["actions"])
    passed = [role for each in entries(part) if "iam:PassRole" in each["actions"] for role in each["resources"]]
    assert sorted(passed) == sorted(made["resources"])


@pytest.mark.parametrize(("part", "entry"), ENTRIES, ids=IDS)
def test_service_linked_roles_are_made_for_one_service(part: str, entry: dict[str, Any]) -> None:
    if "iam:CreateServiceLinkedRole" not in entry["actions"]:
        return
    assert entry["actions"] == ["iam:CreateServiceLinkedRole"]
    service = entry["condition"]["StringEquals"]["iam:AWSServiceName"]
    assert entry["resources"] == [f"arn:aws:iam::{{{{ aws_account_id }}}}:role/aws-service-role/{service}/*"]


def test_sids_are_unique() -> None:
    sids = [entry["sid"] for _, entry in ENTRIES]
    assert len(set(sids)) == len(sids)
    assert all(sid.isalnum() for sid in sids)


def test_the_readmes_say_what_the_parts_say() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "iam-readmes"), "--check"]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("name", sorted(policies_of_a_role()))
def test_what_the_platform_may_do_is_written_out_and_scoped(name: str) -> None:
    for statement in policies_of_a_role()[name]["Statement"]:
        if statement["Effect"] != "Allow":
            continue
        actions = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        assert not [action for action in actions if "*" in action]
        if "Principal" in statement:
            continue  # what others may do with a resource, or with a role
        for action in actions:
            service, _, operation = action.partition(":")
            assert action in NO_OPERATIONS or operation in operations(service), action
        if statement["Resource"] == "*":
            assert set(actions) <= KNOW_NO_RESOURCE, "only these of ours know no resource"


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The policies of the production inventory, with the longest names that preflight lets pass."""
    directory = tmp_path_factory.mktemp("policies")
    command = [
        str(Path(sys.executable).with_name("ansible-playbook")),
        "-i",
        "inventory/production",
        "playbooks/deployer_policy.yml",
        "-e",
        f"deployer_policy_dir={directory} project=twelveletter deployment_environment=elevenchars",
    ]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert_no_warning(finished.stdout + finished.stderr)
    return [json.loads(path.read_text()) for path in sorted(directory.glob("deployer-*.json"))]


def test_the_deployers_policies_fit_iams_limits(rendered: list[dict[str, Any]]) -> None:
    assert 1 <= len(rendered) <= 10
    for document in rendered:
        assert len(json.dumps(document, separators=(",", ":"))) <= 6144
        assert document["Version"] == "2012-10-17"


def test_the_deployers_policies_hold_every_statement_with_the_inventorys_names(rendered: list[dict[str, Any]]) -> None:
    statements = {each["Sid"]: each for document in rendered for each in document["Statement"]}
    assert set(statements) == {entry["sid"] for _, entry in ENTRIES}
    assert "{{" not in json.dumps(rendered)
    bucket = "arn:aws:s3:::twelveletter-elevenchars-uploads-111122223333"
    assert bucket in statements["StorageBuckets"]["Resource"]


def test_the_deployer_cannot_touch_another_environment(rendered: list[dict[str, Any]]) -> None:
    """What is named by the environment is granted by its name."""
    others = [
        "arn:aws:s3:::twelveletter-production-uploads-111122223333",
        "arn:aws:dynamodb:eu-central-1:111122223333:table/twelveletter-production",
        "arn:aws:iam::111122223333:role/twelveletter-production-api-task",
        "arn:aws:iam::111122223333:role/administrator",
        "arn:aws:secretsmanager:eu-central-1:111122223333:secret:twelveletter-production-signing-key-AbCdEf",
        "arn:aws:ecs:eu-central-1:111122223333:service/twelveletter-production/twelveletter-production-api",
        "arn:aws:elasticloadbalancing:eu-central-1:111122223333:loadbalancer/app/twelveletter-production-public/0123",
        "arn:aws:cloudwatch:eu-central-1:111122223333:alarm:twelveletter-production-public-errors",
        "arn:aws:logs:eu-central-1:111122223333:log-group:/twelveletter/production",
    ]
    granted = [
        (each["Sid"], other)
        for document in rendered
        for each in document["Statement"]
        for pattern in each["Resource"]
        for other in others
        if pattern != "*" and fnmatch.fnmatchcase(other, pattern)
    ]
    assert granted == []
