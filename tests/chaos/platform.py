# SPDX-License-Identifier: Apache-2.0
"""The deployed platform that is broken: its addresses, its tasks as ECS, the balancers and the engine see them."""

import json
import os
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import docker
from streamify_local import environment, issuer, switches
from streamify_local.environment import Environment

ROOT = Path(__file__).resolve().parents[2]
LABEL = "streamify.env"


class ChaosError(Exception):
    """The experiment cannot be made, or proved nothing; the text says what to do."""


@dataclass(frozen=True)
class Task:
    """A task that runs and serves."""

    arn: str
    address: str
    zone: str
    container: Any  # docker's

    @property
    def name(self) -> str:
        """The short id by which people know it."""
        return self.arn.rsplit("/", 1)[-1][:8]


@dataclass(frozen=True)
class Health:
    """Healthy tasks at one moment; a task counts when it is healthy in every target group."""

    zones: dict[str, int]
    whole: bool

    @property
    def tasks(self) -> int:
        """How many."""
        return sum(self.zones.values())


class Platform:
    """What STREAMIFY_ENV deployed.

    Raises:
        ChaosError: nothing is deployed there.
    """

    def __init__(self, name: str | None = None) -> None:
        self.name = name or os.environ.get("STREAMIFY_ENV", environment.DEFAULT_NAME)
        found = environment.load(self.name)
        outputs = ROOT / ".local" / self.name / "outputs.json"
        if found is None or not outputs.exists():
            raise ChaosError(f"nothing is deployed in '{self.name}': run `make up STREAMIFY_ENV={self.name}` first.")
        self.environment: Environment = found
        self.outputs: dict[str, str] = json.loads(outputs.read_text())
        self.tls = ssl.create_default_context(cafile=self.outputs["ca_file"])
        self.engine = docker.DockerClient(base_url=found.docker_host, timeout=60)
        self._session = boto3.Session(
            aws_access_key_id="test", aws_secret_access_key="test", region_name=self.outputs["aws_region"]
        )
        self._clients = threading.local()

    def aws(self, service: str) -> Any:
        """A client of this thread."""
        known: dict[str, Any] = self._clients.__dict__
        if service not in known:
            url = self.outputs["aws_endpoint_url"]
            known[service] = self._session.client(service, endpoint_url=url)  # type: ignore[call-overload]
        return known[service]

    def token(self, tenant: str) -> str:
        """A token of an upload service that belongs to `tenant`."""
        return issuer.token(self.environment, tenant=tenant, seconds=24 * 3600)

    def set_balancer(self, mode: str) -> None:
        """Switch the balancer and wait until it is."""
        switches.set_balancer_mode(self.environment, mode)

    def balancer(self) -> str:
        """The balancer's setting now."""
        return switches.balancer_mode(self.environment.state_dir)

    def service(self) -> dict[str, Any]:
        """DescribeServices' entry."""
        found = self.aws("ecs").describe_services(
            cluster=self.outputs["ecs_cluster"], services=[self.outputs["ecs_service"]]
        )
        result: dict[str, Any] = found["services"][0]
        return result

    def described_tasks(self) -> list[dict[str, Any]]:
        """DescribeTasks of everything that is to run."""
        ecs, cluster = self.aws("ecs"), self.outputs["ecs_cluster"]
        arns = ecs.list_tasks(cluster=cluster, serviceName=self.outputs["ecs_service"])["taskArns"]
        result: list[dict[str, Any]] = ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"] if arns else []
        return result

    def target_states(self) -> dict[str, dict[str, str]]:
        """The state of each target, by target group and address."""
        elbv2 = self.aws("elbv2")
        groups = [group["targetGroupArn"] for group in self.service()["loadBalancers"]]
        return {
            arn: {
                target["Target"]["Id"]: target["TargetHealth"]["State"]
                for target in elbv2.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
            }
            for arn in groups
        }

    def serving(self) -> list[Task]:
        """The tasks that run, are meant to run and are healthy in every target group, by zone."""
        states = self.target_states()
        containers = {self._address(container): container for container in self.containers()}
        found = []
        for task in self.described_tasks():
            address = address_of(task)
            healthy = all(group.get(address) == "healthy" for group in states.values())
            if healthy and task["lastStatus"] == task["desiredStatus"] == "RUNNING" and address in containers:
                found.append(Task(task["taskArn"], address, task["availabilityZone"], containers[address]))
        return sorted(found, key=lambda task: (task.zone, task.address))

    def containers(self) -> list[Any]:
        """The environment's running containers."""
        found: list[Any] = self.engine.containers.list(filters={"label": f"{LABEL}={self.name}"})
        return found

    def health(self) -> Health:
        """Who serves now."""
        states = self.target_states()
        running = [task for task in self.described_tasks() if task["lastStatus"] == "RUNNING"]
        zones: dict[str, int] = {}
        for task in running:
            if all(group.get(address_of(task)) == "healthy" for group in states.values()):
                zones[task["availabilityZone"]] = zones.get(task["availabilityZone"], 0) + 1
        wanted = self.service()["desiredCount"]
        # Targets that still drain do no harm: whole is about who serves.
        return Health(zones, whole=sum(zones.values()) >= wanted)

    def is_settled(self) -> bool:
        """Whether the wanted tasks serve, one deployment is left, and nothing else is registered."""
        service, states = self.service(), self.target_states()
        wanted = service["desiredCount"]
        tasks = self.described_tasks()
        # A deployment that failed is shown until the next one begins.
        deployments = [each for each in service["deployments"] if each["rolloutState"] != "FAILED"]
        return (
            len(deployments) == 1
            and deployments[0]["rolloutState"] == "COMPLETED"
            and len(tasks) == wanted
            and all(sorted(group.values()) == ["healthy"] * wanted for group in states.values())
        )

    def _address(self, container: Any) -> str:
        networks = container.attrs["NetworkSettings"]["Networks"]
        return str((networks.get(self.environment.network) or {}).get("IPAddress", ""))


def address_of(task: dict[str, Any]) -> str:
    """The address of a task as DescribeTasks tells it."""
    for container in task["containers"]:
        for interface in container.get("networkInterfaces") or []:
            return str(interface["privateIpv4Address"])
    return ""


def wait_until(condition: Callable[[], bool], what: str, seconds: float) -> float:
    """Poll until it holds; how long that took, in seconds.

    Raises:
        ChaosError: it did not within `seconds`.
    """
    start = time.monotonic()
    while not condition():
        if time.monotonic() - start > seconds:
            raise ChaosError(f"after {seconds:.0f} s still not: {what}.")
        time.sleep(0.25)
    return time.monotonic() - start
