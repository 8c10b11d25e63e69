# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a key's rotation, each of them repeated: two live keys at any time, and no step out of turn."""

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.integration
Module = Callable[..., dict[str, Any]]
NAME = {"name": "coll-rotating", "recovery_window": 0}


def step(module: Module, changed: bool = True, **arguments: Any) -> dict[str, Any]:
    """Do a step twice, after a look: the look tells what the first does, the second does nothing."""
    assert module("secretsmanager_key_pair", {**NAME, **arguments}, check=True).get("changed", False) is changed
    done = module("secretsmanager_key_pair", {**NAME, **arguments})
    assert done.get("changed", False) is changed, done
    again = module("secretsmanager_key_pair", {**NAME, **arguments})
    assert not again.get("changed"), again
    assert "PRIVATE" not in repr([done, again])
    pair: dict[str, Any] = done["key_pair"]
    return pair


def test_a_rotation_walks_through_its_steps_and_each_may_be_repeated(module: Module) -> None:
    made = step(module, standby=True)
    assert made["public_keys"] == [made["public_key"], made["standby"]["public_key"]]
    assert made["previous"] == {}

    step(module, False, rotation="mark_unused")
    step(module, False, rotation="retire")

    promoted = step(module, rotation="promote")
    assert promoted["public_keys"] == made["public_keys"][::-1]
    assert promoted["version_id"] == made["standby"]["version_id"]
    assert promoted["previous"]["version_id"] == made["version_id"]
    assert promoted["previous"]["unused_since"] == 0
    step(module, False, standby=True)
    step(module, False, rotation="retire")

    marked = step(module, rotation="mark_unused")
    assert marked["previous"]["unused_since"] > 0
    step(module, False, rotation="retire", retire_after=3600)

    retired = step(module, rotation="retire")
    assert retired["public_keys"] == [promoted["public_key"]]
    renewed = step(module, standby=True)
    assert len({*renewed["public_keys"], *made["public_keys"]}) == 3


def test_nothing_is_promoted_without_a_standby(module: Module) -> None:
    module("secretsmanager_key_pair", {"name": "coll-alone"})
    refused = module("secretsmanager_key_pair", {"name": "coll-alone", "rotation": "promote"})
    assert refused["failed"]
    assert "has no standby key" in refused["msg"]
