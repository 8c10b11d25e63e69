# SPDX-License-Identifier: Apache-2.0
"""ECS's service scheduler waits for steady, healthy tasks, and replaces those that fail their health checks.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-circuit-breaker.html: a deployment's task counts
once it runs AND its load balancer's and container's checks pass; every deployment, a service's first too, is
IN_PROGRESS until then. https://docs.aws.amazon.com/AmazonECS/latest/developerguide/troubleshoot-service-load-balancers.html:
a task that fails its checks after the grace period is stopped with that reason and replaced.

A task without checks has to run `STEADY_SECONDS`: an image that dies after two seconds must not pass for good.
"""

import logging
import threading
import time
from typing import Any

from ministack.core.responses import new_uuid, request_scope
from ministack.services import ecs

from . import ecs_stopping
from . import ecs_target_health as target_health

STEADY_SECONDS = 5.0
TICK_SECONDS = 0.5
logger = logging.getLogger("ecs")
_reconciling: dict[str, threading.RLock] = {}
_started_at: dict[str, float] = {}


def tick(key: str, service: dict[str, Any]) -> None:
    """Look at every task of one service and do what its state calls for."""
    cluster, name = key.split("/", 1)
    tasks = [
        task
        for task in list(ecs._tasks.values())
        if task.get("group") == f"service:{name}" and task.get("clusterArn") == service["clusterArn"]
    ]
    for task in tasks:
        if task["lastStatus"] == "RUNNING" and task["desiredStatus"] == "RUNNING":
            _judge(key, service, task)
    live = [task for task in tasks if task["lastStatus"] in ecs._PRE_STOP_STATUSES]
    primary = ecs._primary_deployment(service)
    current = [task for task in live if task.get("_deployment_id") == (primary or {}).get("id")]
    rolling = primary is not None and primary.get("rolloutState") == "IN_PROGRESS"
    if len(current) != service["desiredCount"] or (not rolling and len(live) != len(current)):
        ecs._reconcile_service_tasks(cluster, key)
    if rolling:
        ecs._complete_service_deployment(cluster, key)
        if primary and primary.get("rolloutState") == "COMPLETED":
            event(service, "has reached a steady state.")
            event(service, f"(deployment {primary['id']}) deployment completed.")


def _judge(key: str, service: dict[str, Any], task: dict[str, Any]) -> None:
    age = time.monotonic() - _started_at.setdefault(task["taskArn"], time.monotonic())
    groups = target_health.by_target_group(task)
    checked = target_health.has_container_checks(task)
    container = target_health.container_health(task) if checked else "HEALTHY"
    failing = next((arn for arn, state in groups.items() if state == "unhealthy"), None)
    task_id = task["taskArn"].rsplit("/", 1)[-1]
    if (failing or container == "UNHEALTHY") and age > service.get("healthCheckGracePeriodSeconds", 0):
        what = f"ELB health checks in (target-group {failing})" if failing else "container health checks"
        if ecs_stopping.begin_stop(task, f"Task failed {what}", "ServiceSchedulerInitiated"):
            event(service, f"(task {task_id}) failed {what}.")
            ecs._record_service_task_failure(task)
    elif (
        not task.get("_startup_stable")
        and age >= STEADY_SECONDS
        and container == "HEALTHY"
        and all(state == "healthy" for state in groups.values())
    ):
        ecs._record_service_task_healthy(key, task)


def event(service: dict[str, Any], text: str) -> None:
    """Add to the service's events, newest first, of which AWS shows 100."""
    message = f"(service {service['serviceName']}) {text}"
    service["events"].insert(0, {"id": new_uuid(), "createdAt": ecs._iso(), "message": message})
    del service["events"][100:]


def _loop() -> None:
    while True:
        time.sleep(TICK_SECONDS)
        for (account_id, region, key), service in list(ecs._services.all_items()):
            if service.get("status") == "ACTIVE":
                try:
                    with request_scope(account_id, region):
                        tick(key, service)
                except Exception:
                    logger.exception("ECS: looking after service %s failed", key)


def apply() -> None:
    make_deployment, reconcile = ecs._make_deployment, ecs._reconcile_service_tasks
    record_failure, update_service = ecs._record_service_task_failure, ecs._ACTION_MAP["UpdateService"]

    def deployment_in_progress(task_definition: str, desired_count: int, status: str = "PRIMARY") -> dict[str, Any]:
        made: dict[str, Any] = make_deployment(task_definition, desired_count, status)
        reason = f"ECS deployment {made['id']} in progress."
        return {**made, "rolloutState": "IN_PROGRESS", "rolloutStateReason": reason}

    def reconcile_exclusively(cluster: str, key: str) -> None:
        with _reconciling.setdefault(key, threading.RLock()):
            reconcile(cluster, key)

    def failure_with_reason(task: dict[str, Any], **named: Any) -> None:
        service = target_health.service_of(task)
        if service and service.get("status") == "ACTIVE":
            codes = {str(c["exitCode"]) for c in task["containers"] if c.get("exitCode") is not None}
            ended = f" (exit code {', '.join(sorted(codes))})" if codes else ""
            event(service, f"(task {task['taskArn'].rsplit('/', 1)[-1]}) stopped: {task['stoppedReason']}{ended}.")
        record_failure(task, **named)

    def update_tidily(data: dict[str, Any]) -> Any:
        # A deployment that failed is shown until the next one begins.
        cluster = ecs._resolve_cluster_name(data.get("cluster", "default"))
        reference = ecs._resolve_service_ref(data.get("service", ""))
        service = ecs._services.get(f"{cluster}/{reference[0]}") if reference else None
        if service and len(service["deployments"]) > 1:
            kept = [d for d in service["deployments"] if d["status"] == "PRIMARY" or d["rolloutState"] != "FAILED"]
            service["deployments"] = kept
        return update_service(data)

    ecs._make_deployment = deployment_in_progress
    ecs._reconcile_service_tasks = reconcile_exclusively
    ecs._record_service_task_failure = failure_with_reason
    ecs._schedule_service_deployment_completion = lambda *_, **__: None
    ecs._ACTION_MAP["UpdateService"] = update_tidily
    threading.Thread(target=_loop, daemon=True, name="ministack-ecs-scheduler").start()
