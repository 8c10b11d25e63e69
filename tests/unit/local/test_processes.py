# SPDX-License-Identifier: Apache-2.0
"""Background processes are started once, found again, restarted when needed, and stopped with all they started."""

import json
import os
import shutil
import signal
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamify_local.processes import LocalCloudError, Process, Stat, Supervisor

SLEEPER = ["/bin/sleep", "60"]


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    made = Supervisor(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # children outlive whoever starts them: that is the point
        yield made
        made.stop_all()


def pid_of(supervisor: Supervisor, name: str = "one") -> int:
    pid = supervisor.pid(name)
    assert pid is not None
    return pid


def test_ensure_starts_once_and_leads_its_own_session(supervisor: Supervisor) -> None:
    assert supervisor.ensure([Process("one", SLEEPER)])
    pid = pid_of(supervisor)
    assert os.getsid(pid) == pid
    assert not supervisor.ensure([Process("one", SLEEPER)])
    assert pid_of(supervisor) == pid


def pid_of_record(supervisor: Supervisor, name: str = "one") -> int:
    return int((supervisor.records / f"{name}.stat").read_text().split()[0])


@pytest.mark.parametrize(
    "changed",
    [
        Process("one", ["/bin/sleep", "61"]),
        Process("one", SLEEPER, environment={"A": "b"}),
        Process("one", SLEEPER, version="2"),
    ],
)
def test_ensure_restarts_what_should_run_differently(supervisor: Supervisor, changed: Process) -> None:
    supervisor.ensure([Process("one", SLEEPER)])
    before = pid_of(supervisor)
    assert supervisor.ensure([changed])
    assert pid_of(supervisor) != before
    assert Stat.of(before) is None or Stat.of(before).state == "Z"  # type: ignore[union-attr]


def test_ensure_restarts_what_died(supervisor: Supervisor) -> None:
    supervisor.ensure([Process("one", SLEEPER)])
    before = pid_of(supervisor)
    os.kill(before, signal.SIGKILL)
    os.waitpid(before, 0)
    assert supervisor.pid("one") is None
    assert supervisor.ensure([Process("one", SLEEPER)])
    assert pid_of(supervisor) != before


def test_failed_start_tells_the_logs_end(supervisor: Supervisor) -> None:
    failing = Process("one", [sys.executable, "-c", "raise SystemExit('the reason')"], ready=lambda: False)
    with pytest.raises(LocalCloudError, match="one ended while starting:\nthe reason"):
        supervisor.ensure([failing])
    assert list(supervisor.names()) == []


def test_process_that_is_never_ready_is_stopped(supervisor: Supervisor) -> None:
    with pytest.raises(LocalCloudError, match="was not ready after 0 s"):
        supervisor.ensure([Process("one", SLEEPER, ready=lambda: False, timeout=0.1)])
    assert supervisor.pid("one") is None


def test_stop_kills_children_and_what_ignores_sigterm(supervisor: Supervisor, tmp_path: Path) -> None:
    script = f"trap '' TERM; sleep 60 & echo $! > {tmp_path}/child; while :; do sleep 1; done"
    child_file = tmp_path / "child"
    supervisor.ensure([Process("one", ["/bin/sh", "-c", script], ready=lambda: bool(_read(child_file)))])
    leader, child = pid_of(supervisor), int(_read(child_file))
    supervisor.stop("one", grace=0.2)
    for pid in (leader, child):
        stat = Stat.of(pid)
        assert stat is None or stat.state in "ZX"
    assert list(supervisor.records.iterdir()) == []


def test_sweep_kills_what_the_dead_left_and_nothing_else(supervisor: Supervisor, tmp_path: Path) -> None:
    child_file = tmp_path / "child"
    script = f"sleep 60 & echo $! > {child_file}; wait"
    living = Process("two", SLEEPER)
    supervisor.ensure([Process("one", ["/bin/sh", "-c", script], ready=lambda: bool(_read(child_file))), living])
    os.kill(pid_of(supervisor), signal.SIGKILL)
    os.waitpid(pid_of_record(supervisor), 0)
    supervisor.sweep()
    child = Stat.of(int(_read(child_file)))
    assert child is None or child.state in "ZX"
    assert not supervisor.ensure([living])


def test_process_with_a_reused_id_is_not_ours(supervisor: Supervisor) -> None:
    supervisor.ensure([Process("one", SLEEPER)])
    record = supervisor.records / "one.stat"
    fields = record.read_text().split()
    fields[21] = str(int(fields[21]) - 1)  # as if another process had had this id before
    record.write_text(" ".join(fields))
    assert supervisor.pid("one") is None
    supervisor.stop("one")
    stranger = int(fields[0])
    assert Stat.of(stranger) is not None
    os.kill(stranger, signal.SIGKILL)


@pytest.mark.parametrize("content", ["", "{", json.dumps({"boot": "another"})])
def test_half_written_record_counts_as_not_running(supervisor: Supervisor, content: str) -> None:
    supervisor.records.mkdir()
    (supervisor.records / "one.json").write_text(content)
    assert supervisor.pid("one") is None
    supervisor.stop("one")
    assert supervisor.ensure([Process("one", SLEEPER)])


def test_stop_all_finds_processes_whose_records_are_lost(supervisor: Supervisor) -> None:
    supervisor.ensure([Process("one", SLEEPER)])
    pid = pid_of(supervisor)
    shutil.rmtree(supervisor.records)
    supervisor.stop_all()
    stat = Stat.of(pid)
    assert stat is None or stat.state in "ZX"


def test_stat_is_parsed_even_with_spaces_in_the_programs_name() -> None:
    fields = " ".join(["S", "1", "7", "7", *["0"] * 15, "4242", "0"])
    assert Stat.parse(f"7 (a) b) {fields}") == Stat(7, "S", 7, 4242)
    assert Stat.parse("nonsense") is None


def _read(path: Path) -> str:
    return path.read_text().strip() if path.exists() else ""
