# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Route 53 records of simple routing: aliases of AWS's resources, and plain ones."""

from __future__ import annotations

from typing import Any

from .core.compare import Rules
from .core.errors import ResourceError
from .core.resource import Context, Resource


class Record(Resource):
    """One name and type of a hosted zone."""

    service = "route53"
    kind = "Route 53 record"
    result = "record"
    rules = Rules(unordered=frozenset({"resource_records"}), exact=frozenset({"alias_target"}))

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._zone_id = ""
        self._change_id = ""

    def describe(self) -> dict[str, Any] | None:
        """Return the record; None also when there is no such zone yet, as in check mode."""
        zone = self._find_zone()
        if not zone:
            return None
        listed = self.aws.get(
            "list_resource_record_sets",
            hosted_zone_id=zone,
            start_record_name=_absolute(self.name),
            start_record_type=self.params["type"],
            max_items="1",
        )
        for record in listed.get("resource_record_sets") or []:
            if _absolute(record["name"]) == _absolute(self.name) and record["type"] == self.params["type"]:
                if record.get("set_identifier"):
                    raise ResourceError(
                        f"the Route 53 record {self.name} is one of several with a routing policy "
                        f"({record['set_identifier']}); this module ensures records of simple routing"
                    )
                return {**record, "hosted_zone_id": zone}
        return None

    def _find_zone(self) -> str:
        if self._zone_id or self.params.get("zone_id"):
            self._zone_id = str(self._zone_id or self.params["zone_id"]).rpartition("/")[2]
            return self._zone_id
        private = bool(self.params.get("private_zone"))
        found = [
            str(zone["id"]).rpartition("/")[2]
            for zone in self.aws.all("list_hosted_zones", "hosted_zones")
            if _absolute(zone["name"]) == _absolute(self.params["zone"])
            and bool((zone.get("config") or {}).get("private_zone")) == private
        ]
        if len(found) > 1:
            raise ResourceError(
                f"there are several hosted zones {self.params['zone']}: say which with zone_id ({', '.join(found)})"
            )
        self._zone_id = found[0] if found else ""
        return self._zone_id

    def desired(self, actual: dict[str, Any] | None) -> dict[str, Any]:
        """Return what was asked for, with names as Route 53 writes them."""
        alias = self.params.get("alias_target")
        if alias:
            return {"alias_target": {**alias, "dns_name": _absolute(alias["dns_name"])}}
        return {"ttl": self.params["ttl"], "resource_records": [str(item) for item in self.params["resource_records"]]}

    def view(self, actual: dict[str, Any]) -> dict[str, Any]:
        """Return the actual record in the words of desired."""
        seen = {**actual, "resource_records": [item["value"] for item in actual.get("resource_records") or []]}
        if actual.get("alias_target"):
            target = actual["alias_target"]
            seen["alias_target"] = {**target, "dns_name": _absolute(target["dns_name"])}
        return seen

    def create(self, desired: dict[str, Any]) -> None:
        """Create the record."""
        if not self._find_zone():
            private = "private " if self.params.get("private_zone") else ""
            raise ResourceError(f"there is no {private}hosted zone {self.params['zone']} for the record {self.name}")
        self._upsert(desired)

    def update(self, actual: dict[str, Any], desired: dict[str, Any], changes: set[str]) -> None:
        """Replace the record."""
        self._upsert(desired)

    def _upsert(self, desired: dict[str, Any]) -> None:
        record = {"name": _absolute(self.name), "type": self.params["type"], **desired}
        if "resource_records" in desired:
            record["resource_records"] = [{"value": value} for value in desired["resource_records"]]
        self._change("UPSERT", record)

    def _change(self, action: str, record: dict[str, Any]) -> None:
        answer = self.aws.get(
            "change_resource_record_sets",
            hosted_zone_id=self._find_zone(),
            change_batch={"changes": [{"action": action, "resource_record_set": record}]},
            retry_on=("PriorRequestNotComplete",),
        )
        self._change_id = str(answer["change_info"]["id"])

    def settle(self, changed: bool) -> None:
        """Wait until all name servers answer with the change."""

        def answered() -> bool:
            answer = self.aws.get("get_change", id=self._change_id.rpartition("/")[2])
            return str(answer["change_info"]["status"]) == "INSYNC"

        if self._change_id:
            self.wait(answered, f"the Route 53 record {self.name} reaching all name servers")

    def predicted(self, desired: dict[str, Any]) -> dict[str, Any]:
        """Return the record's name and type."""
        return {"name": _absolute(self.name), "type": self.params["type"]}

    def delete(self, actual: dict[str, Any]) -> None:
        """Delete the record, which Route 53 wants to be told in full."""
        self._change("DELETE", {key: value for key, value in actual.items() if key != "hosted_zone_id"})
        self.settle(True)


def _absolute(name: str) -> str:
    """Return a name as it is compared: in small letters, with the last dot, and ``*`` as Route 53 writes it."""
    return name.lower().rstrip(".").replace("*", "\\052") + "."
