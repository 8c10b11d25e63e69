# SPDX-License-Identifier: Apache-2.0
"""Runs playbooks as a person does, and reads from their output what they changed or would change."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_TASK = re.compile(r"^TASK \[(?P<task>.*?)\] \*+$", re.MULTILINE)
_CHANGED = re.compile(r"^changed: \[[^\]]+\](?: => \(item=(?P<item>.*)\))?$", re.MULTILINE)
_RECAP = re.compile(r"ok=\d+ +changed=(\d+) +unreachable=(\d+) +failed=(\d+)")
# What Ansible calls a warning or a deprecation, and what Python's warnings print on standard error.
_WARNING = re.compile(r"\[(?:DEPRECATION )?WARNING\]|\b[A-Z]\w*Warning: ")
_ALSO_CHANGES = ("local_cloud : ", "The outputs are written")  # this machine's files, nothing of AWS


@dataclass(frozen=True)
class Change:
    """One result that a run reported as changed."""

    task: str  # "<role> : <task>"
    item: str  # the loop's label; empty without a loop
    diff: str  # what --diff showed of it


@dataclass(frozen=True)
class Run:
    """A playbook's run."""

    code: int
    output: str

    @property
    def changes(self) -> list[Change]:
        """What the run changed in AWS, or would have changed, in its order."""
        made = []
        parts = _TASK.split(self.output)
        for task, text in zip(parts[1::2], parts[2::2], strict=True):
            last = 0
            for found in _CHANGED.finditer(text):
                if not task.startswith(_ALSO_CHANGES):
                    made.append(Change(task, found["item"] or "", text[last : found.start()].strip()))
                last = found.end()
        return made


def warnings_in(output: str) -> list[str]:
    """Return each warning and deprecation in what a run printed, with the two lines that follow it."""
    lines = output.splitlines()
    return [
        "\n".join(lines[number : number + 3]) for number, line in enumerate(lines) if _WARNING.search(line) is not None
    ]


def assert_no_warning(output: str) -> None:
    """Fail with what a run warned of: operators get used to warnings, and then miss the one that matters."""
    assert (warned := warnings_in(output)) == [], "\n".join(["the run warned:", *warned])


def play(playbook: str, *arguments: str, **environment: str) -> Run:
    """Run a playbook of the checkout in the environment that STREAMIFY_ENV names, and return what it said.

    :raises AssertionError: for a warning or a deprecation that the run printed, whatever it came to.
    """
    command = [str(Path(sys.executable).with_name("ansible-playbook")), playbook, *arguments]
    finished = subprocess.run(
        command,
        cwd=ROOT,
        env={key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        | {"ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_FORCE_COLOR": "0", "ANSIBLE_NOCOLOR": "1"}
        | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    assert_no_warning(finished.stdout)
    recap = _RECAP.search(finished.stdout)
    failed = recap is None or int(recap[2]) or int(recap[3])
    return Run(finished.returncode or int(bool(failed)), finished.stdout)
