# SPDX-License-Identifier: Apache-2.0
"""What somebody changed by hand: a check run names it all and changes nothing, a run repairs it and nothing else."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from deployed.conftest import ENVIRONMENT
from support.aws_state import State, differences, snapshot
from support.drifts import DRIFTS
from support.playbooks import play

NAME = f"streamify-{ENVIRONMENT}"
Aws = Callable[[str], Any]


@pytest.fixture
def deployed(aws: Aws) -> Iterator[State]:
    """What AWS reports while nothing is to be changed; those after the test get it back whatever the test finds."""
    before = snapshot(aws)
    yield before
    if differences(before, snapshot(aws)):
        play("site.yml")


@pytest.mark.timeout(1200)
def test_more_than_twenty_changes_by_hand_are_named_and_repaired_at_once(aws: Aws, deployed: State) -> None:
    drifted, unseen = deployed, []
    for drift in DRIFTS:
        drift.make(aws, NAME)
        before, drifted = drifted, snapshot(aws)
        if not differences(before, drifted):
            unseen.append(drift.what)
    assert unseen == [], "the snapshot cannot tell whether these are repaired"
    assert len(DRIFTS) >= 20

    planned = play("site.yml", "--check", "--diff")
    assert planned.code == 0, planned.output
    unnamed = [drift.what for drift in DRIFTS if not any(drift.is_named_by(change) for change in planned.changes)]
    assert unnamed == [], planned.output
    unasked = [change for change in planned.changes if not any(drift.is_named_by(change) for drift in DRIFTS)]
    assert unasked == []
    assert differences(drifted, snapshot(aws)) == [], "the check run changed something"

    repaired = play("site.yml", "--diff")
    assert repaired.code == 0, repaired.output
    assert [(change.task, change.item) for change in repaired.changes] == [
        (change.task, change.item) for change in planned.changes
    ]
    assert differences(deployed, snapshot(aws)) == [], "not everything is as it was, or something else was changed"

    for arguments in (["--check", "--diff"], ["--diff"]):
        again = play("site.yml", *arguments)
        assert again.code == 0, again.output
        assert again.changes == []
        assert differences(deployed, snapshot(aws)) == []
