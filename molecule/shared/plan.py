#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whether a check run on an empty account is a plan: it changes nothing, and the run after it does what it named.

usage: plan.py begins    remembers what AWS reports
       plan.py unmade    after the check run: AWS must report the same
       plan.py made      after the run: its changes must be those of the check run, each with a diff

The environment holds AWS's variables, DEPLOYED_NAME, KEPT_IN (a folder) and ANSIBLE_LOG_PATH, the log of both runs.
Exits 1 with what is wrong.
"""

import json
import os
import re
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "tests"), str(Path(__file__).parent)]

from reported import aws  # noqa: E402
from support.aws_state import differences, snapshot  # noqa: E402
from support.playbooks import Run  # noqa: E402

_HIDDEN = "secrets : The token issuer's public keys are stored"  # no_log hides its diff too
_LOGGED = re.compile(r"^\d{4}-\d\d-\d\d [\d:,]+ p=(?P<process>\d+) u=\S+ n=\S+ \w+\| ")


def site_runs(log: str) -> list[Run]:
    """Return the runs of the site in a log of Ansible's, the lines of each without their prefix."""
    runs: dict[str, list[str]] = {}
    process = ""
    for line in log.splitlines():
        if found := _LOGGED.match(line):
            process = found["process"]
        runs.setdefault(process, []).append(_LOGGED.sub("", line))
    said = ["\n".join(lines) for lines in runs.values()]
    return [Run(0, output) for output in said if "PLAY [Deploy the platform]" in output]


def unmade(kept: Path) -> str:
    """Return what the check run changed; empty when nothing."""
    changed = differences(json.loads(kept.read_text())["state"], snapshot(aws))
    return "\n".join(["the check run changed the account:", *changed]) if changed else ""


def made(kept: Path, log: Path) -> str:
    """Return where the plan and what was done differ; empty when nowhere."""
    planned, done = site_runs(log.read_bytes()[json.loads(kept.read_text())["log"] :].decode())[:2]
    plan, deeds = ([(each.task, each.item) for each in run.changes] for run in (planned, done))
    if plan != deeds:
        return (
            f"planned, not done: {set(plan) - set(deeds)}\ndone, not planned: {set(deeds) - set(plan)}\n{plan}\n{deeds}"
        )
    if not plan:
        return "the check run on an empty account planned nothing"
    silent = [f"{each.task} {each.item}" for each in planned.changes if not each.diff and each.task != _HIDDEN]
    return "\n".join(["the plan shows nothing of:", *silent]) if silent else ""


def main(step: str) -> str:
    kept, log = Path(os.environ["KEPT_IN"]) / "before-check.json", Path(os.environ["ANSIBLE_LOG_PATH"])
    if step == "begins":
        kept.write_text(json.dumps({"state": snapshot(aws), "log": log.stat().st_size}))
        return ""
    return unmade(kept) if step == "unmade" else made(kept, log)


if __name__ == "__main__":
    problem = main(sys.argv[1])
    sys.stderr.write(problem)
    sys.exit(int(bool(problem)))
