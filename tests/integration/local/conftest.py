# SPDX-License-Identifier: Apache-2.0
"""A local cloud of the tests' own, with a VPC of three zones and an image in its registry."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from streamify_local import base_image, engine, environment

ENVIRONMENT = f"lt{os.getpid() % 1_000_000}"  # another checkout may run these tests at the same time
ZONES = ("eu-central-1a", "eu-central-1b", "eu-central-1c")


def eventually(condition: Callable[[], Any], seconds: float = 60) -> Any:
    """The condition's first true answer; fails the test when there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        if answer := condition():
            return answer
        assert time.monotonic() < deadline, f"not within {seconds} s: {condition}"
        time.sleep(0.1)


def command(name: str, env: str = ENVIRONMENT, **variables: str) -> dict[str, Any]:
    """Run the local cloud's command line and return what it printed."""
    arguments = [sys.executable, "-m", "streamify_local", name, "--env", env]
    variables = {**os.environ, "PYTHONPATH": str(environment.ROOT / "local"), **variables}
    done = subprocess.run(arguments, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@dataclass(frozen=True)
class Cloud:
    """What the tests talk to."""

    environment: environment.Environment
    docker: Any
    ecs: Any
    elbv2: Any
    autoscaling: Any
    vpc_id: str
    subnets: dict[str, str]
    image: str


@pytest.fixture(scope="session")
def local_environment() -> Iterator[environment.Environment]:
    try:
        command("up")
        env = environment.load(ENVIRONMENT)
        assert env is not None
        yield env
    finally:
        command("down")


@pytest.fixture(scope="session")
def cloud(local_environment: environment.Environment) -> Iterator[Cloud]:
    env = local_environment
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=environment.REGION)

    def client(service: str) -> Any:
        return session.client(service, endpoint_url=env.endpoint)  # type: ignore[call-overload]

    docker = engine.client(env.docker_host)
    base = base_image.ensure(docker)
    repository = client("ecr").create_repository(repositoryName="base")["repository"]["repositoryUri"]
    docker.images.get(base["tag"]).tag(repository, "1")
    docker.images.push(repository, "1")
    (pushed,) = client("ecr").describe_images(repositoryName="base")["imageDetails"]

    ec2 = client("ec2")
    vpc_id = ec2.create_vpc(CidrBlock=env.cidr)["Vpc"]["VpcId"]
    first_two = env.cidr.removesuffix(".0.0/16")
    subnets = {}
    for number, zone in enumerate(ZONES, 1):
        made = ec2.create_subnet(VpcId=vpc_id, CidrBlock=f"{first_two}.{16 * number}.0/20", AvailabilityZone=zone)
        subnets[zone] = made["Subnet"]["SubnetId"]
    yield Cloud(
        env,
        docker,
        client("ecs"),
        client("elbv2"),
        client("application-autoscaling"),
        vpc_id,
        subnets,
        f"{repository}@{pushed['imageDigest']}",
    )
    docker.close()
