# SPDX-License-Identifier: Apache-2.0
"""Programs in Node beside the packages that scripts/setup installs from tests/peers/package-lock.json."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[2]
_SOURCES = _ROOT / "tests" / "peers"
_INSTALLED = _ROOT / ".local" / "peers"
_SECONDS = 120


def run_node(program: str, *arguments: str, text: str = "", environment: Mapping[str, str] | None = None) -> Any:
    """What a program of tests/peers prints, a JSON document.

    Args:
        program: its file name.
        text: its standard input.
        environment: more variables.
    """
    copy = _INSTALLED / program  # Node looks for packages beside the program
    shutil.copy(_SOURCES / program, copy)
    done = subprocess.run(
        ["node", str(copy), *arguments],
        input=text,
        env=os.environ | dict(environment or {}),
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
