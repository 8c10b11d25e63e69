# SPDX-License-Identifier: Apache-2.0
"""What was broken is mended, also by the next run of a suite that was killed."""

import subprocess
import sys
from pathlib import Path

import pytest
from chaos import undo
from chaos.undo import Undo
from streamify_local.environment import Environment
from streamify_local.processes import Stat


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return Environment("one", tmp_path, "10.90.0.0/16", {}, "unix:///nonexistent")


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    seen: list[str] = []
    monkeypatch.setitem(undo.ACTIONS, "note", lambda _env, text: seen.append(text))

    def fail(_env: Environment) -> None:
        raise OSError("no")

    monkeypatch.setitem(undo.ACTIONS, "fail", fail)
    return seen


def test_the_last_damage_is_mended_first_and_once(environment: Environment, done: list[str]) -> None:
    journal = Undo(environment)
    journal.add("note", text="first")
    journal.add("note", text="second")
    assert journal.run() == []
    assert journal.run() == []
    assert done == ["second", "first"]


def test_another_process_finds_what_a_killed_one_promised(environment: Environment, done: list[str]) -> None:
    Undo(environment).add("note", text="promised")
    with (environment.state_dir / "chaos-undo-fault.jsonl").open("a") as file:
        file.write('["note", {"text": "half a li')
    assert Undo(environment, "run").pending() == []
    assert Undo(environment).run() == []
    assert done == ["promised"]


def test_what_cannot_be_mended_is_told_and_keeps_nothing_else_from_it(
    environment: Environment, done: list[str]
) -> None:
    journal = Undo(environment)
    journal.add("note", text="before")
    journal.add("fail")
    assert journal.run() == ["fail {}: no"]
    assert done == ["before"]


def test_an_undo_that_does_not_exist_is_refused_before_any_damage(environment: Environment) -> None:
    with pytest.raises(KeyError):
        Undo(environment).add("hope")


def test_a_process_is_ended_and_not_another_that_got_its_id(environment: Environment) -> None:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        stat = Stat.of(process.pid)
        assert stat is not None
        journal = Undo(environment)
        journal.add("end_process", pid=process.pid, start_time=stat.start_time - 1)
        assert journal.run() == []
        assert process.poll() is None
        journal.add("end_process", pid=process.pid, start_time=stat.start_time)
        assert journal.run() == []
        assert process.wait(10) != 0
    finally:
        process.kill()
