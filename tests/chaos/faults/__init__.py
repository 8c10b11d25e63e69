# SPDX-License-Identifier: Apache-2.0
"""Every fault by its name, in the order in which they are made."""

from chaos.faults import dependencies, network, overload, releases, tasks
from chaos.faults.base import Fault, Site

_ORDER = (
    "task_killed", "task_hung", "zone_loss", "task_drained", "tasks_rolled", "keys_rotated", "release_under_load",
    "broken_release", "dynamodb_down", "dynamodb_throttled", "triple_load", "two_tasks_killed", "slow_task",
    "target_unhealthy", "s3_5xx", "task_kills", "dependency_stalled",
)  # fmt: skip
_ALL = {
    fault.name: fault
    for fault in (*tasks.FAULTS, *network.FAULTS, *dependencies.FAULTS, *releases.FAULTS, *overload.FAULTS)
}
FAULTS: dict[str, Fault] = {name: _ALL[name] for name in _ORDER}

__all__ = ["FAULTS", "Fault", "Site"]
