# SPDX-License-Identifier: Apache-2.0
"""Whether this task wants work. Only its own life decides, never a dependency: all tasks would leave at once."""

from enum import Enum


class Phase(Enum):
    """The life of a task."""

    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"


class Readiness:
    """One task's phase. It only moves forward."""

    def __init__(self) -> None:
        self._phase = Phase.STARTING

    @property
    def phase(self) -> Phase:
        """Where the task is in its life."""
        return self._phase

    @property
    def ready(self) -> bool:
        """Whether the task wants work."""
        return self._phase is Phase.READY

    def started(self) -> None:
        """Both servers listen. A task that was told to stop meanwhile stays draining."""
        if self._phase is Phase.STARTING:
            self._phase = Phase.READY

    def drain(self) -> None:
        """Ask for no more work, for good."""
        self._phase = Phase.DRAINING
