# SPDX-License-Identifier: Apache-2.0
"""Which revision a rollback goes to, and which key it would sign with."""

from types import ModuleType
from typing import Any

import pytest
from unit.playbooks.conftest import load

FAMILY = "arn:aws:ecs:eu-central-1:111122223333:task-definition/streamify-production-api"


@pytest.fixture
def revisions(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return load("revisions", monkeypatch)


@pytest.mark.parametrize(
    ("running", "active", "expected"),
    [(10, [9, 10, 2], 9), (10, [10, 11], None), (3, [1, 3, 4], 1), (100, [99, 9, 100], 99)],
)
def test_a_rollback_goes_to_the_newest_active_revision_before(
    revisions: ModuleType, running: int, active: list[int], expected: int | None
) -> None:
    found = revisions.before(f"{FAMILY}:{running}", [f"{FAMILY}:{number}" for number in active])
    assert found == (f"{FAMILY}:{expected}" if expected else "")


def definition(**variables: str) -> dict[str, Any]:
    return {"containerDefinitions": [{"environment": [{"name": k, "value": v} for k, v in variables.items()]}]}


def test_the_key_is_read_from_the_definition(revisions: ModuleType) -> None:
    assert revisions.variable(definition(STREAMIFY_SIGNING_KEY_ID="K1"), revisions.KEY_VARIABLE) == "K1"
    assert revisions.variable({"containerDefinitions": [{}]}, revisions.KEY_VARIABLE) == ""


def test_a_revision_that_works_with_another_table_is_told(revisions: ModuleType) -> None:
    old, new = definition(STREAMIFY_TABLE_NAME="streamify"), definition(STREAMIFY_TABLE_NAME="streamify-restored-1")
    assert revisions.other_table(new, old) == "streamify"
    assert revisions.other_table(new, new) == ""
