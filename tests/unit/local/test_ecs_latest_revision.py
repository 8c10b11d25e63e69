# SPDX-License-Identifier: Apache-2.0
"""A task definition's family stands for its latest active revision."""

import json
from typing import Any

import pytest
from ministack.services import ecs
from streamify_local.emulator.patches import ecs_latest_revision


@pytest.fixture(autouse=True)
def patched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ecs, "_resolve_td_key", ecs._resolve_td_key)
    ecs_latest_revision.apply()


def test_deregistered_revisions_are_passed_over() -> None:
    def described(reference: str) -> Any:
        answer = json.loads(ecs._describe_task_definition({"taskDefinition": reference})[2])
        return answer.get("taskDefinition", {}).get("revision")

    for _ in range(3):
        ecs._register_task_definition({"family": "latest", "containerDefinitions": [{"name": "a", "image": "b"}]})
    assert described("latest") == 3
    for revision, left in ((3, 2), (2, 1), (1, None)):
        ecs._deregister_task_definition({"taskDefinition": f"latest:{revision}"})
        assert described("latest") == left
        assert described(f"latest:{revision}") == revision
