# SPDX-License-Identifier: Apache-2.0
"""The deployed fleet, as AWS reports it."""

from typing import Any

from deployed import fleet


def test_three_tasks_run_in_three_zones(aws: Any, outputs: dict[str, str]) -> None:
    running = [task for task in fleet.tasks(aws, outputs) if task["lastStatus"] == "RUNNING"]
    assert len(running) == 3
    assert len({task["availabilityZone"] for task in running}) == 3
    subnets = {
        detail["value"]
        for task in running
        for attachment in task["attachments"]
        for detail in attachment["details"]
        if detail["name"] == "subnetId"
    }
    described = aws("ec2").describe_subnets(SubnetIds=sorted(subnets))["Subnets"]
    assert {subnet["AvailabilityZone"] for subnet in described} == {task["availabilityZone"] for task in running}


def test_desired_running_and_healthy_counts_agree(aws: Any, outputs: dict[str, str]) -> None:
    service = fleet.service(aws, outputs)
    assert (service["desiredCount"], service["runningCount"], service["pendingCount"]) == (3, 3, 0)
    health = fleet.target_health(aws, outputs)
    assert len(health) == 2, "one target group for HTTP, one for gRPC"
    for group, states in health.items():
        assert states == ["healthy"] * 3, group


def test_the_circuit_breaker_rolls_back(aws: Any, outputs: dict[str, str]) -> None:
    breaker = fleet.service(aws, outputs)["deploymentConfiguration"]["deploymentCircuitBreaker"]
    assert (breaker["enable"], breaker["rollback"]) == (True, True)


def test_the_image_is_deployed_by_digest(aws: Any, outputs: dict[str, str]) -> None:
    definition = aws("ecs").describe_task_definition(taskDefinition=fleet.service(aws, outputs)["taskDefinition"])
    for container in definition["taskDefinition"]["containerDefinitions"]:
        assert "@sha256:" in container["image"]


def test_containers_run_unprivileged_on_a_read_only_root(engine: Any, cloud: dict[str, Any]) -> None:
    containers = [
        container
        for container in engine.containers.list()
        if cloud["docker_network"] in container.attrs["NetworkSettings"]["Networks"]
    ]
    assert len(containers) == 3
    for container in containers:
        assert container.attrs["HostConfig"]["ReadonlyRootfs"]
        assert container.exec_run(["python3", "-c", "import os; print(os.getuid())"]).output.strip() not in {b"", b"0"}
