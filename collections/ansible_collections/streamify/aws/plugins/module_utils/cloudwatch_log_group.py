# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""CloudWatch log groups, whose retention a check run leaves alone."""

from __future__ import annotations

from typing import Any, ClassVar

from .core.resource import Resource


class LogGroup(Resource):
    """A log group."""

    service = "logs"
    kind = "log group"
    result = "log_group"
    immutable: ClassVar[frozenset[str]] = frozenset({"log_group_class"})

    def describe(self) -> dict[str, Any] | None:
        """Return the log group of exactly this name, with its tags."""
        listed = self.aws.all("describe_log_groups", "log_groups", log_group_name_prefix=self.name)
        found = next((group for group in listed if group["log_group_name"] == self.name), None)
        if found is None:
            return None
        tags = self.aws.get("list_tags_for_resource", resource_arn=self._arn()).get("tags") or {}
        return {**found, "retention_in_days": found.get("retention_in_days") or 0, "tags": tags}

    def _arn(self) -> str:
        return self.arn("logs", f"log-group:{self.name}")

    def desired(self, actual: dict[str, Any] | None) -> dict[str, Any]:
        """Return what was asked for."""
        return {key: self.params.get(key) for key in ("retention_in_days", "kms_key_id", "log_group_class")}

    def predicted(self, desired: dict[str, Any]) -> dict[str, Any]:
        """Return what the log group will be called."""
        return {"log_group_name": self.name, "log_group_arn": self._arn()}

    def create(self, desired: dict[str, Any]) -> None:
        """Create the log group; its retention is a call of its own."""
        self.aws.get(
            "create_log_group",
            log_group_name=self.name,
            kms_key_id=desired.get("kms_key_id"),
            log_group_class=desired.get("log_group_class"),
            tags=desired.get("tags") or None,
        )
        if desired.get("retention_in_days"):
            self._retain(desired["retention_in_days"])

    def update(self, actual: dict[str, Any], desired: dict[str, Any], changes: set[str]) -> None:
        """Change what differs."""
        if "retention_in_days" in changes:
            self._retain(desired["retention_in_days"])
        if "kms_key_id" in changes:
            self.aws.get("associate_kms_key", log_group_name=self.name, kms_key_id=desired["kms_key_id"])

    def _retain(self, days: int) -> None:
        if days:
            self.aws.get("put_retention_policy", log_group_name=self.name, retention_in_days=days)
        else:
            self.aws.get("delete_retention_policy", log_group_name=self.name)

    def delete(self, actual: dict[str, Any]) -> None:
        """Delete the log group with all that was logged."""
        self.aws.call("delete_log_group", log_group_name=self.name, missing=["ResourceNotFoundException"])

    def tag(self, actual: dict[str, Any], to_set: dict[str, str]) -> None:
        """Set tags."""
        self.aws.get("tag_resource", resource_arn=self._arn(), tags=to_set)

    def untag(self, actual: dict[str, Any], keys: list[str]) -> None:
        """Remove tags."""
        self.aws.get("untag_resource", resource_arn=self._arn(), tag_keys=keys)
