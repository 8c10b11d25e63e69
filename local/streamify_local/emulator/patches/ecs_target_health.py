# SPDX-License-Identifier: Apache-2.0
"""What the load balancers and docker say of a service's task, for the patches that act on it.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-load-balancing.html.
"""

import importlib
from typing import Any

from ministack.services import ecs

_BALANCER = "streamify_local.emulator.patches.elbv2_target_health"


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
            found[arn] = _health_of(arn, address, int(balancer.get("containerPort", 80))) or "unused"
    return found


def states(task: dict[str, Any]) -> set[str]:
    """The states of the task's targets: initial, healthy, unhealthy, draining, unused."""
    return set(by_target_group(task).values())


def container_health(task: dict[str, Any]) -> str:
    """HEALTHY, UNHEALTHY or UNKNOWN, from the health checks of the task definition's containers."""
    definition = ecs._task_defs.get(ecs._resolve_td_key(task["taskDefinitionArn"])) or {}
    checked = [index for index, c in enumerate(definition.get("containerDefinitions", [])) if c.get("healthCheck")]
    ids = task.get("_docker_ids") or []
    seen = set()
    for index in checked:
        try:
            state = ecs._get_docker().api.inspect_container(ids[index])["State"]["Health"]["Status"].upper()
        except Exception:  # not created yet, or gone: nothing is known
            state = "UNKNOWN"
        seen.add({"STARTING": "UNKNOWN"}.get(state, state))
        task["containers"][index]["healthStatus"] = {"STARTING": "UNKNOWN"}.get(state, state)
    for verdict in ("UNHEALTHY", "UNKNOWN"):
        if verdict in seen or not seen:
            task["healthStatus"] = verdict if seen else "UNKNOWN"
            return str(task["healthStatus"])
    task["healthStatus"] = "HEALTHY"
    return "HEALTHY"


def has_container_checks(task: dict[str, Any]) -> bool:
    definition = ecs._task_defs.get(ecs._resolve_td_key(task["taskDefinitionArn"])) or {}
    return any(container.get("healthCheck") for container in definition.get("containerDefinitions", []))


def _health_of(target_group_arn: str, address: str, port: int) -> str | None:
    try:
        module = importlib.import_module(_BALANCER)
    except ModuleNotFoundError:
        return "healthy"  # nothing checks targets
    state: str | None = module.health_of(target_group_arn, address, port)
    return state
