# SPDX-License-Identifier: Apache-2.0
"""What preflight finds in the inputs and in AWS's answers."""

import re
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest
import yaml
from botocore.stub import Stubber

ROOT = Path(__file__).resolve().parents[3]

# In the order in which they are asked for.
QUOTAS = ("L-F678F1CE", "L-A4707A72", "L-0263D0A3", "L-FE5A380F", "L-53DA6B97", "L-B22855CB", "L-3032A538")
COLLECTOR = {"api_service_collector": True, "api_service_collector_image": "collector@sha256:0"}
GOOD: dict[str, Any] = {
    "public_url": "https://api.example.com",
    "verify_grpc_target": "grpc.internal.example.com:443",
    "network_cidr": "10.0.0.0/16",
    "network_zones": ["eu-central-1a", "eu-central-1b", "eu-central-1c"],
    "network_private_cidrs": ["10.0.16.0/20", "10.0.32.0/20", "10.0.48.0/20"],
    "network_public_cidrs": ["10.0.112.0/20", "10.0.128.0/20", "10.0.144.0/20"],
    "network_http_port": 80,
    "network_https_port": 443,
    "network_grpc_port": 443,
    "network_task_http_port": 8080,
    "network_task_grpc_port": 9090,
    "storage_table": "streamify-production",
    "storage_former_tables": [],
    "storage_upload_bucket": "streamify-production-uploads-111122223333",
    "storage_media_bucket": "streamify-production-media-111122223333",
    "image_repository": "streamify-production-api",
    "load_balancer_name": "streamify-production",
    "load_balancer_health_interval": 5,
    "load_balancer_health_timeout": 3,
    "load_balancer_http_health_path": "/health/ready",
    "load_balancer_grpc_health_path": "/streamify.health.v1.ReadinessService/CheckReadiness",
    "load_balancer_algorithm": "least_outstanding_requests",
    "load_balancer_slow_start": 0,
    "cdn_name": "streamify-production-media",
    "cdn_aliases": ["media.example.com"],
    "cdn_url": "",
    "ecs_cluster_name": "streamify-production",
    "api_service_name": "streamify-production-api",
    "api_service_cpu": 512,
    "api_service_memory": 1024,
    "ecs_cluster_capacity_providers": ["FARGATE", "FARGATE_SPOT"],
    "api_service_autoscaling": True,
    "api_service_spot_percent": 0,
    "api_service_collector": False,
    "api_service_collector_image": "",
    "api_service_collector_cpu": 64,
    "api_service_collector_memory": 256,
    "api_service_collector_trace_ratio": 0.05,
    "api_service_janitor_cpu": 256,
    "api_service_janitor_memory": 512,
    "api_service_janitor_schedule": "rate(15 minutes)",
    "api_service_stop_timeout": 60,
    "api_service_drain_seconds": 20,
    "api_service_shutdown_grace_seconds": 20,
    "api_service_cookie_domain": "example.com",
}


def test_good_inputs_give_no_finding(preflight: ModuleType, preflight_inputs: ModuleType) -> None:
    assert preflight_inputs.input_findings(GOOD) == []
    assert list(preflight.name_findings(GOOD)) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"api_service_cpu": 300}, "Fargate has no 300 CPU units"),
        ({"api_service_cpu": "much"}, "not both whole numbers"),
        ({"api_service_memory": 8192}, "choose 1024, 2048, 3072, 4096"),
        ({"api_service_spot_percent": 100}, "choose 0 to 90"),
        ({"api_service_spot_percent": 50, "api_service_autoscaling": False}, "set api_service_autoscaling"),
        ({"api_service_spot_percent": 50, "ecs_cluster_capacity_providers": ["FARGATE"]}, "add FARGATE_SPOT"),
        ({"api_service_collector": True}, "api_service_collector_image: a collector needs it"),
        (COLLECTOR | {"api_service_collector_memory": 1024}, "1024 of the task's 1024 leave the API nothing"),
        (COLLECTOR | {"api_service_collector_trace_ratio": 5}, "choose 0 to 1"),
        ({"api_service_janitor_memory": 4096}, "api_service_janitor_memory: 4096 MiB does not go with 256"),
        ({"api_service_janitor_schedule": "every day"}, "write rate(15 minutes) or cron"),
        ({"api_service_janitor_schedule": "rate(1 minutes)"}, "no schedule that comes again"),
        ({"api_service_janitor_schedule": "at(2030-01-01T00:00:00)"}, "no schedule that comes again"),
        ({"api_service_stop_timeout": 40}, "killed while they serve"),
        ({"api_service_stop_timeout": 121}, "120 s at most"),
        ({"load_balancer_health_timeout": 5}, "not less than the interval"),
        ({"load_balancer_health_interval": 4}, "ALB takes 5 to 300"),
        ({"load_balancer_http_health_path": "ready"}, "does not begin with a slash"),
        ({"load_balancer_grpc_health_path": "/health/ready/now"}, "no gRPC method"),
        ({"load_balancer_slow_start": 60}, "refuses slow start"),
        ({"load_balancer_slow_start": 10, "load_balancer_algorithm": "round_robin"}, "30 to 900"),
        ({"network_http_port": 443}, "need two ports"),
        ({"network_task_grpc_port": 8080}, "need two ports"),
        ({"network_grpc_port": 70000}, "is no port"),
        ({"network_zones": ["eu-central-1a", "eu-central-1a", "eu-central-1b"]}, "a zone twice"),
        ({"network_cidr": "10.1.0.0/17"}, "is not inside 10.1.0.0/17"),
        ({"network_cidr": "10.0.0.0/33"}, "does not appear to be an IPv4 or IPv6 network"),
        ({"network_public_cidrs": ["10.0.16.0/20", "10.0.128.0/20", "10.0.144.0/20"]}, "overlap"),
        ({"network_private_cidrs": ["10.0.16.0/20"]}, "1 ranges for 3 zones"),
        ({"public_url": "http://api.example.com"}, "is not https://"),
        ({"cdn_aliases": ["media.example.net"]}, "media.example.net (cdn_aliases) is not in example.com"),
    ],
)
def test_inputs_that_do_not_fit_are_named(preflight_inputs: ModuleType, changes: dict[str, Any], said: str) -> None:
    found = preflight_inputs.input_findings(GOOD | changes)
    assert any(said in finding for finding in found), found
    assert all(any(finding.startswith(name) for name in GOOD) for finding in found), found


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"load_balancer_name": "x" * 24}, "choose one of at most 23"),
        ({"storage_media_bucket": "x" * 64}, "64 characters"),
        ({"storage_media_bucket": "Streamify_media"}, "lower-case letters"),
        ({"api_service_name": "x" * 60}, "choose one of at most 54"),
    ],
)
def test_names_that_aws_refuses_are_named_once(preflight: ModuleType, changes: dict[str, Any], said: str) -> None:
    (finding,) = preflight.name_findings(GOOD | changes)
    assert finding.startswith(next(iter(changes)))
    assert said in finding


def test_unknown_variables_are_named_with_what_was_meant(preflight_inputs: ModuleType) -> None:
    names = ["api_service_desierd_count", "api_servise_cpu", "network_zones", "storage_output", "public_url", "cdn_qqq"]
    found = list(preflight_inputs.variable_findings(ROOT / "roles", {}, names))
    assert found == [
        "api_service_desierd_count: no role has this input; did you mean api_service_desired_count?",
        "api_servise_cpu: no role has this input; did you mean api_service_cpu?",
        "cdn_qqq: no role has this input; roles/cdn/README.md lists its inputs",
    ]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("network_nat", "perzone", "value of network_nat must be one of"),
        ("api_service_desired_count", "three", "api_service_desired_count"),
        ("certificate_sources", {"public": {"anr": "arn:aws:acm:…"}}, "certificate_sources.public.anr"),
    ],
)
def test_values_that_a_role_would_refuse_are_refused_first(
    preflight_inputs: ModuleType, name: str, value: Any, said: str
) -> None:
    (finding,) = preflight_inputs.variable_findings(ROOT / "roles", {name: value}, [name])
    assert said in finding


def test_a_zone_that_does_not_exist_or_is_impaired_is_named(preflight_aws: ModuleType) -> None:
    states = {"eu-central-1a": "available", "eu-central-1b": "impaired"}
    found = list(
        preflight_aws.zone_findings(["eu-central-1a", "eu-central-1b", "eu-central-1x"], states, "eu-central-1")
    )
    assert len(found) == 2
    assert "eu-central-1b is impaired" in found[0]
    assert "no zone eu-central-1x" in found[1]


def test_a_quota_is_named_with_what_to_do_when_too_little_is_left(preflight_quotas: ModuleType) -> None:
    need = preflight_quotas.Need("vpc", "L-1", "VPCs", "remove what is not used", lambda _: (0, 0))
    assert list(preflight_quotas.finding(need, limit=5, used=4, needed=1)) == []
    assert list(preflight_quotas.finding(need, limit=5, used=6, needed=0)) == [], "nothing more is asked for"
    (finding,) = preflight_quotas.finding(need, limit=5, used=5, needed=1)
    assert finding == (
        "quota L-1: VPCs: 5 allowed, 5 used, 1 more needed; remove what is not used, or ask AWS for more "
        "(aws service-quotas request-service-quota-increase --service-code vpc --quota-code L-1 --desired-value 6)"
    )


@pytest.mark.parametrize(
    ("service", "used", "finding"),
    [
        ("runs", 5.5, None),
        ("runs", 6.0, "6 allowed, 6 used, 0.5 more needed"),
        ("has no task", 3.0, None),
        ("has no task", 3.5, "6 allowed, 3.5 used, 3 more needed"),
        ("has no cluster", 3.5, "6 allowed, 3.5 used, 3 more needed"),
        ("is not counted", None, "2 allowed, 0 used, 3 more needed"),
    ],
)
def test_vcpus_suffice_for_two_generations_of_a_first_deployment_and_for_one_more_task_of_a_running_one(
    preflight_quotas: ModuleType, service: str, used: float | None, finding: str | None
) -> None:
    usage = {"MetricNamespace": "AWS/Usage", "MetricName": "ResourceCount", "MetricDimensions": {"Service": "Fargate"}}
    quota: dict[str, Any] = {"Value": 2.0} if used is None else {"Value": 6.0, "UsageMetric": usage}
    clients = {
        name: boto3.client(name, region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="y")
        for name in ("service-quotas", "ecs", "cloudwatch", "ec2", "elbv2")
    }
    with ExitStack() as stack:
        answers = {name: stack.enter_context(Stubber(client)) for name, client in clients.items()}
        for code in QUOTAS:
            if code == "L-3032A538":
                answers["service-quotas"].add_response("get_service_quota", {"Quota": quota})
            else:
                answers["service-quotas"].add_client_error("get_service_quota", "NoSuchResourceException")
        if used is not None:
            answers["cloudwatch"].add_response("get_metric_statistics", {"Datapoints": [{"Maximum": used}]})
        if service == "has no cluster":
            answers["ecs"].add_client_error("describe_services", "ClusterNotFoundException")
        else:
            running = 3 if service == "runs" else 0
            answers["ecs"].add_response("describe_services", {"services": [{"runningCount": running}]})
        inputs = GOOD | {"network_name": "x", "network_nat": "none", "api_service_desired_count": 3}
        inputs |= {"api_service_maximum_percent": 200, "api_service_cpu": 512}
        found = list(preflight_quotas.quota_findings(inputs, clients.__getitem__))
    assert [text.split(": ")[2].split(";")[0] for text in found] == ([finding] if finding else [])


def test_a_deployment_that_would_leave_the_data_behind_is_refused(preflight_aws: ModuleType) -> None:
    assert list(preflight_aws.table_findings("", "streamify", [])) == []
    assert list(preflight_aws.table_findings("streamify", "streamify", [])) == []
    assert list(preflight_aws.table_findings("streamify", "streamify-restored-1", ["streamify"])) == []
    (finding,) = preflight_aws.table_findings("streamify-restored-1", "streamify", [])
    assert finding.startswith("storage_table: the API works with streamify-restored-1, not with streamify;")


def test_the_playbook_reads_every_role_of_the_site() -> None:
    playbook = (ROOT / "playbooks" / "preflight.yml").read_text()
    listed = re.search(r"__preflight_roles: \[(.*)\]", playbook)
    assert listed is not None
    assert {path.parents[1].name for path in ROOT.glob("roles/*/meta/argument_specs.yml")} <= set(listed[1].split(", "))
    assert yaml.safe_load(playbook)
