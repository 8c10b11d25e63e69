# SPDX-License-Identifier: Apache-2.0
"""schemathesis from our own OpenAPI document: made values, and what was answered put into the next request."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from contract.processes import Api

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Run:
    """What it came to: cases that were made, whether no check failed, and what schemathesis said."""

    cases: int
    passed: bool
    output: str


def call_many(api: Api, token: str, examples: int, seed: int, folder: Path, seconds: float) -> Run:
    """Every phase, every check.

    Args:
        api: the API.
        token: a viewer's, who may watch.
        examples: of each operation and phase, at most.
        seed: the same makes the same calls.
        folder: to work in.
        seconds: the longest it may take.
    """
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(_HERE / "schemathesis.toml"),
        "run", f"{api.http_url}/v1/openapi.json", "--url", api.http_url, "--checks", "all",
        "--phases", "examples,coverage,fuzzing,stateful", "--max-examples", str(examples), "--seed", str(seed),
        "--generation-database", "none", "--no-color", "--workers", "2",
    ]  # fmt: skip
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"SCHEMATHESIS_HOOKS": "fuzz.hooks", "PYTHONPATH": str(_HERE.parent), "FUZZ_TOKEN": token},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    counted = re.search(r"(\d+) generated", done.stdout)
    return Run(int(counted[1]) if counted else 0, done.returncode == 0, done.stdout + done.stderr)
