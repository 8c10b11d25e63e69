# SPDX-License-Identifier: Apache-2.0
"""ECS keeps every field of a service, and starts a deployment when one that decides how tasks run has changed.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html (defaults) and
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_UpdateService.html (which fields trigger a deployment).
"""

import json
from typing import Any

from ministack.core.responses import json_response
from ministack.services import ecs

KEPT = (
    "availabilityZoneRebalancing",
    "enableECSManagedTags",
    "placementConstraints",
    "placementStrategy",
    "propagateTags",
    "serviceRegistries",
)
TRIGGERS = ("loadBalancers", "networkConfiguration", "platformVersion", "serviceRegistries")
DEPLOYMENT_DEFAULTS = {
    "maximumPercent": 200,
    "minimumHealthyPercent": 100,
    "deploymentCircuitBreaker": {"enable": False, "rollback": False},
    "strategy": "ROLLING",
    "bakeTimeInMinutes": 0,
}


def apply() -> None:
    create, update = ecs._ACTION_MAP["CreateService"], ecs._ACTION_MAP["UpdateService"]

    def create_whole(data: dict[str, Any]) -> Any:
        data = {"availabilityZoneRebalancing": "ENABLED", **data}
        data["deploymentConfiguration"] = {**DEPLOYMENT_DEFAULTS, **(data.get("deploymentConfiguration") or {})}
        if data.get("launchType") == "FARGATE":
            data = {"platformVersion": "LATEST", "platformFamily": "Linux", **data}
        return _with_kept(create(data), data)

    def update_whole(data: dict[str, Any]) -> Any:
        service = _find(data.get("cluster", "default"), data.get("service", ""))
        if service and any(field in data and data[field] != service.get(field) for field in TRIGGERS):
            data = {**data, "forceNewDeployment": True}
        if service and "deploymentConfiguration" in data:
            merged = {**service["deploymentConfiguration"], **data["deploymentConfiguration"]}
            data = {**data, "deploymentConfiguration": merged}
        return _with_kept(update(data), data)

    ecs._ACTION_MAP["CreateService"] = create_whole
    ecs._ACTION_MAP["UpdateService"] = update_whole


def _find(cluster: str, reference: str) -> dict[str, Any] | None:
    found = ecs._resolve_service_ref(reference)
    service: dict[str, Any] | None = ecs._services.get(
        f"{ecs._resolve_cluster_name(cluster)}/{found[0]}" if found else ""
    )
    return service


def _with_kept(response: Any, data: dict[str, Any]) -> Any:
    status, _, body = response
    if status != 200:
        return response
    service = _find(data.get("cluster", "default"), json.loads(body)["service"]["serviceArn"])
    assert service is not None  # noqa: S101 - it was just written
    service.update({field: data[field] for field in KEPT if field in data})
    return json_response({"service": ecs._sanitize(service)})
