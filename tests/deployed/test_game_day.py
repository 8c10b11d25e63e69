# SPDX-License-Identifier: Apache-2.0
"""playbooks/chaos.yml on a platform that runs. Zonal shifts only AWS has; the collection tests their requests."""

import re
from typing import Any

import pytest
from deployed import fleet
from deployed.conftest import ENVIRONMENT
from support.playbooks import play


@pytest.mark.timeout(600)
def test_a_game_day_stops_a_task_watches_and_ends_with_a_whole_fleet(
    aws: Any, outputs: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    fleet.wait_until(lambda: fleet.is_whole(aws, outputs), "three healthy tasks before the game", seconds=120)
    before = {task["taskArn"] for task in fleet.tasks(aws, outputs)}
    played = play("playbooks/chaos.yml", "-e", f"chaos_game=stop_task chaos_seconds=15 chaos_confirm={ENVIRONMENT}")
    assert played.code == 0, played.output
    after = {task["taskArn"] for task in fleet.tasks(aws, outputs)}
    assert len(before - after) == 1, "one task was stopped, and no other"
    seen = re.search(r"whole after \d+ s; (\d+) requests, (\d+) failed.*", played.output)
    assert seen is not None, played.output
    assert int(seen[1]) >= 50
    with capsys.disabled():
        print(f"\n  a game day: {seen[0]}")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (f"chaos_confirm={ENVIRONMENT}", "Say which game"),
        (f"chaos_game=everything chaos_confirm={ENVIRONMENT}", "Say which game"),
        ("chaos_game=stop_task chaos_confirm=another", f"That is not '{ENVIRONMENT}': nothing was done"),
        (f"chaos_game=stop_task chaos_zone=eu-central-1x chaos_confirm={ENVIRONMENT}", "no task runs in eu-central-1x"),
    ],
)
def test_a_game_without_the_name_or_a_place_to_play_is_refused(
    arguments: str, said: str, aws: Any, outputs: dict[str, str]
) -> None:
    fleet.wait_until(lambda: fleet.is_whole(aws, outputs), "three healthy tasks before the game", seconds=120)
    before = {task["taskArn"] for task in fleet.tasks(aws, outputs)}
    refused = play("playbooks/chaos.yml", "-e", arguments)
    assert refused.code != 0
    assert said in " ".join(refused.output.split())
    assert {task["taskArn"] for task in fleet.tasks(aws, outputs)} == before
