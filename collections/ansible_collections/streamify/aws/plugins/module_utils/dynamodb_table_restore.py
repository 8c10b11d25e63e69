# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A DynamoDB table that is made of what another one held at a moment."""

from __future__ import annotations

import datetime
from typing import Any

from .core.errors import ResourceError
from .core.resource import Resource

MISSING = ("ResourceNotFoundException", "TableNotFoundException")
BUSY = ("LimitExceededException", "ResourceInUseException")


def moment(text: Any, what: str) -> datetime.datetime:
    """Return a moment in UTC, to the second: DynamoDB's and S3's own precision.

    :param text: ISO 8601 with its distance to UTC, such as ``2026-01-31T12:00:00Z``.
    :param what: the option's name, for the message.
    :raises ResourceError: for anything else.
    """
    try:
        made = datetime.datetime.fromisoformat(str(text))
    except ValueError:
        made = None
    if made is None or made.tzinfo is None:
        raise ResourceError(f"{what} must be a moment such as 2026-01-31T12:00:00Z, not {text!r}")
    return made.astimezone(datetime.timezone.utc).replace(microsecond=0)  # noqa: UP017 - older Pythons


class TableRestore(Resource):
    """The restored table; what DynamoDB does not restore is the module dynamodb_table's."""

    service = "dynamodb"
    kind = "restored DynamoDB table"
    result = "table"
    immutable = frozenset({"source_table", "restore_date_time"})

    def describe(self) -> dict[str, Any] | None:
        """Return the table."""
        table = self._table(self.name)
        return table if table and table.get("table_status") != "DELETING" else None

    def _table(self, name: str) -> dict[str, Any]:
        return dict((self.aws.call("describe_table", table_name=name, missing=MISSING) or {}).get("table") or {})

    def desired(self, actual: dict[str, Any] | None) -> dict[str, Any]:
        """Return what was asked for; a moment that cannot be gone back to is refused before anything is done."""
        asked = self.params.get("restore_date_time")
        when = moment(asked, "restore_date_time") if asked else None
        if actual is None:
            self._look_at_the_source(when)
        elif not actual.get("restore_summary"):
            raise ResourceError(
                f"the DynamoDB table {self.name} exists and was not restored from another: choose a name"
            )
        return {"source_table": self.params["source_table"], "restore_date_time": when and when.isoformat()}

    def _look_at_the_source(self, when: datetime.datetime | None) -> None:
        source = self.params["source_table"]
        if not self._table(source):
            raise ResourceError(f"there is no DynamoDB table {source} to restore from")
        answer = self.aws.get("describe_continuous_backups", table_name=source).get(
            "continuous_backups_description", {}
        )
        recovery = answer.get("point_in_time_recovery_description") or {}
        if recovery.get("point_in_time_recovery_status") != "ENABLED":
            raise ResourceError(f"the DynamoDB table {source} has no point-in-time recovery: it cannot be restored")
        first, last = (recovery[f"{each}_restorable_date_time"] for each in ("earliest", "latest"))
        first, last = moment(first, "earliest"), moment(last, "latest")
        if when is not None and not first <= when <= last:
            raise ResourceError(
                f"the DynamoDB table {source} can be restored to moments from {first.isoformat()} to "
                f"{last.isoformat()}, not to {when.isoformat()}"
            )

    def view(self, actual: dict[str, Any]) -> dict[str, Any]:
        """Return what the table was made of, in the words of a request."""
        summary = actual.get("restore_summary") or {}
        seen = {"source_table": str(summary.get("source_table_arn", "")).rpartition("/")[2]}
        if summary.get("restore_date_time"):
            seen["restore_date_time"] = moment(summary["restore_date_time"], "restore_date_time").isoformat()
        return seen

    def predicted(self, desired: dict[str, Any]) -> dict[str, Any]:
        """Return what the table will be called."""
        return {"table_name": self.name, "table_arn": self.arn("dynamodb", f"table/{self.name}")}

    def create(self, desired: dict[str, Any]) -> None:
        """Begin the restore."""
        when = desired.get("restore_date_time")
        self.aws.get(
            "restore_table_to_point_in_time",
            source_table_name=desired["source_table"],
            target_table_name=self.name,
            restore_date_time=when,
            use_latest_restorable_time=None if when else True,
            retry_on=BUSY,
        )

    def settle(self, changed: bool) -> None:
        """Wait until the table and its indexes hold everything."""

        def whole() -> bool:
            table = self._table(self.name)
            indexes = table.get("global_secondary_indexes") or []
            return table.get("table_status") == "ACTIVE" and all(
                index.get("index_status", "ACTIVE") == "ACTIVE" for index in indexes
            )

        self.wait(whole, f"the restore of the DynamoDB table {self.name}")
