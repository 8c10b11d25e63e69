# SPDX-License-Identifier: Apache-2.0
"""docs/availability.md computes right, and says what the alarms go by."""

import re
from math import prod
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "availability.md").read_text()
DEFAULTS: dict[str, Any] = yaml.safe_load((ROOT / "roles" / "alarms" / "defaults" / "main.yml").read_text())
MONTH = 30 * 24 * 60  # minutes
ALLOWED = 1 - DEFAULTS["alarms_availability_target"] / 100
BURNS = {"fast": ("1 h", 60), "slow": ("6 h", 360)}  # as the role's vars have them, in minutes


def table(first: str) -> list[list[str]]:
    """The cells of the table whose header begins with this word, without links and emphasis."""
    block = TEXT.split(f"\n| {first} |", 1)[1].split("\n\n", 1)[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()[2:]]
    return [[re.sub(r"\[([^]]*)\]\([^)]*\)|[*`]", r"\1", cell) for cell in row] for row in rows]


SLAS = {name: float(percent) / 100 for name, percent, _ in table("part")}


@pytest.mark.parametrize(("path", "parts", "percent", "minutes"), table("path"))
def test_a_path_is_as_good_as_the_product_of_its_parts(path: str, parts: str, percent: str, minutes: str) -> None:
    share = prod(SLAS[part] for part in parts.split(", "))
    assert (percent, minutes) == (f"{share * 100:.2f}", f"{(1 - share) * MONTH:.1f}"), path


def test_the_budget_is_the_alarms_and_the_fleet_fits_into_it() -> None:
    budget = ALLOWED * MONTH
    spent = next(float(minutes) for path, _, _, minutes in table("path") if "fleet" in path)
    said = [
        f"{DEFAULTS['alarms_availability_target']} % leaves {ALLOWED * 100:.2g} % of the requests",
        f"{budget:.1f} minutes of complete outage in 30 days",
        f"may use up {spent:.1f} of them",
        f"{budget - spent:.1f} minutes are\nours",
    ]
    assert [each for each in said if each not in TEXT] == []


def test_the_budget_pays_for_so_many_losses() -> None:
    counted = [(cost, times) for _, cost, times in table("what") if times]
    assert len(counted) == 3
    for cost, times in counted:
        assert int(times.split()[0]) == int(ALLOWED * MONTH * 60 / int(cost.split()[0]))


@pytest.mark.parametrize(("alarm", "rate", "over", "share", "spent", "lasts"), table("alarm"))
def test_the_burn_rates_are_the_alarms(alarm: str, rate: str, over: str, share: str, spent: str, lasts: str) -> None:
    kind = alarm.removeprefix("error-budget-")
    window, minutes = BURNS[kind]
    burn = DEFAULTS[f"alarms_{kind}_burn_rate"]
    assert f"period: {minutes * 60}\n" in (ROOT / "roles" / "alarms" / "vars" / "main.yml").read_text()
    assert (rate, over) == (f"{burn:g}", window)
    assert share == f"{burn * ALLOWED * 100:.2g} %"
    assert spent == f"{burn * minutes / MONTH * 100:.0f} %"
    assert lasts == f"{MONTH / burn / 60:.0f} h"
