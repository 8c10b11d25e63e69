# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""DynamoDB tables with what protects them."""

from __future__ import annotations

from typing import Any

from .core import tags as tagging
from .core.compare import Rules
from .core.errors import ResourceError
from .core.resource import UNKNOWN, Resource

MISSING = ("ResourceNotFoundException",)
BUSY = ("ResourceInUseException", "LimitExceededException", "ContinuousBackupsUnavailableException")
# What UpdateTable takes in one call; indexes take a call each.
_TABLE = ("billing_mode", "provisioned_throughput", "deletion_protection_enabled", "table_class")
_THROUGHPUT = ("read_capacity_units", "write_capacity_units")


class Table(Resource):
    """A table, its indexes and its protection."""

    service = "dynamodb"
    kind = "DynamoDB table"
    result = "table"
    immutable = frozenset({"key_schema"})
    rules = Rules(
        unordered=frozenset({"non_key_attributes"}),
        keyed={"attribute_definitions": "attribute_name", "global_secondary_indexes": "index_name"},
    )

    # ---- describe ---------------------------------------------------------------------------------------------------
    def describe(self) -> dict[str, Any] | None:
        """Return the table with its expiry, its recovery and its tags."""
        table = self._table()
        if not table or table.get("table_status") == "DELETING":
            return None
        backups = self.aws.get("describe_continuous_backups", table_name=self.name).get(
            "continuous_backups_description", {}
        )
        recovery = backups.get("point_in_time_recovery_description") or {}
        expiry = self.aws.get("describe_time_to_live", table_name=self.name).get("time_to_live_description", {})
        expires = expiry.get("time_to_live_status") in ("ENABLED", "ENABLING")
        return {
            **table,
            "point_in_time_recovery": recovery.get("point_in_time_recovery_status") == "ENABLED",
            "recovery_period_in_days": recovery.get("recovery_period_in_days"),
            "time_to_live_attribute": expiry.get("attribute_name", "") if expires else "",
            "tags": tagging.to_dict(
                self.aws.all("list_tags_of_resource", "tags", resource_arn=table["table_arn"]),
            ),
        }

    def _table(self) -> dict[str, Any]:
        found = self.aws.call("describe_table", table_name=self.name, missing=MISSING)
        return dict((found or {}).get("table") or {})

    # ---- compare ----------------------------------------------------------------------------------------------------
    def desired(self, actual: dict[str, Any] | None) -> dict[str, Any]:
        """Return what was asked for."""
        if actual is None and not (self.params.get("key_schema") and self.params.get("attribute_definitions")):
            raise ResourceError(
                f"the DynamoDB table {self.name} does not exist; to create it say key_schema and attribute_definitions"
            )
        indexes = self.params.get("global_secondary_indexes")
        if indexes is not None:
            indexes = [
                {**index, "projection": index.get("projection") or {"projection_type": "ALL"}} for index in indexes
            ]
        keys = (
            *_TABLE,
            "attribute_definitions",
            "key_schema",
            "point_in_time_recovery",
            "recovery_period_in_days",
            "time_to_live_attribute",
            "sse_specification",
            "stream_specification",
        )
        wanted = {**{key: self.params.get(key) for key in keys}, "global_secondary_indexes": indexes}
        if wanted["attribute_definitions"] is not None:
            # DynamoDB forgets the types of attributes that are no key any more.
            used = _keys(wanted if wanted["key_schema"] else actual or {}) | _keys(
                *((actual or {}).get("global_secondary_indexes") or [] if indexes is None else indexes)
            )
            wanted["attribute_definitions"] = [
                item for item in wanted["attribute_definitions"] if item["attribute_name"] in used
            ]
        return wanted

    def view(self, actual: dict[str, Any]) -> dict[str, Any]:
        """Return the table in the words of a request."""
        sse = actual.get("sse_description") or {}
        on_demand = (actual.get("billing_mode_summary") or {}).get("billing_mode", "PROVISIONED")
        return {
            **actual,
            "billing_mode": on_demand,
            "deletion_protection_enabled": bool(actual.get("deletion_protection_enabled")),
            "table_class": (actual.get("table_class_summary") or {}).get("table_class", "STANDARD"),
            "sse_specification": {
                "enabled": sse.get("sse_type") == "KMS" and sse.get("status") in ("ENABLED", "ENABLING", "UPDATING"),
                "kms_master_key_id": sse.get("kms_master_key_arn"),
            },
            "stream_specification": actual.get("stream_specification") or {"stream_enabled": False},
        }

    def predicted(self, desired: dict[str, Any]) -> dict[str, Any]:
        """Return what the table will be called."""
        made = {"table_name": self.name, "table_arn": self.arn("dynamodb", f"table/{self.name}")}
        if (desired.get("stream_specification") or {}).get("stream_enabled"):
            made["latest_stream_arn"] = f"{made['table_arn']}/stream/{UNKNOWN}"
        return made

    # ---- apply ------------------------------------------------------------------------------------------------------
    def create(self, desired: dict[str, Any]) -> None:
        """Create the table; recovery and expiry can be set when it is active only."""
        keys = (*_TABLE, "attribute_definitions", "key_schema", "sse_specification", "stream_specification")
        request = {key: desired.get(key) for key in keys}
        request["global_secondary_indexes"] = desired.get("global_secondary_indexes") or None
        request["tags"] = tagging.to_list(desired.get("tags"))
        if (self._table() or {}).get("table_status") == "DELETING":
            self._wait_gone()
        self.aws.get(
            "create_table", table_name=self.name, sse_specification=_sse(request.pop("sse_specification")), **request
        )
        self._wait_active()
        self._protect(desired, {"point_in_time_recovery", "recovery_period_in_days"})
        if desired.get("time_to_live_attribute"):
            self._expire("", desired["time_to_live_attribute"])

    def update(self, actual: dict[str, Any], desired: dict[str, Any], changes: set[str]) -> None:
        """Change the table, one call at a time: DynamoDB takes no two at once."""
        if "attribute_definitions" in changes and "global_secondary_indexes" not in changes:
            raise ResourceError(
                f"the DynamoDB table {self.name} must be replaced, because AWS cannot change the type of a key: "
                f"attribute_definitions should be {desired['attribute_definitions']}"
            )
        request = {key: desired[key] for key in _TABLE if key in changes}
        if "billing_mode" in request and desired.get("provisioned_throughput"):
            request["provisioned_throughput"] = desired["provisioned_throughput"]
        if request:
            self._change(**request)
        if "sse_specification" in changes:
            self._change(sse_specification=_sse(desired["sse_specification"]))
        if "stream_specification" in changes:
            self._change(stream_specification=desired["stream_specification"])
        if "global_secondary_indexes" in changes:
            self._change_indexes(actual, desired)
        self._protect(desired, changes)
        if "time_to_live_attribute" in changes:
            self._expire(actual["time_to_live_attribute"], desired["time_to_live_attribute"])

    def _change(self, **request: Any) -> None:
        self.aws.get("update_table", table_name=self.name, retry_on=BUSY, **request)
        self._wait_active()

    def _change_indexes(self, actual: dict[str, Any], desired: dict[str, Any]) -> None:
        now = {index["index_name"]: index for index in actual.get("global_secondary_indexes") or []}
        then = {index["index_name"]: index for index in desired["global_secondary_indexes"]}
        definitions = desired.get("attribute_definitions") or actual["attribute_definitions"]
        for name, index in now.items():
            if name not in then or _shape(index) != _shape(then[name]):
                self._change(global_secondary_index_updates=[{"delete": {"index_name": name}}])
        for name, index in then.items():
            if name not in now or _shape(now[name]) != _shape(index):
                self._change(attribute_definitions=definitions, global_secondary_index_updates=[{"create": index}])
            elif index.get("provisioned_throughput"):
                capacity = {"index_name": name, "provisioned_throughput": index["provisioned_throughput"]}
                if any(
                    now[name].get("provisioned_throughput", {}).get(key) != index["provisioned_throughput"][key]
                    for key in _THROUGHPUT
                ):
                    self._change(global_secondary_index_updates=[{"update": capacity}])

    def _protect(self, desired: dict[str, Any], changes: set[str]) -> None:
        if not changes & {"point_in_time_recovery", "recovery_period_in_days"}:
            return
        enabled = bool(desired.get("point_in_time_recovery"))
        self.aws.get(
            "update_continuous_backups",
            table_name=self.name,
            point_in_time_recovery_specification={
                "point_in_time_recovery_enabled": enabled,
                "recovery_period_in_days": desired.get("recovery_period_in_days") if enabled else None,
            },
            retry_on=BUSY,
        )

    def _expire(self, before: str, after: str) -> None:
        """Change the attribute of expiry; DynamoDB wants the old one turned off first, and takes an hour for that."""
        for name, enabled in ((before, False), (after, True)):
            if name:
                self.aws.get(
                    "update_time_to_live",
                    table_name=self.name,
                    time_to_live_specification={"enabled": enabled, "attribute_name": name},
                    retry_on=BUSY,
                )

    def settle(self, changed: bool) -> None:
        """Wait until the table and its indexes are active."""
        self._wait_active()

    def _wait_active(self) -> None:
        def active() -> bool:
            table = self._table()
            indexes = table.get("global_secondary_indexes") or []
            return table.get("table_status") == "ACTIVE" and all(
                index.get("index_status", "ACTIVE") == "ACTIVE" for index in indexes
            )

        self.wait(active, f"the DynamoDB table {self.name} becoming active, with its indexes,")

    # ---- remove -----------------------------------------------------------------------------------------------------
    def delete(self, actual: dict[str, Any]) -> None:
        """Delete the table, unless it is protected and the playbook does not lift the protection."""
        if actual.get("deletion_protection_enabled"):
            if self.params.get("deletion_protection_enabled", True):
                raise ResourceError(
                    f"the DynamoDB table {self.name} is protected against deletion; "
                    "say deletion_protection_enabled: false to remove it"
                )
            self._change(deletion_protection_enabled=False)
        self.aws.call("delete_table", table_name=self.name, missing=MISSING, retry_on=BUSY)
        self._wait_gone()

    def _wait_gone(self) -> None:
        self.wait(lambda: not self._table(), f"the removal of the DynamoDB table {self.name}")

    def tag(self, actual: dict[str, Any], to_set: dict[str, str]) -> None:
        """Set tags."""
        self.aws.get("tag_resource", resource_arn=actual["table_arn"], tags=tagging.to_list(to_set))

    def untag(self, actual: dict[str, Any], keys: list[str]) -> None:
        """Remove tags."""
        self.aws.get("untag_resource", resource_arn=actual["table_arn"], tag_keys=keys)


def _sse(specification: dict[str, Any] | None) -> dict[str, Any] | None:
    if not specification:
        return None
    return {**specification, "sse_type": "KMS"} if specification.get("enabled") else {"enabled": False}


def _keys(*holders: dict[str, Any]) -> set[str]:
    return {key["attribute_name"] for holder in holders for key in holder.get("key_schema") or []}


def _shape(index: dict[str, Any]) -> Any:
    """Return what cannot be changed in an index."""
    projection = index.get("projection") or {}
    keys = sorted((key["key_type"], key["attribute_name"]) for key in index["key_schema"])
    return keys, projection.get("projection_type"), sorted(projection.get("non_key_attributes") or [])
