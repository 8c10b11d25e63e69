# SPDX-License-Identifier: Apache-2.0
"""The ECS patches: what docker is told of a container definition, and where tasks are put."""

from collections.abc import Iterator
from typing import Any

import pytest
from ministack.services import ec2, ecs
from streamify_local.emulator.patches import ecs_network, ecs_runtime

SUBNETS = {f"subnet-{zone}": f"10.90.{16 * number}.0/20" for number, zone in enumerate("abc", 1)}


@pytest.fixture(autouse=True)
def emptied(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("ECS_NETWORK_CIDR", "10.90.0.0/16")
    monkeypatch.setattr(ecs_network, "_cursors", {})
    for name, cidr in SUBNETS.items():
        zone = f"eu-central-1{name[-1]}"
        ec2._subnets[name] = {"SubnetId": name, "AvailabilityZone": zone, "CidrBlock": cidr}
    yield
    ecs._tasks.clear()
    for name in SUBNETS:
        del ec2._subnets[name]


def start(number: int, deployment: str = "d1", **fields: Any) -> dict[str, Any]:
    task = {
        "taskArn": f"arn:{number}", "group": "service:api", "clusterArn": "c", "_deployment_id": deployment,
        "desiredStatus": "RUNNING", "lastStatus": "RUNNING", "_subnet": list(SUBNETS), **fields,
    }  # fmt: skip
    ecs._tasks[task["taskArn"]] = task
    ecs_network.place(task)
    return task


def test_tasks_of_a_deployment_are_spread_over_the_zones() -> None:
    zones = [start(number)["availabilityZone"][-1] for number in range(6)]
    assert sorted(zones[:3]) == sorted(zones[3:]) == ["a", "b", "c"]


def test_next_deployment_is_spread_too() -> None:
    start(1), start(2)
    assert sorted(start(n, "d2")["availabilityZone"][-1] for n in (3, 4, 5)) == ["a", "b", "c"]


def test_replacement_goes_to_the_zone_that_lost_a_task() -> None:
    tasks = [start(number) for number in range(3)]
    tasks[1]["desiredStatus"] = "STOPPED"
    assert start(4)["availabilityZone"] == tasks[1]["availabilityZone"]


def test_addresses_are_of_the_subnet_and_not_reused_soon() -> None:
    seen = []
    for number in range(20):
        task = start(number, _subnet=["subnet-b"])
        seen.append(task["_address"])
        del ecs._tasks[task["taskArn"]]
    assert seen == [f"10.90.32.{last}" for last in range(4, 24)]


def test_subnet_outside_the_network_leaves_the_address_to_docker() -> None:
    ec2._subnets["subnet-a"]["CidrBlock"] = "172.31.0.0/20"
    assert start(1, _subnet=["subnet-a"])["_address"] is None


def test_container_definition_becomes_docker_arguments() -> None:
    cdef = {
        "user": "10001",
        "readonlyRootFilesystem": True,
        "entryPoint": ["a"],
        "memoryReservation": 64,
        "linuxParameters": {
            "initProcessEnabled": True,
            "capabilities": {"drop": ["ALL"]},
            "tmpfs": [{"containerPath": "/tmp", "size": 16, "mountOptions": ["noexec"]}],
        },
        "healthCheck": {"command": ["CMD", "true"], "interval": 7},
        "ulimits": [{"name": "nofile", "softLimit": 1, "hardLimit": 2}],
    }
    assert ecs_runtime.settings(cdef, {"cpu": "512", "memory": "1024"}) == {
        "user": "10001",
        "read_only": True,
        "entrypoint": ["a"],
        "cpu_shares": 512,
        "mem_limit": "1024m",
        "mem_reservation": "64m",
        "init": True,
        "cap_drop": ["ALL"],
        "tmpfs": {"/tmp": "size=16m,noexec"},
        "ulimits": [{"Name": "nofile", "Soft": 1, "Hard": 2}],
        "healthcheck": {
            "test": ["CMD", "true"], "interval": 7 * 10**9, "timeout": 5 * 10**9, "retries": 3, "start_period": 0,
        },
    }  # fmt: skip


@pytest.mark.parametrize(("cpu", "memory"), [("1024", "2048"), ("1 vCPU", "2 GB")])
def test_task_size_may_have_units(cpu: str, memory: str) -> None:
    assert ecs_runtime.settings({}, {"cpu": cpu, "memory": memory}) == {"cpu_shares": 1024, "mem_limit": "2048m"}


def test_container_that_asks_nothing_gets_nothing() -> None:
    assert ecs_runtime.settings({}, {}) == {}
