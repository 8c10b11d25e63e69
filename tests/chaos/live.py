# SPDX-License-Identifier: Apache-2.0
"""What is seen while an experiment runs: one line a second."""

import sys

from chaos.experiment import Run
from chaos.records import Client, chosen, failed, quantile

_SPAN = 5.0  # seconds that the figures look back


def show(run: Run) -> None:
    """Print the line; on a terminal it replaces the one before."""
    text = line(run)
    if sys.stderr.isatty():
        print(f"\r\x1b[2K{text}", end="", file=sys.stderr, flush=True)
    else:
        print(text, file=sys.stderr, flush=True)


def line(run: Run) -> str:
    """Fault, phase, who serves in each zone, failures and latency of the last seconds."""
    result, now = run.result, run.workload.recorder.now()
    records = list(result.records)
    recent = chosen(records, since=now - _SPAN)
    zones = result.health[-1][1].zones if result.health else {}
    serving = " ".join(f"{zone[-1]}:{count}" for zone, count in sorted(zones.items())) or "none"
    lost = " ".join(f"{client} {len(failed(chosen(records, client)))}" for client in Client)
    slow = quantile((record.seconds for record in recent), 0.95) * 1000
    return (
        f"{result.fault.name} {result.mode} {now:5.1f} s {run.phase:10} serving {serving:12}"
        f" last {_SPAN:.0f} s: {len(recent)} answers, p95 {slow:.0f} ms; failed so far: {lost}"
    )


def done() -> None:
    """End the line that was replaced again and again."""
    if sys.stderr.isatty():
        print(file=sys.stderr)
