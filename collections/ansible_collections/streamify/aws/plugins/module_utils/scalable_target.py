# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Scalable targets of Application Auto Scaling: between which numbers something may be scaled."""

from __future__ import annotations

from typing import Any

from .core.compare import given
from .core.resource import UNKNOWN, Resource

BOUNDS = ("min_capacity", "max_capacity", "role_arn", "suspended_state")
# AWS reads and writes a target on behalf of its policies at the same time.
BUSY = ["ConcurrentUpdateException"]
GONE = ["ObjectNotFoundException"]


class Scalable(Resource):
    """What is said about something that can be scaled."""

    service = "application-autoscaling"

    @property
    def place(self) -> dict[str, str]:
        """The three names by which AWS knows what is scaled."""
        return {key: str(self.params[key]) for key in ("service_namespace", "resource_id", "scalable_dimension")}


class ScalableTarget(Scalable):
    """The bounds of what is scaled. Its capacity is nobody's business here."""

    kind = "scalable target"
    result = "scalable_target"
    identifier = "resource_id"

    def describe(self) -> dict[str, Any] | None:
        """Return the target with its tags."""
        found = self.aws.get(
            "describe_scalable_targets",
            service_namespace=self.params["service_namespace"],
            resource_ids=[self.name],
            scalable_dimension=self.params["scalable_dimension"],
        )
        targets = found.get("scalable_targets") or []
        if not targets:
            return None
        # Targets that were registered before AWS gave them ARNs have none until they are registered again.
        arn = targets[0].get("scalable_target_arn")
        tags = self.aws.get("list_tags_for_resource", resource_arn=arn).get("tags") if arn else None
        return {**targets[0], "tags": tags or {}}

    def desired(self, actual: dict[str, Any] | None) -> dict[str, Any]:
        """Return what was asked for."""
        return {**self.place, **{key: given(self.params.get(key)) for key in BOUNDS}}

    def create(self, desired: dict[str, Any]) -> None:
        """Register the target."""
        self.aws.get("register_scalable_target", retry_on=BUSY, **desired)

    def update(self, actual: dict[str, Any], desired: dict[str, Any], changes: set[str]) -> None:
        """Register the target again; AWS keeps what is not said."""
        changed = {key: desired[key] for key in changes}
        self.aws.get("register_scalable_target", retry_on=BUSY, **self.place, **changed)

    def delete(self, actual: dict[str, Any]) -> None:
        """Deregister the target; AWS deletes its policies and their alarms with it."""
        self.aws.call("deregister_scalable_target", missing=GONE, retry_on=BUSY, **self.place)

    def predicted(self, desired: dict[str, Any]) -> dict[str, Any]:
        """Return where it is, and the ARN without its random end."""
        return {
            **self.place,
            "scalable_target_arn": self.arn("application-autoscaling", f"scalable-target/{UNKNOWN}"),
        }

    def tag(self, actual: dict[str, Any], to_set: dict[str, str]) -> None:
        """Set tags."""
        self.aws.get("tag_resource", resource_arn=actual["scalable_target_arn"], tags=to_set)

    def untag(self, actual: dict[str, Any], keys: list[str]) -> None:
        """Remove tags."""
        self.aws.get("untag_resource", resource_arn=actual["scalable_target_arn"], tag_keys=keys)
