# SPDX-License-Identifier: Apache-2.0
"""A container's secret may be a certain version of a secret: `<arn>:<json-key>:<version-stage>:<version-id>`.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/secrets-envvar-secrets-manager.html. The emulator hands out
the current version whatever was asked for.
"""

from typing import Any

from ministack.services import ecs, secretsmanager

_ARN_FIELDS = 7


def pinned(value_from: str) -> tuple[str, str, str] | None:
    """The ARN, the stage and the version that are asked for; None when it is just the secret."""
    fields = value_from.split(":")
    if "secretsmanager" not in value_from or len(fields) != _ARN_FIELDS + 3 or not any(fields[_ARN_FIELDS + 1 :]):
        return None
    return ":".join(fields[:_ARN_FIELDS]), fields[-2], fields[-1]


def apply() -> None:
    resolve_current = ecs._resolve_container_secrets

    def resolve(definition: dict[str, Any]) -> dict[str, str]:
        secrets = definition.get("secrets") or []
        plain = [each for each in secrets if pinned(each.get("valueFrom", "")) is None]
        resolved: dict[str, str] = resolve_current({**definition, "secrets": plain})
        for each in secrets:
            asked = pinned(each.get("valueFrom", ""))
            if asked is None:
                continue
            arn, stage, version = asked
            value = secretsmanager.resolve_secret_string(arn, stage or "AWSCURRENT", version or None)
            if value is None:
                raise ecs._SecretResolutionError(
                    f"unable to retrieve secret {each['valueFrom']} for environment variable {each['name']}"
                )
            resolved[each["name"]] = str(value)
        return resolved

    ecs._resolve_container_secrets = resolve
