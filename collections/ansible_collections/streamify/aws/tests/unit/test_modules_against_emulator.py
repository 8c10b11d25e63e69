# SPDX-License-Identifier: GPL-3.0-or-later
"""Every module: check, apply, check, apply, change by hand, repair, remove; against the emulator as it is published."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

pytestmark = pytest.mark.integration
Module = Callable[..., dict[str, Any]]

KEY = (
    ec.generate_private_key(ec.SECP256R1())
    .public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    .decode()
)
CONTAINER = {
    "name": "api",
    "image": "example/api@sha256:1",
    "port_mappings": [{"container_port": 8080}, {"container_port": 9090}],
    "environment": [{"name": "Z_a", "value": "1"}, {"name": "camelCase", "value": "2"}],
    "log_configuration": {"log_driver": "awslogs", "options": {"awslogs-group": "/x"}},
    "health_check": {"command": ["CMD", "true"]},
}
CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "ecs_task_definition": (
        "task_definition",
        {
            "family": "coll-family",
            "cpu": "0.25 vCPU",
            "memory": 512,
            "requires_compatibilities": ["FARGATE"],
            "container_definitions": [CONTAINER],
            "tags": {"keepCase": "x"},
        },
        {"memory": 1024},
    ),
    "ecs_cluster": (
        "cluster",
        {
            "name": "coll-cluster",
            "settings": {"containerInsights": "enabled"},
            "capacity_providers": ["FARGATE_SPOT", "FARGATE"],
            "tags": {"a": "b"},
        },
        {"settings": {"containerInsights": "disabled"}},
    ),
    "ecr_repository": (
        "repository",
        {"name": "coll/repository", "tags": {"a": "b"}, "policy": {"Version": "2012-10-17", "Statement": []}},
        {"image_tag_mutability": "MUTABLE", "scan_on_push": False, "tags": {"c": "d"}},
    ),
    "elb_target_group": (
        "target_group",
        {
            "name": "coll-http",
            "protocol": "HTTP",
            "port": 8080,
            "vpc_id": "vpc-1",
            "health_check_path": "/health/ready",
            "matcher": {"http_code": "200"},
            "attributes": {"deregistration_delay.timeout_seconds": 30, "stickiness.enabled": False},
            "tags": {"a": "b"},
        },
        {"health_check_path": "/other", "attributes": {"deregistration_delay.timeout_seconds": 10}, "tags": {"a": "c"}},
    ),
    "dynamodb_table": (
        "table",
        {
            "name": "coll-table",
            "attribute_definitions": [
                {"attribute_name": name, "attribute_type": "S"} for name in ("pk", "sk", "gsi1pk", "gsi1sk")
            ],
            "key_schema": [
                {"attribute_name": "pk", "key_type": "HASH"},
                {"attribute_name": "sk", "key_type": "RANGE"},
            ],
            "global_secondary_indexes": [
                {
                    "index_name": "gsi1",
                    "key_schema": [
                        {"attribute_name": "gsi1pk", "key_type": "HASH"},
                        {"attribute_name": "gsi1sk", "key_type": "RANGE"},
                    ],
                }
            ],
            "time_to_live_attribute": "expires_at",
            "deletion_protection_enabled": True,
            "tags": {"a": "b"},
        },
        {"point_in_time_recovery": False, "deletion_protection_enabled": False, "global_secondary_indexes": []},
    ),
    "cloudfront_origin_access_control": (
        "origin_access_control",
        {"name": "coll-oac", "description": "x"},
        {"description": "y"},
    ),
    "cloudfront_public_key": (
        "public_key",
        {"name": "coll-key", "encoded_key": KEY, "comment": "x"},
        {"comment": "y", "encoded_key": KEY.replace("\n", "\r\n")},
    ),
    "cloudfront_key_group": ("key_group", {"name": "coll-keys", "items": ["K1"]}, {"comment": "y"}),
    "cloudfront_cache_policy": (
        "cache_policy",
        {
            "name": "coll-cache",
            "parameters_in_cache_key_and_forwarded_to_origin": {
                "headers_config": {"header_behavior": "whitelist", "headers": ["Range", "Origin"]}
            },
        },
        {"max_ttl": 90000, "parameters_in_cache_key_and_forwarded_to_origin": {"enable_accept_encoding_gzip": True}},
    ),
    "cloudfront_response_headers_policy": (
        "response_headers_policy",
        {
            "name": "coll-headers",
            "cors_config": {
                "access_control_allow_origins": ["https://b.example", "https://a.example"],
                "access_control_allow_credentials": True,
                "access_control_max_age_sec": 60,
            },
            "security_headers_config": {
                "strict_transport_security": {"override": True, "access_control_max_age_sec": 1}
            },
            "custom_headers_config": [{"header": "X-A", "value": "b"}],
        },
        {"custom_headers_config": None, "security_headers_config": None},
    ),
    "cloudfront_distribution": (
        "distribution",
        {
            "name": "coll-media",
            "origins": [{"id": "media", "domain_name": "b.s3.amazonaws.com", "origin_access_control_id": "OAC1"}],
            "default_cache_behavior": {"target_origin_id": "media", "response_headers_policy_id": "RHP1"},
            "aliases": ["b.example", "a.example"],
            "viewer_certificate": {"acm_certificate_arn": "arn:aws:acm:us-east-1:000000000000:certificate/1"},
            "tags": {"a": "b"},
        },
        {"default_cache_behavior": {"target_origin_id": "media"}, "price_class": "PriceClass_100", "tags": {"c": "d"}},
    ),
    "cloudwatch_log_group": (
        "log_group",
        {"name": "/coll/logs", "retention_in_days": 30, "tags": {"a": "b"}},
        {"retention_in_days": 0, "tags": {"a": "c"}},
    ),
    "s3_bucket": (
        "bucket",
        {
            "name": "coll-bucket",
            "versioning": True,
            "encryption": {"sse_algorithm": "AES256"},
            "object_ownership": "BucketOwnerEnforced",
            "public_access_block": {},
            "policy": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": "cloudfront.amazonaws.com"},
                        "Action": ["s3:GetObject"],
                        "Resource": "arn:aws:s3:::coll-bucket/*",
                    }
                ],
            },
            "lifecycle_rules": [
                {
                    "id": "expire",
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "abort_incomplete_multipart_upload": {"days_after_initiation": 2},
                    "noncurrent_version_expiration": {"noncurrent_days": 30},
                }
            ],
            "cors_rules": [
                {
                    "allowed_origins": ["https://b.example", "https://a.example"],
                    "allowed_methods": ["PUT"],
                    "expose_headers": ["ETag"],
                    "max_age_seconds": 60,
                }
            ],
            "tags": {"a": "b"},
        },
        {
            "versioning": False,
            "public_access_block": {"block_public_policy": False},
            "policy": {},
            "lifecycle_rules": [],
            "cors_rules": [{"allowed_origins": ["https://a.example"], "allowed_methods": ["PUT"]}],
            "tags": {"a": "c"},
        },
    ),
    "ecs_service": (
        "service",
        {
            "name": "coll-service",
            "cluster": "coll-services",
            "task_definition": "coll-service-family",
            "desired_count": 0,
            "launch_type": "FARGATE",
            "network_configuration": {"subnets": ["subnet-b", "subnet-a"], "security_groups": ["sg-1"]},
            "deployment_configuration": {
                "minimum_healthy_percent": 100,
                "maximum_percent": 200,
                "deployment_circuit_breaker": {"enable": True, "rollback": True},
            },
            "propagate_tags": "SERVICE",
            "wait_timeout": 30,
            "tags": {"a": "b"},
        },
        {
            "network_configuration": {"subnets": ["subnet-c", "subnet-a"], "security_groups": ["sg-1"]},
            "deployment_configuration": {"maximum_percent": 150},
        },
    ),
}


@pytest.fixture(autouse=True)
def _around(request: pytest.FixtureRequest, module: Module, emulator: str) -> None:
    """Put there what a service stands on."""
    if "key_group" in request.node.name:
        key = module("cloudfront_public_key", {"name": "coll-member", "encoded_key": KEY})["public_key"]["id"]
        CASES["cloudfront_key_group"][1]["items"] = [key]
    if "ecs_service" in request.node.name:
        ecs = boto3.client(
            "ecs", endpoint_url=emulator, region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x"
        )
        ecs.create_cluster(clusterName="coll-services")
        ecs.register_task_definition(
            family="coll-service-family", containerDefinitions=[{"name": "api", "image": "x"}], networkMode="awsvpc"
        )


@pytest.mark.parametrize("name", sorted(CASES))
def test_check_apply_check_apply_change_remove(name: str, module: Module) -> None:
    key, arguments, change = CASES[name]

    foretold = module(name, arguments, check=True)
    assert foretold.get("changed"), foretold
    assert foretold[key]
    made = module(name, arguments)
    assert made.get("changed"), made
    assert made["diff"]["after"] == foretold["diff"]["after"]
    assert not made["diff"]["before"]
    identity = {field for field in foretold[key] if field.endswith(("_arn", "_name"))}
    assert {field: made[key][field] for field in identity if "known after" not in foretold[key][field]} == {
        field: foretold[key][field] for field in identity if "known after" not in foretold[key][field]
    }

    for check in (True, False):
        again = module(name, arguments, check=check)
        assert again.get("changed") is False, again
        assert again["diff"] == {"before": {}, "after": {}}

    different = {**arguments, **change}
    foretold = module(name, different, check=True)
    assert foretold.get("changed"), foretold
    assert module(name, arguments)["changed"] is False, "a check changed something"
    changed = module(name, different)
    assert changed.get("changed"), changed
    assert changed["diff"] == foretold["diff"]
    assert module(name, different)["changed"] is False

    gone = {key: value for key, value in {**different, "state": "absent"}.items() if key != "tags"}
    assert module(name, gone, check=True)["changed"] is True
    removed = module(name, gone)
    assert removed.get("changed"), removed
    assert removed[key] == {}
    for check in (True, False):
        assert module(name, gone, check=check)["changed"] is False


def test_table_that_is_protected_is_not_removed(module: Module) -> None:
    arguments = {**CASES["dynamodb_table"][1], "name": "coll-protected"}
    module("dynamodb_table", arguments)
    refused = module("dynamodb_table", {**arguments, "state": "absent"})
    assert refused["failed"]
    assert "protected" in refused["msg"]
    assert module(
        "dynamodb_table", {"name": "coll-protected", "state": "absent", "deletion_protection_enabled": False}
    )["changed"]


def test_target_group_of_another_port_must_be_replaced(module: Module) -> None:
    arguments = {**CASES["elb_target_group"][1], "name": "coll-port"}
    module("elb_target_group", arguments)
    refused = module("elb_target_group", {**arguments, "port": 81}, check=True)
    assert refused["failed"]
    assert "port is 8080 and should be 81" in refused["msg"]
    assert refused["replacement_needed"] == ["port"]


def test_one_revision_of_a_task_definition_is_removed_and_the_others_stay(module: Module, emulator: str) -> None:
    arguments = {**CASES["ecs_task_definition"][1], "family": "coll-revisions"}
    first = module("ecs_task_definition", arguments)["task_definition"]["task_definition_arn"]
    second = module("ecs_task_definition", {**arguments, "memory": "2048"})["task_definition"]["revision"]
    gone = {"family": "coll-revisions", "revision": second, "state": "absent"}
    assert module("ecs_task_definition", gone)["changed"]
    assert not module("ecs_task_definition", gone).get("changed")
    ecs = boto3.client(
        "ecs", endpoint_url=emulator, region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="y"
    )
    assert ecs.list_task_definitions(familyPrefix="coll-revisions")["taskDefinitionArns"] == [first]
