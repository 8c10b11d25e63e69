# SPDX-License-Identifier: Apache-2.0
"""What the load balancers and docker say of a service's task, for the patches that act on it.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-load-balancing.html.
"""

from typing import Any

from ministack.services import ecs

from .elbv2_target_health import health_of


def service_of(task: dict[str, Any]) -> dict[str, Any] | None:
    """The service that runs the task, or None for a task of its own."""
    group = task.get("group", "")
    if not group.startswith("service:"):
        return None
    cluster = ecs._cluster_name_from_arn(task["clusterArn"])
    service: dict[str, Any] | None = ecs._services.get(f"{cluster}/{group.split(':', 1)[1]}")
    return service


def by_target_group(task: dict[str, Any]) -> dict[str, str]:
    """Each target group of the task's service, with the state of the task's target there."""
    balancers = (service_of(task) or {}).get("loadBalancers") or []
    address = ecs._task_ip(task)
    found = {}
    for balancer in balancers:
        arn = balancer.get("targetGroupArn")
        if arn and address:
            found[arn] = health_of(arn, address, int(balancer.get("containerPort", 80)))
    return found


def states(task: dict[str, Any]) -> set[str]:
    """The states of the task's targets: initial, healthy, unhealthy, draining, unused."""
    return set(by_target_group(task).values())


def container_health(task: dict[str, Any]) -> str:
    """HEALTHY, UNHEALTHY or UNKNOWN, from the health checks of the task definition's containers."""
    ids = task.get("_docker_ids") or []
    seen = set()
    for index in _checked(task):
        try:
            state = ecs._get_docker().api.inspect_container(ids[index])["State"]["Health"]["Status"].upper()
        except Exception:  # not created yet, or gone: nothing is known
            state = "UNKNOWN"
        task["containers"][index]["healthStatus"] = state = "UNKNOWN" if state == "STARTING" else state
        seen.add(state)
    order = ("UNHEALTHY", "UNKNOWN", "HEALTHY")
    task["healthStatus"] = next((verdict for verdict in order if verdict in seen), "UNKNOWN")
    return str(task["healthStatus"])


def has_container_checks(task: dict[str, Any]) -> bool:
    return bool(_checked(task))


def _checked(task: dict[str, Any]) -> list[int]:
    """The numbers of the containers that have a health check."""
    definition = ecs._task_defs.get(ecs._resolve_td_key(task["taskDefinitionArn"])) or {}
    return [index for index, each in enumerate(definition.get("containerDefinitions", [])) if each.get("healthCheck")]
