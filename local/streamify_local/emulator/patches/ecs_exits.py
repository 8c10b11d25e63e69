# SPDX-License-Identifier: Apache-2.0
"""ECS learns at once that a container ended, and says why in its own words.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html: "Essential container in task
exited". ministack asks docker ten times a second for every task, and whenever somebody describes one; this waits
instead, and in the setting `alb` notices only after a while (`switches.notice_seconds`), as on AWS, where the
balancer's checks may be first. A container that somebody removed has ended too.
"""

import time
from typing import Any

from docker.errors import NotFound
from ministack.core.concurrency import spawn_background
from ministack.core.responses import request_scope
from ministack.services import ecs

from ... import switches

REASON = "Essential container in task exited"
_RETRY_SECONDS = 0.2


_reflect_exit = ecs._maybe_mark_stopped


def watch(task: dict[str, Any], docker_client: Any, account_id: str, region: str) -> None:
    """Follow each container of a running task until the task ends."""

    def follow(docker_id: str) -> None:
        with request_scope(account_id, region):
            while ecs._task_is_active(task["taskArn"], task):
                try:
                    docker_client.api.wait(docker_id, timeout=None)
                except NotFound:
                    time.sleep(switches.notice_seconds())
                    if ecs._mark_task_stopped(task["taskArn"], task, REASON, "EssentialContainerExited", exit_code=137):
                        ecs._cleanup_task_resources(task, None)
                    return
                except Exception:  # noqa: S110 - the engine is restarting: ask again
                    pass
                else:
                    time.sleep(switches.notice_seconds())
                    _reflect_exit(task, docker_client)
                    if not container_is_essential(task, docker_id):
                        return
                time.sleep(_RETRY_SECONDS)

    for docker_id in list(task.get("_docker_ids") or []):
        spawn_background(follow, docker_id, thread_name=f"ministack-ecs-wait-{docker_id[:8]}")


def container_is_essential(task: dict[str, Any], docker_id: str) -> bool:
    ids, essentials = task.get("_docker_ids") or [], task.get("_container_essentials") or []
    index = ids.index(docker_id) if docker_id in ids else len(essentials)
    return index >= len(essentials) or bool(essentials[index])


def apply() -> None:
    mark_task_stopped = ecs._mark_task_stopped

    def mark_stopped(task_arn: str, task: Any, reason: str, *rest: Any, **named: Any) -> bool:
        reason = REASON if reason == "Essential container exited" else reason
        return bool(mark_task_stopped(task_arn, task, reason, *rest, **named))

    ecs._mark_task_stopped = mark_stopped
    ecs._watch_task_lifecycle = watch
    ecs._maybe_mark_stopped = lambda *_: None  # whoever follows the containers decides, nobody who asks
