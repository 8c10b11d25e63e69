# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The outcome of an ECS deployment: completed, or failed and why."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .core.errors import ResourceError

if TYPE_CHECKING:
    from .core.client import Client

EVENTS = 6
TASKS = 5


class Watch:
    """Watches one deployment of a service until its end.

    :param ecs: the ECS client.
    :param cluster: the cluster's name or ARN.
    :param name: the service's name.
    :param find: describes the service; empty when there is none.
    """

    def __init__(self, ecs: Client, cluster: str, name: str, find: Callable[[], dict[str, Any]]) -> None:
        self._ecs = ecs
        self._cluster = cluster
        self._name = name
        self._find = find
        self.deployment = ""  # the id; the primary one's when empty
        self._task_definition = ""
        self._service: dict[str, Any] = {}

    def outcome(self) -> bool:
        """Return whether the deployment is completed and all tasks run.

        :raises ResourceError: when it failed or was taken back.
        """
        self._service = self._find()
        deployments = self._service.get("deployments") or []
        primary: dict[str, Any] = next((item for item in deployments if item.get("status") == "PRIMARY"), {})
        if not self.deployment:
            self.deployment = primary.get("id", "")
        ours: dict[str, Any] = next((item for item in deployments if item.get("id") == self.deployment), {})
        self._task_definition = ours.get("task_definition") or self._task_definition
        if ours.get("rollout_state") == "FAILED":
            raise self.failure("the deployment failed", ours.get("rollout_state_reason") or "")
        if primary and primary.get("id") != self.deployment:
            raise self.failure(
                f"ECS went back to {_short(primary.get('task_definition', ''))}",
                primary.get("rollout_state_reason") or "",
            )
        return bool(
            ours
            and ours.get("rollout_state", "COMPLETED") == "COMPLETED"
            and self._service.get("running_count") == self._service.get("desired_count")
            and not self._service.get("pending_count")
        )

    def failure(self, what: str, reason: str = "") -> ResourceError:
        """Return the error that says what happened and why, as far as ECS tells."""
        events = [str(item.get("message", "")) for item in (self._service.get("events") or [])[:EVENTS]]
        tasks = self._stopped_tasks()
        counts = (
            f"{self._service.get('running_count', 0)} of {self._service.get('desired_count', 0)} tasks run, "
            f"{self._service.get('pending_count', 0)} are pending"
        )
        version = f" of {_short(self._task_definition)}" if self._task_definition else ""
        parts = [f"the ECS service {self._name}{version}: {what}" + (f": {reason}" if reason else ""), counts]
        parts += [_about(task) for task in tasks[:2]]
        parts += [f"events: {' | '.join(events)}"] if events else []
        return ResourceError(
            "; ".join(part.rstrip(".") for part in parts),
            rollout_state_reason=reason,
            stopped_tasks=tasks,
            events=events,
        )

    def _stopped_tasks(self) -> list[dict[str, Any]]:
        """Return the stopped tasks of the deployment, the latest first; ECS keeps them for an hour."""
        arns = self._ecs.get(
            "list_tasks", cluster=self._cluster, service_name=self._name, desired_status="STOPPED"
        ).get("task_arns")
        if not arns:
            return []
        tasks = self._ecs.get("describe_tasks", cluster=self._cluster, tasks=arns[:100]).get("tasks") or []
        same = [task for task in tasks if task.get("task_definition_arn") == self._task_definition]
        same.sort(key=lambda task: str(task.get("stopped_at") or task.get("created_at") or ""), reverse=True)
        return [
            {
                "task_arn": task.get("task_arn", ""),
                "stop_code": task.get("stop_code", ""),
                "stopped_reason": task.get("stopped_reason", ""),
                "containers": [
                    {key: container.get(key) for key in ("name", "exit_code", "reason")}
                    for container in task.get("containers") or []
                ],
            }
            for task in same[:TASKS]
        ]


def _about(task: dict[str, Any]) -> str:
    said = []
    for container in task["containers"]:
        code = "" if container["exit_code"] is None else f" exited with {container['exit_code']}"
        reason = f" ({container['reason']})" if container["reason"] else ""
        if code or reason:
            said.append(f"container {container['name']}{code}{reason}")
    about = f"task {str(task['task_arn']).rpartition('/')[2]} stopped: {task['stopped_reason'] or 'no reason given'}"
    return ", ".join([about, *said])


def _short(arn: str) -> str:
    return arn.rpartition("/")[2]
