# SPDX-License-Identifier: Apache-2.0
"""What was broken is mended whatever happens: each undo is written to a journal before the damage is done.

It runs when the fault is over, when the suite is interrupted (SIGINT, SIGTERM, the interpreter's end), and, when the
suite was killed, as the first thing of the next run or of `make down`.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import docker
from chaos.platform import ROOT, Platform
from docker.errors import APIError, DockerException, NotFound
from streamify_local import environment, switches
from streamify_local.environment import Environment
from streamify_local.processes import LocalCloudError, Stat

SCOPES = ("fault", "prepared", "run")  # in this order: the run's is undone last


class Undo:
    """A journal of one environment.

    Args:
        scope: tells what is undone after the fault's time from what was prepared for it and what the run changed.
    """

    def __init__(self, env: Environment, scope: str = "fault") -> None:
        self._env = env
        self._path = env.state_dir / f"chaos-undo-{scope}.jsonl"

    def add(self, action: str, **arguments: Any) -> None:
        """Promise that `action` (a key of ACTIONS) will be done; call it before the damage."""
        if action not in ACTIONS:
            raise KeyError(action)
        with self._path.open("a") as file:
            file.write(json.dumps([action, arguments]) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def run(self) -> list[str]:
        """Do all that was promised, the last first; returns what did not work, in words. Can be repeated."""
        problems = []
        for action, arguments in reversed(self.pending()):
            try:
                ACTIONS[action](self._env, **arguments)
            except (DockerException, LocalCloudError, OSError, subprocess.SubprocessError) as error:
                problems.append(f"{action} {arguments}: {error}")
        self._path.unlink(missing_ok=True)
        return problems

    def pending(self) -> list[tuple[str, dict[str, Any]]]:
        """What was promised and not done yet; a line that was only half written was no promise."""
        found = []
        with suppress(FileNotFoundError):
            for line in self._path.read_text().splitlines():
                with suppress(ValueError):
                    action, arguments = json.loads(line)
                    found.append((str(action), dict(arguments)))
        return found


def _container(env: Environment, container: str, act: Callable[[Any], None]) -> None:
    engine = docker.DockerClient(base_url=env.docker_host, timeout=60)
    try:
        act(engine.containers.get(container))
    except NotFound:
        pass  # ECS replaced it
    except APIError as error:
        if error.status_code not in {409, 500}:  # it is not paused, or is being removed
            raise
    finally:
        engine.close()


def _unpause(env: Environment, container: str) -> None:
    _container(env, container, lambda found: found.unpause())


def _full_cpu(env: Environment, container: str) -> None:
    _container(env, container, lambda found: found.update(cpu_quota=-1))


def _remove_image(env: Environment, reference: str) -> None:
    engine = docker.DockerClient(base_url=env.docker_host, timeout=60)
    with suppress(NotFound, APIError):
        engine.images.remove(reference, force=True)
    engine.close()


def _remove_rule(_env: Environment, table: str, chain: str, rule: list[str]) -> None:
    while iptables("-t", table, "-C", chain, *rule):
        iptables("-t", table, "-D", chain, *rule)


def iptables(*arguments: str) -> bool:
    """Run iptables; whether it succeeded."""
    command = ["iptables", "--wait", *arguments]
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    return subprocess.run(command, capture_output=True, env={**os.environ, "PATH": path}, check=False).returncode == 0


def _end_process(_env: Environment, pid: int, start_time: int) -> None:
    current = Stat.of(pid)
    if current and current.start_time == start_time:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


def _all_zones(env: Environment) -> None:
    switches.set_impaired_zones(env.state_dir, ())


def _balancer(env: Environment, mode: str) -> None:
    switches.set_balancer_mode(env, mode)


def _deploy(env: Environment, task_definition: str) -> None:
    """Back to a task definition, unless the service is on it."""
    platform = Platform(env.name)
    if platform.service()["taskDefinition"] != task_definition:
        cluster, service = platform.outputs["ecs_cluster"], platform.outputs["ecs_service"]
        platform.aws("ecs").update_service(cluster=cluster, service=service, taskDefinition=task_definition)


ACTIONS: dict[str, Callable[..., None]] = {
    "unpause": _unpause,
    "full_cpu": _full_cpu,
    "remove_image": _remove_image,
    "remove_rule": _remove_rule,
    "end_process": _end_process,
    "all_zones": _all_zones,
    "balancer": _balancer,
    "deploy": _deploy,
}


def replay(name: str) -> int:
    """Undo what a killed run left in the environment; how many things that was.

    Raises:
        SystemExit: something could not be undone.
    """
    env = environment.load(name)
    if env is None or not (ROOT / ".local" / name).is_dir():
        return 0
    journals = [Undo(env, scope) for scope in SCOPES]
    count = sum(len(journal.pending()) for journal in journals)
    if problems := [problem for journal in journals for problem in journal.run()]:
        sys.exit("could not undo what an interrupted run broke:\n" + "\n".join(problems))
    return count
