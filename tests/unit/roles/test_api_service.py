# SPDX-License-Identifier: Apache-2.0
"""What api_service's inputs make of its task definition, capacity and policies; nothing is asked of AWS."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
IMAGE = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/collector@sha256:0"
REPOSITORY = "arn:aws:ecr:eu-central-1:123456789012:repository/collector"
ARN = "arn:aws:elasticloadbalancing:eu-central-1:123456789012"
# What the roles before it say.
OUTPUTS: dict[str, Any] = {
    "project": "streamify",
    "deployment_environment": "unit",
    "aws_region": "eu-central-1",
    "aws_account_id": "123456789012",
    "public_url": "https://api.example.com",
    "image_output": {"image": "api@sha256:0", "repository_arn": "arn:aws:ecr:::repository/api"},
    "ecs_cluster_output": {
        "log_group_name": "/streamify/unit",
        "log_group_arn": "arn:aws:logs:::log-group:/streamify/unit",
    },
    "network_output": {
        "private_subnet_ids": ["a", "b", "c"],
        "security_group_ids": {"tasks": "sg"},
        "ports": {"task_http": 8080, "task_grpc": 9090},
    },
    "load_balancer_output": {
        "http_target_group_arn": f"{ARN}:targetgroup/http/1",
        "grpc_target_group_arn": f"{ARN}:targetgroup/grpc/1",
        "public_arn": f"{ARN}:loadbalancer/app/public/1",
    },
    "storage_output": {"table_name": "t", "table_arn": "arn:t", "upload_bucket": "u", "media_bucket": "m"},
    "cdn_output": {
        "url": "https://cdn.example.com",
        "public_key_id": "K1",
        "distribution_id": "E1",
        "distribution_arn": "arn:aws:cloudfront::123456789012:distribution/E1",
    },
    "secrets_output": {
        "signing_key_arn": "arn:k",
        "signing_key_version_id": "v1",
        "second_signing_key_version_id": "",
        "token_jwks_arn": "arn:j",
        "version": "1",
    },
    "api_service_token_issuer": "https://issuer.example.com",
}
PLAY = [
    {
        "hosts": "localhost",
        "gather_facts": False,
        "tasks": [
            {"import_role": {"name": "api_service"}, "when": False},
            {"include_vars": {"file": f"{ROOT}/roles/api_service/vars/collector.yml"}},
            {
                "copy": {
                    "dest": "{{ playbook_dir }}/made.json",
                    "mode": "0600",
                    "content": "{{ {'containers': __api_service_containers, 'capacity': __api_service_capacity,"
                    " 'container': __api_service_container, 'roles': __api_service_roles} | to_json }}",
                }
            },
        ],
    }
]
Made = Callable[..., dict[str, Any]]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Return what the role makes of inputs."""

    def make(**inputs: Any) -> dict[str, Any]:
        (tmp_path / "play.yml").write_text(yaml.safe_dump(PLAY))
        (tmp_path / "inputs.json").write_text(json.dumps(OUTPUTS | inputs))
        command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", "-c", "local"]
        finished = subprocess.run(
            [*command, str(tmp_path / "play.yml"), "-e", f"@{tmp_path}/inputs.json"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert finished.returncode == 0, finished.stdout + finished.stderr
        return dict(json.loads((tmp_path / "made.json").read_text()))

    return make


def variables(container: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["value"] for each in container["environment"]}


def test_without_choices_there_is_one_container_and_nothing_of_tracing(made: Made) -> None:
    whole = made()
    (api,) = whole["containers"]
    assert not api["depends_on"]
    assert [name for name in variables(api) if name.startswith("OTEL_")] == []
    assert [list(role["policies"]) for role in whole["roles"]] == [
        ["streamify-unit-api-task"],
        ["streamify-unit-api-execution"],
    ]


def test_a_collector_stands_beside_the_api_and_cannot_take_it_along(made: Made) -> None:
    whole = made(
        api_service_collector=True,
        api_service_collector_image=IMAGE,
        api_service_collector_repository_arn=REPOSITORY,
        api_service_collector_trace_ratio=0.25,
        api_service_environment={"OTEL_SERVICE_NAME": "mine", "STREAMIFY_METRICS_PORT": 9101},
    )
    api, collector = whole["containers"]
    told = variables(api)
    assert (told["OTEL_SERVICE_NAME"], told["OTEL_TRACES_SAMPLER_ARG"]) == ("mine", "0.25")
    assert len(told) == len(api["environment"]), "no variable twice"
    assert all(isinstance(value, str) for value in told.values())
    assert api["depends_on"] == [{"container_name": "collector", "condition": "START"}]
    assert [name for name in variables(whole["container"]) if name == "OTEL_EXPORTER_OTLP_ENDPOINT"] == [], (
        "the janitor's"
    )
    assert (collector["image"], collector["essential"], collector["memory"]) == (IMAGE, False, 256)
    assert collector["readonly_root_filesystem"]

    config = json.loads(variables(collector)["AOT_CONFIG_CONTENT"])
    kinds = ("receivers", "processors", "exporters")
    for pipeline in config["service"]["pipelines"].values():
        assert [each for kind in kinds for each in pipeline[kind] if each not in config[kind]] == []
    assert (
        told["OTEL_EXPORTER_OTLP_ENDPOINT"] == f"http://{config['receivers']['otlp']['protocols']['grpc']['endpoint']}"
    )
    (scrape,) = config["receivers"]["prometheus"]["config"]["scrape_configs"]
    assert scrape["static_configs"] == [{"targets": ["127.0.0.1:9101"]}]
    assert config["exporters"]["awsemf"]["log_group_name"] == "/streamify/unit"

    task, execution = whole["roles"]
    assert set(task["policies"]) == {"streamify-unit-api-task", "streamify-unit-api-collector"}
    (pull,) = execution["policies"]["streamify-unit-api-collector-image"]["Statement"]
    assert pull["Resource"] == REPOSITORY


def test_the_collectors_metrics_are_the_apis(made: Made) -> None:
    """Each selector finds a metric, and each dimension is one of its labels."""
    from streamify_api import telemetry_metrics as metrics

    labels: dict[str, set[str]] = {}
    for metric in vars(metrics).values():
        if hasattr(metric, "_labelnames"):
            labels[metric._name] = set(metric._labelnames)
    whole = made(api_service_collector=True, api_service_collector_image=IMAGE)
    config = json.loads(variables(whole["containers"][1])["AOT_CONFIG_CONTENT"])
    for declared in config["exporters"]["awsemf"]["metric_declarations"]:
        for selector in declared["metric_name_selectors"]:
            found = {name: known for name, known in labels.items() if f"{name}_total".startswith(selector[1:])}
            assert found, selector
            for known in found.values():
                assert set(declared["dimensions"][0]) <= known, selector


def test_only_what_is_above_the_least_number_is_spot(made: Made) -> None:
    whole = made(api_service_spot_percent=40, api_service_min_capacity=6)
    assert whole["capacity"] == [
        {"capacity_provider": "FARGATE", "base": 6, "weight": 60},
        {"capacity_provider": "FARGATE_SPOT", "base": 0, "weight": 40},
    ]
