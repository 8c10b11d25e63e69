# SPDX-License-Identifier: Apache-2.0
"""The gRPC contract only grows. protos/baseline.json is the contract as callers know it (a buf image)."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BASELINE = ROOT / "protos" / "baseline.json"
BUF = Path(sys.executable).with_name("buf")


def buf(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([BUF, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def test_nothing_that_callers_know_is_broken() -> None:
    checked = buf("breaking", "protos", "--against", BASELINE)
    assert checked.returncode == 0, checked.stdout


def test_the_baseline_knows_the_whole_contract(tmp_path: Path) -> None:
    built = tmp_path / "image.json"
    assert buf("build", "protos", "--exclude-source-info", "-o", built).returncode == 0
    assert json.loads(built.read_text()) == json.loads(BASELINE.read_text()), (
        "the contract has grown: buf build protos --exclude-source-info -o protos/baseline.json"
    )


@pytest.mark.parametrize(
    ("whole", "broken"),
    [
        ("  int64 size_bytes = 5;", "  int32 size_bytes = 5;"),
        ("  string filename = 3;", "  string filename = 30;"),
        ("UPLOAD_STATE_EXPIRED = 4;", "UPLOAD_STATE_GONE = 4;"),
        ("rpc ListParts(ListPartsRequest) returns (ListPartsResponse);", ""),
    ],
)
def test_a_break_is_noticed(tmp_path: Path, whole: str, broken: str) -> None:
    shutil.copytree(ROOT / "protos", tmp_path / "protos")
    changed = tmp_path / "protos/streamify/upload/v1/upload_service.proto"
    assert whole in changed.read_text()
    changed.write_text(changed.read_text().replace(whole, broken))
    assert buf("breaking", tmp_path / "protos", "--against", BASELINE).returncode != 0
