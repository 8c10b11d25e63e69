# SPDX-License-Identifier: Apache-2.0
"""Three API processes on ports of their own, each killed (SIGKILL) and started again where it was."""

import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from chaos.platform import ROOT, ChaosError, wait_until
from contract.processes import clean_environment, free_port

_START_SECONDS = 90.0
_LONGEST_UPLOAD = 0.1


@dataclass
class Task:
    """One API process.

    Attributes:
        clock: seconds by which its clock is wrong.
    """

    settings: Mapping[str, str]
    log: Path
    clock: float = 0.0
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, without waiting until it serves."""
        command = [sys.executable, "-m", "streamify_api"]
        if self.clock:
            command = [sys.executable, "-m", "chaos.kills.wrong_clock", str(self.clock)]
        environment = clean_environment() | {"PYTHONPATH": f"{ROOT / 'api/src'}:{ROOT / 'tests'}"} | dict(self.settings)
        environment |= {"STREAMIFY_GRPC_PORT": str(self.port)}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def serves(self) -> bool:
        """Whether its port is open.

        Raises:
            ChaosError: it ended by itself.
        """
        if self.process is None or self.process.poll() is not None:
            raise ChaosError(f"a task ended by itself:\n{self.log.read_text()[-2000:]}")
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def await_serving(self) -> None:
        """Wait until it does."""
        wait_until(self.serves, "the API serves", _START_SECONDS)

    def kill(self) -> None:
        """SIGKILL; nothing is done in an orderly manner."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(30)


class Fleet:
    """Three tasks behind one address; at most two are down at once, mostly none."""

    def __init__(self, settings: Mapping[str, str], folder: Path, clocks: tuple[float, float, float]) -> None:
        self.tasks = [Task(settings, folder / f"task{number}.log", clock) for number, clock in enumerate(clocks)]
        self.kills = 0

    @property
    def target(self) -> str:
        """For gRPC: all of them."""
        return "ipv4:" + ",".join(f"127.0.0.1:{task.port}" for task in self.tasks)

    @contextmanager
    def running(self) -> Iterator["Fleet"]:
        with ExitStack() as stack:
            for task in self.tasks:
                stack.callback(task.kill)
                task.start()
            for task in self.tasks:
                task.await_serving()
            yield self

    def kill_one(self, rng: random.Random, moment: threading.Event) -> None:
        """Kill one when an upload is under way, start it again, and wait until it serves."""
        if not moment.wait(60):
            raise ChaosError("no upload was under way for 60 s.")
        task = rng.choice(self.tasks)
        time.sleep(rng.uniform(0, _LONGEST_UPLOAD))  # strikes at any of its steps, and not always at the first
        task.kill()
        self.kills += 1
        task.start()
        task.await_serving()
