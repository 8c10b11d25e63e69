# SPDX-License-Identifier: Apache-2.0
"""ECS stops a task in order: out of its target groups, drained, SIGTERM, stopTimeout, SIGKILL; the API does not wait.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html: DEACTIVATING (target group
deregistration), STOPPING (SIGTERM, then SIGKILL after StopTimeout, 30 s unless set), DEPROVISIONING, STOPPED. A
service's stopped task is replaced at once (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_services.html).
"""

import time
from typing import Any

from ministack.core.concurrency import resource_lock, spawn_background
from ministack.core.responses import get_account_id, get_region, json_response, request_scope
from ministack.services import ecs, ecs_metadata

from . import ecs_target_health as target_health

DEFAULT_STOP_TIMEOUT_SECONDS = 30
LONGEST_DRAIN_SECONDS = 3600  # the highest deregistration_delay.timeout_seconds
_POLL_SECONDS = 0.25


def begin_stop(task: dict[str, Any], reason: str, code: str) -> bool:
    """Start stopping the task in the background; False if it is stopping already."""
    task_arn = task["taskArn"]
    with resource_lock("ecs-task", task_arn):
        if not ecs._task_is_active(task_arn, task):
            return False
        ecs._bump_task_version(task)
        task.update(desiredStatus="STOPPED", stoppingAt=ecs._iso(), stoppedReason=reason, stopCode=code)
        task["lastStatus"] = "DEACTIVATING"
    ecs_metadata.set_task_status(task_arn, desired_status="STOPPED")
    _refresh(task)
    spawn_background(_finish, task, get_account_id(), get_region(), thread_name=f"ministack-ecs-stop-{task_arn[-8:]}")
    return True


def _finish(task: dict[str, Any], account_id: str, region: str) -> None:
    with request_scope(account_id, region):
        deadline = time.monotonic() + LONGEST_DRAIN_SECONDS
        while "draining" in target_health.states(task) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        task["lastStatus"] = "STOPPING"
        definition = ecs._task_defs.get(ecs._resolve_td_key(task["taskDefinitionArn"])) or {}
        timeouts = [c.get("stopTimeout", DEFAULT_STOP_TIMEOUT_SECONDS) for c in definition["containerDefinitions"]]
        client = ecs._get_docker()
        for index, docker_id in reversed(list(enumerate(task.get("_docker_ids") or []))):
            exit_code = _stop_container(client, docker_id, timeouts[index])
            task["containers"][index].update(lastStatus="STOPPED", exitCode=exit_code)
        task["executionStoppedAt"] = ecs._iso()
        ecs._cleanup_task_resources(task, client)
        with resource_lock("ecs-task", task["taskArn"]):
            for state in ("DEPROVISIONING", "STOPPED"):
                ecs._bump_task_version(task)
                task["lastStatus"] = state
            task["stoppedAt"] = ecs._iso()
            for container in task["containers"]:
                container["lastStatus"] = "STOPPED"
        _refresh(task)


def _stop_container(client: Any, docker_id: str, timeout: int) -> int | None:
    try:
        container = client.containers.get(docker_id)
        container.stop(timeout=timeout)
        return int(container.wait()["StatusCode"])
    except Exception:  # gone already, or the engine is: cleaning up follows either way
        return None


def _refresh(task: dict[str, Any]) -> None:
    cluster = ecs._cluster_name_from_arn(task["clusterArn"])
    ecs._recount_cluster(cluster)
    ecs._refresh_service_state(cluster, task.get("group", ""))


def stop_task(data: dict[str, Any], code: str = "ServiceSchedulerInitiated") -> Any:
    """StopTask, for the scheduler; the API's differs in its code and in asking for a replacement."""
    cluster = ecs._resolve_cluster_name(data.get("cluster", "default"))
    if cluster is None:
        return ecs.error_response_json("ClusterNotFoundException", "Cluster not found.", 400)
    task = ecs._resolve_task(data.get("task", ""), cluster)
    if not task:
        return ecs.error_response_json("InvalidParameterException", "The referenced task was not found.", 400)
    reason = data.get("reason") or "Task stopped by user"
    service = target_health.service_of(task)
    if code == "UserInitiated" or service is None:
        begin_stop(task, reason, code)
        if service:
            ecs._reconcile_service_tasks(cluster, f"{cluster}/{service['serviceName']}")
    else:
        primary = ecs._primary_deployment(service) or {}
        begin_stop(task, f"Scaling activity initiated by (deployment {primary.get('id')})", code)
    return json_response({"task": ecs._sanitize(task)})


def apply() -> None:
    ecs._stop_task = stop_task
    ecs._ACTION_MAP["StopTask"] = lambda data: stop_task(data, "UserInitiated")
