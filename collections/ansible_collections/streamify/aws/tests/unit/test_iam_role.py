# SPDX-License-Identifier: GPL-3.0-or-later
"""A role is repaired where it differs, by the one call that does it."""

import datetime
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from .conftest import FakeAws, refusal

Run = Callable[..., dict[str, Any]]
TRUST = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "x.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
READ = {"Statement": {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "*"}}
MANAGED = "arn:aws:iam::aws:policy/ReadOnlyAccess"
BOUNDARY = "arn:aws:iam::123456789012:policy/boundary"
ASKED: dict[str, Any] = {
    "name": "role",
    "assume_role_policy_document": json.dumps(TRUST),
    "inline_policies": {"read": READ},
    "managed_policies": [MANAGED],
    "description": "what it is for",
    "permissions_boundary": BOUNDARY,
}


@pytest.fixture(autouse=True)
def _role(aws: FakeAws) -> None:
    """IAM writes documents URL-encoded, and lists of one as it likes."""
    role = {
        "Path": "/",
        "RoleName": "role",
        "RoleId": "AROA1234567890123456",
        "Arn": "arn:aws:iam::123456789012:role/role",
        "CreateDate": datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
        "AssumeRolePolicyDocument": quote(json.dumps({"Statement": TRUST["Statement"][0]})),
        "Description": "what it is for",
        "PermissionsBoundary": {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": BOUNDARY},
    }
    document = quote(json.dumps({"Statement": [READ["Statement"]]}))
    aws.answer("GetRole", {"Role": role})
    aws.answer("ListRolePolicies", {"PolicyNames": ["read"]})
    aws.answer("GetRolePolicy", {"RoleName": "role", "PolicyName": "read", "PolicyDocument": document})
    aws.answer("ListAttachedRolePolicies", {"AttachedPolicies": [{"PolicyName": "x", "PolicyArn": MANAGED}]})


def test_a_role_as_asked_for_is_left_alone(aws: FakeAws, run: Run) -> None:
    result = run("iam_role", ASKED)
    assert result["changed"] is False, result
    assert aws.changes() == []


@pytest.mark.parametrize(
    ("change", "calls"),
    [
        ({"description": "something else"}, ["UpdateRole"]),
        ({"max_session_duration": 7200}, ["UpdateRole"]),
        ({"assume_role_policy_document": json.dumps({"Statement": []})}, ["UpdateAssumeRolePolicy"]),
        ({"inline_policies": {"read": {"Statement": []}}}, ["PutRolePolicy"]),
        ({"inline_policies": {}}, ["DeleteRolePolicy"]),
        ({"managed_policies": []}, ["DetachRolePolicy"]),
        ({"managed_policies": [MANAGED, BOUNDARY]}, ["AttachRolePolicy"]),
        ({"permissions_boundary": ""}, ["DeleteRolePermissionsBoundary"]),
        ({"permissions_boundary": MANAGED}, ["PutRolePermissionsBoundary"]),
        ({"tags": {"a": "b"}}, ["TagRole"]),
    ],
    ids=str,
)
def test_each_difference_is_one_call(aws: FakeAws, run: Run, change: dict[str, Any], calls: list[str]) -> None:
    assert run("iam_role", {**ASKED, **change}, check=True)["changed"]
    assert aws.changes() == []
    result = run("iam_role", {**ASKED, **change})
    assert result.get("changed"), result
    assert aws.changes() == calls
    assert set(result["diff"]["after"]) == set(change)


def test_a_path_cannot_be_changed(aws: FakeAws, run: Run) -> None:
    assert run("iam_role", {**ASKED, "path": "/other/"})["replacement_needed"] == ["path"]
    assert aws.changes() == []


def test_a_role_loses_its_policies_before_it_is_deleted(aws: FakeAws, run: Run) -> None:
    assert run("iam_role", {"name": "role", "state": "absent"})["changed"]
    assert aws.changes() == ["DeleteRolePolicy", "DetachRolePolicy", "DeleteRole"]


def test_a_role_on_an_empty_account_is_foretold(aws: FakeAws, run: Run) -> None:
    aws.answer("GetRole", refusal("GetRole", "NoSuchEntity"))
    foretold = run("iam_role", {**ASKED, "path": "/apps/"}, check=True)
    assert foretold["role"]["arn"] == "arn:aws:iam::123456789012:role/apps/role"
    assert aws.changes() == []
