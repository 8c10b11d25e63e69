# SPDX-License-Identifier: Apache-2.0
"""Background processes of one environment: started detached, found again by pid and start time, stopped and awaited."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

# The process writes its own record before it becomes the program, so no moment exists in which it runs unrecorded.
_SHIM = 'read -r stat < /proc/$$/stat && printf "%s\\n" "$stat" > "$0" && exec "$@"'
_POLL_SECONDS = 0.05
_OUR_PACKAGES = str(Path(__file__).resolve().parents[1])  # for those that run `python -m streamify_local...`


class LocalCloudError(Exception):
    """Something a person must put right; the text is one clear sentence (and perhaps a log's tail)."""


@dataclass(frozen=True)
class Process:
    """A program to keep running.

    `ready` is polled until it answers True or `timeout` seconds have passed. A change of command, environment or
    `version` (anything else the process depends on, such as the hash of a configuration) restarts it.
    """

    name: str
    command: Sequence[str]
    environment: dict[str, str] = field(default_factory=dict)
    ready: Callable[[], bool] = lambda: True
    timeout: float = 30.0
    version: str = ""


@dataclass(frozen=True)
class Stat:
    """What /proc/<pid>/stat says (proc_pid_stat(5)); `start_time` is in clock ticks since boot."""

    pid: int
    state: str
    session: int
    start_time: int

    @classmethod
    def parse(cls, text: str) -> "Stat | None":
        head, _, tail = text.rpartition(") ")
        fields = tail.split()
        try:
            return cls(int(head.split(" ", 1)[0]), fields[0], int(fields[3]), int(fields[19]))
        except (IndexError, ValueError):
            return None

    @classmethod
    def of(cls, pid: int) -> "Stat | None":
        """The process's present state, or None when it is gone."""
        try:
            return cls.parse(Path(f"/proc/{pid}/stat").read_text())
        except OSError:
            return None


def boot_id() -> str:
    """What tells this boot of the machine from others: start times count from it."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


class Supervisor:
    """Starts and stops the processes recorded under one directory."""

    def __init__(self, state_dir: Path) -> None:
        self.records = state_dir / "run"
        self.logs = state_dir / "log"

    def ensure(self, processes: Sequence[Process]) -> bool:
        """Start what does not run (or runs differently), wait until all are ready; True if anything was started.

        Raises:
            LocalCloudError: a process ended or was not ready in time; the message ends with its log's tail.
        """
        started = {process.name: child for process in processes if (child := self._start(process))}
        for process in processes:
            self._await_ready(process, started.get(process.name))
        return bool(started)

    def pid(self, name: str) -> int | None:
        """The live process's id, or None."""
        recorded = self._recorded(name)
        current = Stat.of(recorded.pid) if recorded else None
        if recorded and current and current.start_time == recorded.start_time and current.state not in "ZX":
            return recorded.pid
        return None

    def names(self) -> Iterator[str]:
        """The recorded processes, running or not, the latest started first."""
        records = sorted(self.records.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
        return (path.stem for path in records)

    def stop(self, name: str, grace: float = 10.0) -> None:
        """TERM, then KILL after `grace` seconds; returns when the process and its session's other members are gone."""
        pid = self.pid(name)
        if pid:
            os.kill(pid, signal.SIGTERM)
            wait_until(lambda: self.pid(name) is None, grace)
        self._kill_session(name)
        for suffix in ("stat", "json"):
            (self.records / f"{name}.{suffix}").unlink(missing_ok=True)

    def stop_all(self) -> None:
        """Stop every recorded process, all at the same time, and those whose records were lost."""
        names = list(self.names())
        for name in names:
            if pid := self.pid(name):
                os.kill(pid, signal.SIGTERM)
        for name in names:
            self.stop(name)
        for pid in self._writers():
            _kill(pid)
        wait_until(lambda: not self._writers(), 5)

    def sweep(self) -> None:
        """Kill what dead processes left running: their sessions' members; when none lives, all that still log here."""
        dead = [name for name in self.names() if self.pid(name) is None]
        for name in dead:
            self._kill_session(name)
        if len(dead) == len(list(self.names())):
            for pid in self._writers():
                _kill(pid)
            wait_until(lambda: not self._writers(), 5)

    def log_tail(self, name: str, lines: int = 15) -> str:
        """The end of a process's log, for error messages."""
        try:
            return "\n".join((self.logs / f"{name}.log").read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""

    def _recorded(self, name: str) -> Stat | None:
        """What a process of this boot recorded of itself."""
        try:
            same_boot = json.loads((self.records / f"{name}.json").read_text())["boot"] == boot_id()
            return Stat.parse((self.records / f"{name}.stat").read_text()) if same_boot else None
        except (OSError, ValueError, KeyError):
            return None

    def _start(self, process: Process) -> "subprocess.Popen[bytes] | None":
        wanted = {"command": list(process.command), "environment": process.environment, "version": process.version}
        record = self.records / f"{process.name}.json"
        if self.pid(process.name):
            if json.loads(record.read_text())["wanted"] == wanted:
                return None
            self.stop(process.name)
        self._kill_session(process.name)
        self.records.mkdir(parents=True, exist_ok=True)
        self.logs.mkdir(parents=True, exist_ok=True)
        stat = self.records / f"{process.name}.stat"
        stat.unlink(missing_ok=True)
        record.write_text(json.dumps({"boot": boot_id(), "wanted": wanted}))
        with (self.logs / f"{process.name}.log").open("wb") as log:
            return subprocess.Popen(
                ["/bin/sh", "-c", _SHIM, str(stat), *process.command],
                env={**os.environ, "PYTHONPATH": _OUR_PACKAGES, **process.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _await_ready(self, process: Process, child: "subprocess.Popen[bytes] | None") -> None:
        def ended() -> bool:
            return child.poll() is not None if child else self.pid(process.name) is None

        def ready() -> bool:
            return self.pid(process.name) is not None and process.ready()

        if wait_until(lambda: ended() or ready(), process.timeout) and not ended():
            return
        problem = "ended while starting" if ended() else f"was not ready after {process.timeout:.0f} s"
        tail = self.log_tail(process.name)
        self.stop(process.name)
        raise LocalCloudError(f"{process.name} {problem}:\n{tail}")

    def _kill_session(self, name: str) -> None:
        """Kill what a dead or stubborn process left in the session it led (its children)."""
        recorded = self._recorded(name)
        leader = Stat.of(recorded.pid) if recorded else None
        if recorded is None or (leader and leader.start_time != recorded.start_time):
            return  # the id is another process's by now

        def members() -> list[int]:
            stats = (Stat.of(int(path.name)) for path in Path("/proc").iterdir() if path.name.isdigit())
            return [s.pid for s in stats if s and s.session == recorded.pid and s.state not in "ZX"]

        for pid in members():
            _kill(pid)
        wait_until(lambda: not members(), 5)

    def _writers(self) -> list[int]:
        """The live processes that still write to this supervisor's logs."""
        found = []
        for path in Path("/proc").iterdir():
            with suppress(OSError):  # it ended meanwhile, or is another user's
                if path.name.isdigit() and (path / "fd" / "1").readlink().is_relative_to(self.logs):
                    found.append(int(path.name))
        return found


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether the condition came true within that time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True
