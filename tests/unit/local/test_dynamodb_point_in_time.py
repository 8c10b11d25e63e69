# SPDX-License-Identifier: Apache-2.0
"""A restored table holds what its source held at the moment, and AWS's refusals are ours."""

from collections.abc import Callable
from typing import Any

import pytest
from streamify_local.emulator.patches import dynamodb_point_in_time as patch

ANY = {"SourceTableName": "t", "TargetTableName": "u"}


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(patch, "time", made)
    return made


@pytest.fixture
def changed(clock: Clock) -> tuple[patch.Journal, dict[str, Any]]:
    """At 1010 an item was made, at 1020 changed, at 1030 deleted; another was made at 1030."""
    journal = patch.Journal()
    for now, sort, before in ((1010, "a", None), (1020, "a", {"v": 1}), (1030, "a", {"v": 2}), (1030, "b", None)):
        clock.now = float(now)
        journal.note("p", sort, before)
    clock.now = 1040.0
    return journal, {"p": {"b": {"v": 9}}}


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (1035, {"p": {"b": {"v": 9}}}),
        (1025, {"p": {"a": {"v": 2}}}),
        (1015, {"p": {"a": {"v": 1}}}),
        (1005, {}),
    ],
)
def test_changes_after_the_moment_are_undone(
    changed: tuple[patch.Journal, dict[str, Any]], moment: float, expected: dict[str, Any]
) -> None:
    journal, items = changed
    journal.undo(items, moment)
    assert items == expected


def test_moments_from_when_it_was_turned_on_to_a_second_ago_can_be_gone_back_to(
    changed: tuple[patch.Journal, dict[str, Any]],
) -> None:
    journal, _ = changed
    assert (journal.earliest, journal.latest) == (1000.0, 1039.0)
    assert patch.refusal(journal, {**ANY, "RestoreDateTime": 1000}) is None
    assert patch.refusal(journal, {**ANY, "UseLatestRestorableTime": True}) is None


@pytest.mark.parametrize(
    ("request_of", "code"),
    [
        (lambda journal: (None, {**ANY, "UseLatestRestorableTime": True}), "PointInTimeRecoveryUnavailableException"),
        (lambda journal: (journal, ANY), "ValidationException"),
        (lambda journal: (journal, {**ANY, "RestoreDateTime": 1010, "UseLatestRestorableTime": True}), "Validation"),
        (lambda journal: (journal, {**ANY, "RestoreDateTime": 999}), "InvalidRestoreTimeException"),
        (lambda journal: (journal, {**ANY, "RestoreDateTime": 1040}), "InvalidRestoreTimeException"),
    ],
)
def test_other_moments_are_refused(
    changed: tuple[patch.Journal, dict[str, Any]], request_of: Callable[[patch.Journal], Any], code: str
) -> None:
    status, _, body = patch.refusal(*request_of(changed[0]))
    assert status == 400
    assert code in (body.decode() if isinstance(body, bytes) else body)
