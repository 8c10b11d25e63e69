# SPDX-License-Identifier: Apache-2.0
"""Tasks that die, hang, are stopped, or get too little CPU."""

from chaos.faults.base import Fault, Site
from chaos.platform import ChaosError, wait_until

_KILLS = 30
_STARVED_QUOTA = 3000  # microseconds of CPU in each 100,000


def _kill(site: Site, count: int) -> None:
    for task in site.victims(count):
        task.container.kill()


def _kill_again_and_again(site: Site) -> None:
    """One after another: each has to be gone and replaced before the next."""
    for _ in range(_KILLS):
        (task,) = site.victims()
        site.notes.pop()
        task.container.kill()
        wait_until(lambda gone=task.arn: _is_gone(site, gone), "the killed task is noticed", 60)  # type: ignore[misc]
        wait_until(lambda: site.platform.health().whole, "its replacement serves", 120)
    site.notes.append(f"{_KILLS} tasks were killed, each once the last one was replaced")


def _hang(site: Site) -> None:
    (task,) = site.victims()
    site.undo.add("unpause", container=task.container.id)
    task.container.pause()


def _drain(site: Site) -> None:
    """What ECS does to a task that it stops: out of the target groups, SIGTERM, SIGKILL after the time-out."""
    (task,) = site.victims()
    cluster = site.platform.outputs["ecs_cluster"]
    site.platform.aws("ecs").stop_task(cluster=cluster, task=task.arn, reason="chaos: drained")
    wait_until(lambda: _is_gone(site, task.arn), "the stopped task is gone", 90)


def _is_gone(site: Site, arn: str) -> bool:
    cluster = site.platform.outputs["ecs_cluster"]
    found = site.platform.aws("ecs").describe_tasks(cluster=cluster, tasks=[arn])["tasks"]
    return not found or found[0]["lastStatus"] == "STOPPED"


def _roll(site: Site) -> None:
    """Every task replaced by a rolling deployment of the same revision."""
    platform = site.platform
    before = {task.arn for task in platform.serving()}
    platform.aws("ecs").update_service(
        cluster=platform.outputs["ecs_cluster"], service=platform.outputs["ecs_service"], forceNewDeployment=True
    )
    wait_until(platform.is_settled, "the rolling deployment is over", 240)
    if kept := before & {task.arn for task in platform.serving()}:
        raise ChaosError(f"{len(kept)} tasks were not replaced: {platform.service()['events'][0]['message']}")


def _starve(site: Site) -> None:
    (task,) = site.victims()
    site.undo.add("full_cpu", container=task.container.id)
    task.container.update(cpu_period=100_000, cpu_quota=_STARVED_QUOTA)


FAULTS = (
    Fault("task_killed", "one of three tasks is killed (SIGKILL)", lambda site: _kill(site, 1), takes=1),
    Fault("task_hung", "one of three tasks hangs: paused, connections stay open", _hang, 60, 30, takes=1),
    Fault("task_drained", "ECS stops one task", _drain, takes=0),
    Fault("tasks_rolled", "every task is replaced by a rolling deployment", _roll, is_release=True),
    Fault("two_tasks_killed", "two of three tasks are killed at once", lambda site: _kill(site, 2), takes=2),
    Fault("task_kills", f"{_KILLS} tasks are killed, one after another", _kill_again_and_again, takes=1),
    Fault("slow_task", "one task gets 3 % of a core", _starve, 30, 10),
)
