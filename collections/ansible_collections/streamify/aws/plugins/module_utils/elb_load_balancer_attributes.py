# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Attributes of load balancers."""

from __future__ import annotations

from typing import Any

from .core.errors import ResourceError
from .core.resource import UNKNOWN, Resource


class LoadBalancerAttributes(Resource):
    """The attributes of a load balancer that stands; which of them are known is AWS's to say."""

    service = "elbv2"
    kind = "load balancer"
    result = "load_balancer"

    def describe(self) -> dict[str, Any] | None:
        """Return the load balancer with its attributes."""
        found = self.aws.call("describe_load_balancers", names=[self.name], missing=("LoadBalancerNotFound",)) or {}
        for balancer in found.get("load_balancers") or []:
            arn = balancer["load_balancer_arn"]
            read = self.aws.get("describe_load_balancer_attributes", load_balancer_arn=arn).get("attributes") or []
            return {**balancer, "attributes": {item["key"]: item.get("value", "") for item in read}}
        return None

    def desired(self, actual: dict[str, Any] | None) -> dict[str, Any]:
        """Return what was asked for, as strings."""
        asked = {key: _text(value) for key, value in self.params["attributes"].items() if value is not None}
        unknown = sorted(set(asked) - set((actual or {}).get("attributes") or asked))
        if unknown:
            raise ResourceError(f"the load balancer {self.name} has no attribute {unknown[0]!r}")
        return {"attributes": asked}

    def create(self, desired: dict[str, Any]) -> None:
        """Refuse: attributes alone make no load balancer."""
        raise ResourceError(f"there is no load balancer {self.name}")

    def update(self, actual: dict[str, Any], desired: dict[str, Any], changes: set[str]) -> None:
        """Set those attributes that differ."""
        different = {
            key: value for key, value in desired["attributes"].items() if actual["attributes"].get(key) != value
        }
        self.aws.get(
            "modify_load_balancer_attributes",
            load_balancer_arn=actual["load_balancer_arn"],
            attributes=[{"key": key, "value": value} for key, value in sorted(different.items())],
        )

    def predicted(self, desired: dict[str, Any]) -> dict[str, Any]:
        """Return what a load balancer that is to be made beforehand will have."""
        return {
            "load_balancer_name": self.name,
            "load_balancer_arn": UNKNOWN,
            "dns_name": UNKNOWN,
            "canonical_hosted_zone_id": UNKNOWN,
        }


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
