# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Secrets of Secrets Manager. What is compared and shown of a value is its SHA-256 alone."""

from __future__ import annotations

import hashlib
from typing import Any

from .core import tags as tagging
from .core.errors import ResourceError
from .core.resource import UNKNOWN, Outcome, Resource


def digest(value: str) -> str:
    """Return what may be shown of a value."""
    return hashlib.sha256(value.encode()).hexdigest()


class Secret(Resource):
    """A secret with a text as its value. A subclass says where the value comes from."""

    service = "secretsmanager"
    kind = "secret"
    result = "secret"

    def describe(self) -> dict[str, Any] | None:
        """Return what AWS tells about the secret, and what :meth:`read` makes of its value."""
        found = self.aws.call("describe_secret", secret_id=self.name, missing=["ResourceNotFoundException"])
        if not found:
            return None
        about = {
            "name": found["name"],
            "arn": found["arn"],
            "description": found.get("description") or "",
            "kms_key_id": found.get("kms_key_id"),
            "deleted_date": found.get("deleted_date"),
            "version_ids_to_stages": found.get("version_ids_to_stages") or {},
            "tags": tagging.to_dict(found.get("tags")),
        }
        if not about["deleted_date"] and self.params["state"] == "present":
            value = self.aws.get("get_secret_value", secret_id=self.name)
            about["version_id"] = value.get("version_id")
            about.update(self.read(value.get("secret_string") or ""))
        return about

    def read(self, value: str) -> dict[str, Any]:
        """Return what may be known of the value."""
        return {"sha256": digest(value)}

    def value(self) -> str:
        """Return the value to store."""
        return str(self.params["secret_string"])

    def desired(self, actual: dict[str, Any] | None) -> dict[str, Any]:
        """Return what was asked for."""
        if actual and actual["deleted_date"]:
            raise ResourceError(
                f"the {self.kind} {self.name} awaits its deletion; restore it, or delete it with recovery_window 0"
            )
        return {**{key: self.params.get(key) for key in ("description", "kms_key_id")}, **self.desired_value()}

    def desired_value(self) -> dict[str, Any]:
        """Return what the value shall be, in the words of :meth:`read`."""
        return {"sha256": digest(self.value())}

    def create(self, desired: dict[str, Any]) -> None:
        """Create the secret with its value."""
        self.aws.get(
            "create_secret",
            name=self.name,
            secret_string=self.value(),
            description=desired.get("description"),
            kms_key_id=desired.get("kms_key_id"),
            tags=tagging.to_list(desired.get("tags")),
        )

    def update(self, actual: dict[str, Any], desired: dict[str, Any], changes: set[str]) -> None:
        """Change what is said about the secret, and its value when that differs."""
        request = {key: desired[key] for key in changes & {"description", "kms_key_id"}}
        if "sha256" in changes:
            request["secret_string"] = self.value()
        self.aws.get("update_secret", secret_id=actual["arn"], **request)

    def delete(self, actual: dict[str, Any]) -> None:
        """Delete the secret, at once when the recovery window is 0."""
        window = int(self.params["recovery_window"])
        how = {"recovery_window_in_days": window} if window else {"force_delete_without_recovery": True}
        self.aws.get("delete_secret", secret_id=actual["arn"], **how)

    def ensure_absent(self, check_mode: bool) -> Outcome:
        """Remove the secret; one that is scheduled for deletion counts as removed, unless it shall go at once."""
        actual = self.describe()
        if actual and actual["deleted_date"] and self.params["recovery_window"]:
            return Outcome(False, None)
        return super().ensure_absent(check_mode)

    def predicted(self, desired: dict[str, Any]) -> dict[str, Any]:
        """Return the name, and the ARN without its random end."""
        return {
            "name": self.name,
            "arn": self.arn("secretsmanager", f"secret:{self.name}-{UNKNOWN}"),
            "version_id": UNKNOWN,
        }

    def tag(self, actual: dict[str, Any], to_set: dict[str, str]) -> None:
        """Set tags."""
        self.aws.get("tag_resource", secret_id=actual["arn"], tags=tagging.to_list(to_set))

    def untag(self, actual: dict[str, Any], keys: list[str]) -> None:
        """Remove tags."""
        self.aws.get("untag_resource", secret_id=actual["arn"], tag_keys=keys)
