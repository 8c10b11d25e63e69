# SPDX-License-Identifier: Apache-2.0
"""What a fault is, and what it may use."""

import random
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from chaos.platform import ChaosError, Platform, Task
from chaos.undo import Undo


@dataclass
class Site:
    """Where a fault is made.

    Attributes:
        rng: chooses victims; its seed is the run's.
        rate: arrivals a second.
        patience: seconds that a caller waits for one attempt.
        storage: the address by which uploads reach S3, when a fault stands between.
        notes: what is worth telling in the report, such as who was hit.
        set_rate: changes the workload's arrivals a second, while it runs.
        measured: figures that only this fault takes, by name.
        children: processes that its undo ends, to be waited for.
    """

    platform: Platform
    undo: Undo
    rng: random.Random
    rate: float
    patience: float
    storage: str | None = None
    notes: list[str] = field(default_factory=list)
    set_rate: Callable[[float], None] = lambda _rate: None
    measured: dict[str, float] = field(default_factory=dict)
    children: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def victims(self, count: int = 1) -> list[Task]:
        """Tasks that serve now, chosen by the seed.

        Raises:
            ChaosError: fewer serve, so that the experiment would be another.
        """
        serving = self.platform.serving()
        if len(serving) <= count:
            raise ChaosError(f"only {len(serving)} tasks serve: wait until the platform is whole.")
        chosen = self.rng.sample(serving, count)
        for task in chosen:
            state = self.platform.engine.containers.get(task.container.id).status
            if state != "running":
                raise ChaosError(f"the container of task {task.name} is {state}, not running: nothing would be broken.")
        self.notes.append(", ".join(f"task {task.name} in {task.zone}" for task in chosen))
        return chosen


def nothing(_site: Site) -> None:
    """For a step that a fault does not need."""


@dataclass(frozen=True)
class Fault:
    """One way of breaking the platform.

    Attributes:
        name: by which it is chosen.
        text: what is done, in a few words.
        strike: breaks it; a fault that is a procedure (a release) returns when that is over.
        seconds: how long it stays broken, in the long and in the short form; 0: not at all, or as long as `strike`.
        prepare: done before the workload begins.
        end: done after the time; the journal is undone in any case.
        takes: how many tasks must leave for this to have been a fault; 0 when none has to.
        counts_from: since when the time to full capacity is counted, "strike" or "end".
        is_release: the machine needs CPU for it, so that less load is put on.
    """

    name: str
    text: str
    strike: Callable[[Site], None]
    seconds: float = 0.0
    short_seconds: float = 0.0
    prepare: Callable[[Site], None] = nothing
    end: Callable[[Site], None] = nothing
    takes: int = 0
    counts_from: str = "strike"
    is_release: bool = False


def describe_errors(problems: list[Any]) -> str:
    """Joined for one line."""
    return "; ".join(str(problem) for problem in problems)
