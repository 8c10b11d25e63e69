# SPDX-License-Identifier: Apache-2.0
"""Questions about the fleet, asked of AWS's APIs."""

import time
from collections.abc import Callable
from typing import Any


def service(aws: Any, outputs: dict[str, str]) -> dict[str, Any]:
    answer = aws("ecs").describe_services(cluster=outputs["ecs_cluster"], services=[outputs["ecs_service"]])
    result: dict[str, Any] = answer["services"][0]
    return result


def tasks(aws: Any, outputs: dict[str, str], status: str = "RUNNING") -> list[dict[str, Any]]:
    ecs = aws("ecs")
    arns = ecs.list_tasks(cluster=outputs["ecs_cluster"], serviceName=outputs["ecs_service"], desiredStatus=status)[
        "taskArns"
    ]
    if not arns:
        return []
    result: list[dict[str, Any]] = ecs.describe_tasks(cluster=outputs["ecs_cluster"], tasks=arns)["tasks"]
    return result


def target_health(aws: Any, outputs: dict[str, str]) -> dict[str, list[str]]:
    """The states of the targets of each target group the service registers in, by the group's ARN."""
    elbv2 = aws("elbv2")
    return {
        group["targetGroupArn"]: [
            target["TargetHealth"]["State"]
            for target in elbv2.describe_target_health(TargetGroupArn=group["targetGroupArn"])[
                "TargetHealthDescriptions"
            ]
        ]
        for group in service(aws, outputs)["loadBalancers"]
    }


def is_whole(aws: Any, outputs: dict[str, str], count: int = 3) -> bool:
    """Whether `count` tasks run and all of them are healthy in every target group, with nothing else registered."""
    running = [task for task in tasks(aws, outputs) if task["lastStatus"] == "RUNNING"]
    health = target_health(aws, outputs)
    return len(running) == count and all(states == ["healthy"] * count for states in health.values())


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 60) -> float:
    """Polls until `condition` holds and returns how long that took, in seconds; raises TimeoutError after `seconds`."""
    start = time.monotonic()
    while not condition():
        if time.monotonic() - start > seconds:
            raise TimeoutError(f"after {seconds:.0f} s still not: {what}")
        time.sleep(0.2)
    return time.monotonic() - start
