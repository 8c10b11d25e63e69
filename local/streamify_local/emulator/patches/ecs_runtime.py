# SPDX-License-Identifier: Apache-2.0
"""ECS runs a container as its definition says: user, read-only root, limits, health check, entry point, tmpfs.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html. CPU units become docker's CPU
shares, which weigh only under contention (Fargate's are a ceiling, too low for tests on a small machine). Memory is a
hard limit, as on Fargate.
"""

import os
from typing import Any

from docker.types import Ulimit
from ministack.services import ecs

_NANOSECONDS = 1_000_000_000


def settings(cdef: dict[str, Any], td: dict[str, Any]) -> dict[str, Any]:
    """docker's arguments for what the container definition asks."""
    linux = cdef.get("linuxParameters") or {}
    memory = cdef.get("memory") or _mebibytes(td.get("memory"))
    given = {
        "user": cdef.get("user"),
        "read_only": cdef.get("readonlyRootFilesystem"),
        "entrypoint": cdef.get("entryPoint"),
        "working_dir": cdef.get("workingDirectory"),
        "cpu_shares": max(2, shares) if (shares := cdef.get("cpu") or _cpu_units(td.get("cpu"))) else None,
        "mem_limit": f"{memory}m" if memory else None,
        "mem_reservation": f"{cdef['memoryReservation']}m" if cdef.get("memoryReservation") else None,
        "init": linux.get("initProcessEnabled"),
        "cap_drop": (linux.get("capabilities") or {}).get("drop"),
        "tmpfs": {
            mount["containerPath"]: ",".join([f"size={mount['size']}m", *mount.get("mountOptions", [])])
            for mount in linux.get("tmpfs") or []
        },
        "ulimits": [
            Ulimit(name=limit["name"], soft=limit["softLimit"], hard=limit["hardLimit"])
            for limit in cdef.get("ulimits") or []
        ],
        "healthcheck": _health_check(cdef.get("healthCheck")),
    }
    return {name: value for name, value in given.items() if value}


def _health_check(check: dict[str, Any] | None) -> dict[str, Any] | None:
    if not check:
        return None
    return {
        "test": check["command"],
        "interval": check.get("interval", 30) * _NANOSECONDS,
        "timeout": check.get("timeout", 5) * _NANOSECONDS,
        "retries": check.get("retries", 3),
        "start_period": check.get("startPeriod", 0) * _NANOSECONDS,
    }


def _cpu_units(task_cpu: str | None) -> int:
    text = str(task_cpu or 0)
    return int(float(text.removesuffix(" vCPU")) * 1024) if text.endswith(" vCPU") else int(text)


def _mebibytes(task_memory: str | None) -> int:
    text = str(task_memory or 0)
    return int(float(text.removesuffix(" GB")) * 1024) if text.endswith(" GB") else int(text)


def apply() -> None:
    build_run_kwargs = ecs._build_run_kwargs
    labels = dict(pair.split("=", 1) for pair in os.environ.get("ECS_CONTAINER_LABELS", "").split(",") if pair)

    def complete_kwargs(cdef: dict[str, Any], td: dict[str, Any], *rest: Any) -> dict[str, Any]:
        kwargs: dict[str, Any] = build_run_kwargs(cdef, td, *rest)
        kwargs.update(settings(cdef, td))
        kwargs["labels"].update({**(cdef.get("dockerLabels") or {}), **labels})
        # A volume without a source is an empty one that lives and dies with the task.
        hosted = {volume["name"] for volume in td.get("volumes") or [] if (volume.get("host") or {}).get("sourcePath")}
        empty = [m["containerPath"] for m in cdef.get("mountPoints") or [] if m["sourceVolume"] not in hosted]
        if empty:
            kwargs["volumes"] = [*kwargs.get("volumes", []), *empty]
        return kwargs

    ecs._build_run_kwargs = complete_kwargs
