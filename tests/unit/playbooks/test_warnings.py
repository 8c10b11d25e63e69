# SPDX-License-Identifier: Apache-2.0
"""A run that warns fails the test that made it."""

import json
from pathlib import Path

import pytest
from support.playbooks import play, warnings_in

QUIET = [
    {"hosts": "localhost", "gather_facts": False, "tasks": [{"ansible.builtin.debug": {"msg": "a warning: none"}}]}
]


def written(directory: Path, plays: list[dict[str, object]]) -> str:
    path = directory / "playbook.yml"
    path.write_text(json.dumps(plays))
    return str(path)


def test_a_run_without_a_warning_passes(tmp_path: Path) -> None:
    assert play(written(tmp_path, QUIET), "-i", "localhost,").code == 0


def test_a_run_that_warns_fails_with_what_it_said(tmp_path: Path) -> None:
    nobody = [*QUIET, {"hosts": "nobody", "gather_facts": False, "tasks": []}]
    with pytest.raises(AssertionError, match="Could not match supplied host pattern, ignoring: nobody"):
        play(written(tmp_path, nobody), "-i", "localhost,")


@pytest.mark.parametrize(
    "line",
    [
        "[WARNING]: Platform linux uses the discovered interpreter",
        "  │ [DEPRECATION WARNING]: Importing 'to_native' is deprecated.",
        "/lib/boto3/compat.py:84: PythonDeprecationWarning: Boto3 will no longer support Python 3.9",
    ],
)
def test_warnings_and_deprecations_are_seen_wherever_they_stand(line: str) -> None:
    assert warnings_in(f"ok: [localhost]\n{line}\nmore\nlast\nTASK [next]") == [f"{line}\nmore\nlast"]
