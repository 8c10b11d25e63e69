# SPDX-License-Identifier: Apache-2.0
"""Containers get the version of a secret that their definition names."""

import pytest
from ministack.services import ecs, secretsmanager
from streamify_local.emulator.patches import ecs_secret_versions

ARN = "arn:aws:secretsmanager:eu-central-1:000000000000:secret:key-AbCdEf"


@pytest.fixture(autouse=True)
def patched(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {"v1": "old", "v2": "new"}

    def resolve(arn: str, stage: str = "AWSCURRENT", version: str | None = None) -> str | None:
        assert arn == ARN
        return versions.get(version) if version else {"AWSCURRENT": "new", "AWSPREVIOUS": "old"}.get(stage)

    monkeypatch.setattr(secretsmanager, "resolve_secret_string", resolve)
    monkeypatch.setattr(ecs, "_resolve_container_secrets", ecs._resolve_container_secrets)
    ecs_secret_versions.apply()
    return


@pytest.mark.parametrize(
    ("suffix", "value"), [("", "new"), (":::v1", "old"), (":::v2", "new"), ("::AWSPREVIOUS:", "old")]
)
def test_the_version_that_is_named_is_handed_out(suffix: str, value: str) -> None:
    definition = {"secrets": [{"name": "KEY", "valueFrom": ARN + suffix}]}
    assert ecs._resolve_container_secrets(definition) == {"KEY": value}


def test_a_version_that_does_not_exist_keeps_the_task_from_starting() -> None:
    with pytest.raises(ecs._SecretResolutionError, match="unable to retrieve secret"):
        ecs._resolve_container_secrets({"secrets": [{"name": "KEY", "valueFrom": f"{ARN}:::v9"}]})
