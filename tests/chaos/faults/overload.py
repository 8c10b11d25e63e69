# SPDX-License-Identifier: Apache-2.0
"""Three times the load. The tasks' CPU is capped, so that the generator has headroom: they are full, it is not."""

import time

from chaos.faults.base import Fault, Site
from chaos.pace import cpu_seconds, with_children
from chaos.records import Client, Recorder
from chaos.workload import Workload

_PERIOD, _QUOTA = 50_000, 1_000  # microseconds; the kernel grants no less than 1 ms
_USUAL_SHARE = 0.5  # of the capacity is the usual load, as autoscaling aims for: three times it is more than there is
# An upload's last step was seen to take more than 2 s at a capped task that nothing else kept busy.
_PATIENCE = 6.0
_STEPS, _STEP_SECONDS, _SETTLE_SECONDS = (1.0, 1.5), 6.0, 2.0


def _prepare(site: Site) -> None:
    """Cap the tasks, measure what they then can do at most, and make half of it the usual load."""
    cost, answers = _cost_of_tasks(site)
    tasks = site.platform.serving()
    for task in tasks:
        site.undo.add("full_cpu", container=task.container.id)
        task.container.update(cpu_period=_PERIOD, cpu_quota=_QUOTA)
    arrivals = _QUOTA / _PERIOD * len(tasks) / max(cost, 1e-4)
    site.measured["capacity"] = max(_good_per_second(site, step * arrivals) for step in _STEPS)
    site.rate = _USUAL_SHARE * site.measured["capacity"] / answers
    site.patience = max(site.patience, _PATIENCE)
    site.notes.append(
        f"each task gets {100 * _QUOTA / _PERIOD:.0f} % of a core; together they give"
        f" {site.measured['capacity']:.1f} answers a second at most"
    )


def _cost_of_tasks(site: Site) -> tuple[float, float]:
    """CPU seconds of the tasks for one arrival, and how many answers it gets."""
    roots = [int(task.container.attrs["State"]["Pid"]) for task in site.platform.serving()]
    workload = Workload(site.platform, site.rate, 10.0, 1, site.storage)
    with workload.running() as recorder:
        time.sleep(_SETTLE_SECONDS)
        began = recorder.now()
        before = {pid: cpu_seconds(pid) for pid in with_children(roots)}
        time.sleep(_STEP_SECONDS)
        used = sum(cpu_seconds(pid) - cpu for pid, cpu in before.items())
        ended = recorder.now()
    arrivals = (ended - began) * site.rate
    return used / arrivals, max(1.0, _good(recorder, began, ended) / arrivals)


def _good_per_second(site: Site, rate: float) -> float:
    workload = Workload(site.platform, rate, 10.0, 1, site.storage)
    workload.clients = (Client.PLAIN,)
    with workload.running() as recorder:
        time.sleep(_SETTLE_SECONDS)
        began = recorder.now()
        time.sleep(_STEP_SECONDS)
        ended = recorder.now()
    return _good(recorder, began, ended) / (ended - began)


def _good(recorder: Recorder, began: float, ended: float) -> int:
    return sum(record.problem is None and began <= record.end < ended for record in recorder.records)


def _strike(site: Site) -> None:
    site.set_rate(3 * site.rate)


def _end(site: Site) -> None:
    site.set_rate(site.rate)


FAULTS = (
    Fault(
        "triple_load", "three times the load; the tasks' CPU is capped", _strike, 60, 15,
        prepare=_prepare, end=_end, counts_from="end",
    ),
)  # fmt: skip
