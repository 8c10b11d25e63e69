# SPDX-License-Identifier: Apache-2.0
"""How fast the workload may go on this machine: found by a probe before anything is broken."""

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from chaos.platform import ChaosError, Platform
from chaos.records import chosen, failed, quantile
from chaos.workload import Workload
from streamify_local.processes import Supervisor

BUSY_SHARE, BUSY_SHARE_OF_RELEASES = 0.40, 0.25  # of what others leave of the machine; a release needs CPU of its own
PATIENCE_FACTOR, SLOWEST_FACTOR, LEAST_PATIENCE, LONGEST_PATIENCE = 40, 4, 2.0, 10.0
_LEAST_RATE, _MOST_RATE = 2.0, 40.0
_PROBE_RATE, _IDLE_SECONDS, _PROBE_SECONDS = 6.0, 3.0, 8.0
_OWN_SHARE = 0.6  # of one core, for the generator, which is one thread
_LEAST_FREE = 0.1  # cores
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Pace:
    """What the probe found.

    Attributes:
        rate: arrivals a second that keep the wanted share of the free cores busy.
        patience: seconds that a caller waits for one attempt.
        cost: CPU seconds of one arrival, all processes together.
        usual: the median answer, in seconds.
    """

    rate: float
    patience: float
    cost: float
    usual: float


def measure(platform: Platform, share: float = BUSY_SHARE, seed: int = 1) -> Pace:
    """Run a light workload and measure what it costs.

    Raises:
        ChaosError: requests fail although nothing is broken.
    """
    free = free_cores()
    idle = _cost_rate(platform, _IDLE_SECONDS)
    free = max(_LEAST_FREE, (free_cores() - free) / _IDLE_SECONDS)
    workload = Workload(platform, _PROBE_RATE, LONGEST_PATIENCE, seed)
    with workload.running() as recorder:
        time.sleep(2)  # connections are made
        began, own = recorder.now(), time.process_time()
        busy = _cost_rate(platform, _PROBE_SECONDS)
        own = (time.process_time() - own) / _PROBE_SECONDS
        seconds = [record.seconds for record in chosen(recorder.records, since=began)]
    if problems := failed(recorder.records):
        raise ChaosError(f"requests fail before anything is broken: {problems[0].kind}: {problems[0].problem}.")
    # What the environment does by itself is not the arrivals' doing, but unsteady; too little load does no harm.
    cost = max(1e-4, busy - idle, busy / 2) / _PROBE_RATE
    rate = min(share * free / cost, _OWN_SHARE / max(1e-4, own / _PROBE_RATE))
    usual = quantile(seconds, 0.5)
    # Where the machine itself makes some answers slow, callers must wait longer than that, or it is what they see.
    patience = max(LEAST_PATIENCE, PATIENCE_FACTOR * usual, SLOWEST_FACTOR * quantile(seconds, 0.99))
    patience = min(LONGEST_PATIENCE, patience)
    return Pace(min(_MOST_RATE, max(_LEAST_RATE, rate)), patience, cost, usual)


def free_cores() -> float:
    """Seconds for which the machine's cores were idle so far (proc_stat(5))."""
    return int(Path("/proc/stat").read_text().split()[4]) / _TICKS


def _cost_rate(platform: Platform, seconds: float) -> float:
    """CPU seconds a second that the environment and this process use."""
    before = {pid: cpu_seconds(pid) for pid in pids(platform)}
    began = time.monotonic()
    time.sleep(seconds)
    used = sum(cpu_seconds(pid) - cpu for pid, cpu in before.items())
    return max(0.0, used) / (time.monotonic() - began)


def pids(platform: Platform) -> set[int]:
    """The processes of the environment with their children, and this one."""
    supervisor = Supervisor(platform.environment.state_dir)
    roots = {pid for name in supervisor.names() if (pid := supervisor.pid(name)) is not None}
    roots |= {int(container.attrs["State"]["Pid"]) for container in platform.containers()}
    return {os.getpid()} | with_children(roots)


def with_children(roots: Iterable[int]) -> set[int]:
    """The processes with all that they started."""
    found = set()
    waiting = list(roots)
    while waiting:
        pid = waiting.pop()
        found.add(pid)
        with suppress(OSError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                waiting += [int(child) for child in (task / "children").read_text().split()]
    return found


def cpu_seconds(pid: int) -> float:
    """What a process has used so far; 0 for one that is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS
