# SPDX-License-Identifier: Apache-2.0
"""Fixtures for tests against the platform that `make up` deployed in the environment STREAMIFY_ENV names."""

import json
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import docker
import grpc
import httpx
import pytest
from docker import DockerClient

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = os.environ.get("STREAMIFY_ENV", "test")
STATE = ROOT / ".local" / ENVIRONMENT


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(item.fspath).is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.deployed)


@pytest.fixture(scope="session")
def outputs() -> dict[str, str]:
    """What `make up` wrote for programs: addresses, names and files."""
    path = STATE / "outputs.json"
    if not path.exists():
        pytest.fail(f"{path} does not exist: run `make up STREAMIFY_ENV={ENVIRONMENT}` first")
    result: dict[str, str] = json.loads(path.read_text())
    return result


@pytest.fixture(scope="session")
def cloud(outputs: dict[str, str]) -> dict[str, Any]:
    """The local cloud's own description (its Docker engine, its network)."""
    result: dict[str, Any] = json.loads((STATE / "cloud.json").read_text())
    return result


@pytest.fixture(scope="session")
def artefacts() -> Path:
    """The folder for screenshots and other files worth keeping after a run."""
    path = STATE.parent / "artefacts"
    path.mkdir(parents=True, exist_ok=True)
    return path


@pytest.fixture(scope="session")
def tls(outputs: dict[str, str]) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=outputs["ca_file"])


@pytest.fixture
def http(tls: ssl.SSLContext) -> Iterator[httpx.Client]:
    """A player's HTTP client: trusts the local CA only and keeps cookies."""
    with httpx.Client(verify=tls, timeout=10) as client:
        yield client


@pytest.fixture(scope="session")
def aws(outputs: dict[str, str]) -> Any:
    """Returns a function: service name -> boto3 client of the deployed environment."""
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=outputs["aws_region"])

    def client(service: str) -> Any:
        return session.client(service, endpoint_url=outputs["aws_endpoint_url"])  # type: ignore[call-overload]

    return client


@pytest.fixture(scope="session")
def engine(cloud: dict[str, Any]) -> Iterator[DockerClient]:
    client = docker.DockerClient(base_url=cloud["docker_host"], timeout=60)
    yield client
    client.close()


@pytest.fixture
def channel(outputs: dict[str, str]) -> Iterator[grpc.Channel]:
    """A gRPC channel to the internal balancer, without a token."""
    credentials = grpc.ssl_channel_credentials(Path(outputs["ca_file"]).read_bytes())
    with grpc.secure_channel(outputs["grpc_target"], credentials) as opened:
        yield opened


@pytest.fixture(scope="session")
def streamify(outputs: dict[str, str]) -> Any:
    """Returns a function that runs the CLI as an upload service would and returns the finished process."""

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {
            "STREAMIFY_GRPC_TARGET": outputs["grpc_target"],
            "STREAMIFY_CA_FILE": outputs["ca_file"],
            "STREAMIFY_TOKEN_FILE": outputs["grpc_token_file"],
            "STREAMIFY_PUBLIC_URL": outputs["http_url"],
            **variables,
        }
        command = [str(Path(sys.executable).with_name("streamify")), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, check=False)

    return run
