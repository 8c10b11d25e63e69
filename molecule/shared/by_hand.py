#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What somebody changes by hand behind a role's back.

usage: by_hand.py change <role>     makes the role's changes of tests/support/drifts.py; a check run of the role must
                                    name each of them and nothing else
       by_hand.py repaired <role>   everything must be as it was before, on the whole account

The environment holds AWS's variables, DEPLOYED_NAME (streamify-<environment>) and KEPT_IN (a folder). Exits 1 with what
is wrong. Where the site was not deployed, `change` first applies the role and those before it.
"""

import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(Path(__file__).parent)]

from reported import NAME, aws  # noqa: E402
from support.aws_state import differences, snapshot  # noqa: E402
from support.drifts import DRIFTS  # noqa: E402
from support.playbooks import play  # noqa: E402


def change(role: str, kept: Path) -> str:
    """Return what is wrong with the check run that follows the role's changes; empty when nothing is."""
    drifts = [drift for drift in DRIFTS if drift.role == role and not drift.rolls_tasks]
    if not drifts:
        return f"tests/support/drifts.py has no change by hand for the role {role}"
    if not (kept.parent / "deployment.json").exists():
        first = play("molecule/shared/converge.yml", MOLECULE_SCENARIO_NAME=role)
        if first.code:
            return f"the role could not be applied:\n{first.output}"
    kept.write_text(json.dumps(snapshot(aws)))
    for drift in drifts:
        drift.make(aws, NAME)
    run = play("molecule/shared/converge.yml", "--check", "--diff", MOLECULE_SCENARIO_NAME=role)
    if run.code:
        return f"the check run failed:\n{run.output}"
    unnamed = [drift.what for drift in drifts if not any(drift.is_named_by(each) for each in run.changes)]
    unasked = [str(each) for each in run.changes if not any(drift.is_named_by(each) for drift in drifts)]
    if unnamed or unasked:
        return f"not named: {unnamed}\nnamed, but not changed by hand: {unasked}\n{run.output}"
    return ""


def repaired(kept: Path) -> str:
    """Return what is not as it was before; empty when everything is."""
    left = differences(json.loads(kept.read_text()), snapshot(aws))
    return "\n".join(["not as it was before:", *left]) if left else ""


if __name__ == "__main__":
    asked, scenario = sys.argv[1:]
    file = Path(os.environ["KEPT_IN"]) / f"before-{scenario}.json"
    problem = change(scenario, file) if asked == "change" else repaired(file)
    sys.stderr.write(problem)
    sys.exit(int(bool(problem)))
