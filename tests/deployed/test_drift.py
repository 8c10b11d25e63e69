# SPDX-License-Identifier: Apache-2.0
"""What somebody changed by hand: a check run names it all and changes nothing, a run repairs it and nothing else."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from deployed.conftest import ENVIRONMENT
from support.aws_state import differences, snapshot
from support.drifts import DRIFTS
from support.playbooks import play

NAME = f"streamify-{ENVIRONMENT}"
Aws = Callable[[str], Any]


@pytest.fixture
def repaired_after() -> Iterator[None]:
    """Whatever the test finds, those after it get the deployment as it was."""
    yield
    play("site.yml")


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("repaired_after")
def test_more_than_twenty_changes_by_hand_are_named_and_repaired_at_once(aws: Aws) -> None:
    deployed = snapshot(aws)
    for drift in DRIFTS:
        drift.make(aws, NAME)
    drifted = snapshot(aws)
    assert len(differences(deployed, drifted)) >= 20  # the snapshot leaves a few kinds of resource out

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
    assert differences(deployed, snapshot(aws)) == []
