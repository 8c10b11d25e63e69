# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Flow logs of VPCs, subnets and network interfaces."""

from __future__ import annotations

from typing import Any

from .core import tags as tagging
from .core.compare import Rules
from .core.errors import ResourceError
from .core.resource import UNKNOWN, Resource

SETTINGS = ("traffic_type", "log_destination_type", "deliver_logs_permission_arn", "max_aggregation_interval")


class FlowLog(Resource):
    """The flow log of one resource to one destination. AWS changes none: one that differs is replaced."""

    service = "ec2"
    kind = "flow log of"
    result = "flow_log"
    identifier = "resource_id"
    rules = Rules()

    def describe(self) -> dict[str, Any] | None:
        """Return the flow log that goes where the playbook says."""
        found = self.aws.all("describe_flow_logs", "flow_logs", filter=[{"name": "resource-id", "values": [self.name]}])
        for log in found:
            if self._destination() in (log.get("log_group_name"), log.get("log_destination")):
                return {**log, "tags": tagging.to_dict(log.get("tags"))}
        return None

    def _destination(self) -> str:
        return str(self.params.get("log_group_name") or self.params.get("log_destination"))

    def desired(self, actual: dict[str, Any] | None) -> dict[str, Any]:
        """Return what was asked for."""
        return {key: self.params.get(key) for key in SETTINGS}

    def create(self, desired: dict[str, Any]) -> None:
        """Create the flow log."""
        tags = tagging.to_list(desired.get("tags"))
        answer = self.aws.get(
            "create_flow_logs",
            resource_ids=[self.name],
            resource_type=self.params["resource_type"],
            log_group_name=self.params.get("log_group_name"),
            log_destination=self.params.get("log_destination"),
            tag_specifications=[{"resource_type": "vpc-flow-log", "tags": tags}] if tags else None,
            **{key: value for key, value in desired.items() if key != "tags"},
        )
        for refused in answer.get("unsuccessful") or []:
            raise ResourceError(f"AWS refused the flow log of {self.name}: {refused['error']['message']}")

    def update(self, actual: dict[str, Any], desired: dict[str, Any], changes: set[str]) -> None:
        """Replace the flow log; what flows meanwhile is not logged."""
        self.delete(actual)
        self.create({**desired, "tags": desired.get("tags", actual["tags"])})

    def foreseen(self, actual: dict[str, Any], desired: dict[str, Any], changes: set[str]) -> dict[str, Any]:
        """Return the flow log as it would be: another one, unless only tags change."""
        made = super().foreseen(actual, desired, changes)
        return {**made, "flow_log_id": UNKNOWN} if changes - {"tags"} else made

    def predicted(self, desired: dict[str, Any]) -> dict[str, Any]:
        """Return the resource that is logged."""
        return {"resource_id": self.name, "flow_log_id": UNKNOWN}

    def delete(self, actual: dict[str, Any]) -> None:
        """Delete the flow log; what it wrote stays."""
        answer = self.aws.get("delete_flow_logs", flow_log_ids=[actual["flow_log_id"]])
        for refused in answer.get("unsuccessful") or []:
            raise ResourceError(f"AWS did not delete the flow log of {self.name}: {refused['error']['message']}")

    def _retag(self, actual: dict[str, Any], desired: dict[str, str]) -> None:
        # A flow log that was replaced has another id, and its tags already.
        super()._retag(self.describe() or actual, desired)

    def tag(self, actual: dict[str, Any], to_set: dict[str, str]) -> None:
        """Set tags."""
        self.aws.get("create_tags", resources=[actual["flow_log_id"]], tags=tagging.to_list(to_set))

    def untag(self, actual: dict[str, Any], keys: list[str]) -> None:
        """Remove tags."""
        self.aws.get("delete_tags", resources=[actual["flow_log_id"]], tags=[{"key": key} for key in keys])
