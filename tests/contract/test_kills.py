# SPDX-License-Identifier: Apache-2.0
"""Tasks are killed in the middle of uploads, one with a clock two hours off: nothing acknowledged is lost or doubled.

The short form of `make chaos-kills`.
"""

from pathlib import Path

import pytest
from chaos.kills.__main__ import CLOCKS, kill
from contract.platform_state import Issuer

SEED = 7


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("clock", "kills"), [("right", 6), ("ahead", 2), ("behind", 2)])
def test_kills_lose_and_double_no_acknowledged_upload(
    emulator: str, environment: dict[str, str], issuer: Issuer, tmp_path: Path, clock: str, kills: int
) -> None:
    verdict, uploads = kill(emulator, environment, issuer, tmp_path, kills, SEED, CLOCKS[clock])
    assert verdict.is_good, str(verdict)
    assert verdict.acknowledged > 2 * kills
    assert uploads.given_up == []
