# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Target groups of load balancers. Targets are nobody's business here."""

from __future__ import annotations

from typing import Any

from .core import tags as tagging
from .core.errors import ResourceError
from .core.resource import UNKNOWN, Resource

IDENTITY = ("protocol", "protocol_version", "port", "vpc_id", "target_type", "ip_address_type")
HEALTH_CHECK = (
    "health_check_enabled",
    "health_check_protocol",
    "health_check_port",
    "health_check_path",
    "health_check_interval_seconds",
    "health_check_timeout_seconds",
    "healthy_threshold_count",
    "unhealthy_threshold_count",
    "matcher",
)
# https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroupAttribute.html
ATTRIBUTES = frozenset(
    {
        "deregistration_delay.connection_termination.enabled",
        "deregistration_delay.timeout_seconds",
        "lambda.multi_value_headers.enabled",
        "load_balancing.algorithm.anomaly_mitigation",
        "load_balancing.algorithm.type",
        "load_balancing.cross_zone.enabled",
        "preserve_client_ip.enabled",
        "proxy_protocol_v2.enabled",
        "slow_start.duration_seconds",
        "stickiness.app_cookie.cookie_name",
        "stickiness.app_cookie.duration_seconds",
        "stickiness.enabled",
        "stickiness.lb_cookie.duration_seconds",
        "stickiness.type",
        "target_failover.on_deregistration",
        "target_failover.on_unhealthy",
        "target_group_health.dns_failover.minimum_healthy_targets.count",
        "target_group_health.dns_failover.minimum_healthy_targets.percentage",
        "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count",
        "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage",
        "target_health_state.unhealthy.connection_termination.enabled",
        "target_health_state.unhealthy.draining_interval_seconds",
    }
)


class TargetGroup(Resource):
    """A target group with its health check, attributes and tags."""

    service = "elbv2"
    kind = "target group"
    result = "target_group"
    immutable = frozenset(IDENTITY)

    def describe(self) -> dict[str, Any] | None:
        """Return the target group of this name."""
        found = self.aws.call(
            "describe_target_groups", names=[self.name], missing=["TargetGroupNotFound", "TargetGroupNotFoundException"]
        )
        groups = (found or {}).get("target_groups") or []
        if not groups:
            return None
        arn = groups[0]["target_group_arn"]
        attributes = self.aws.get("describe_target_group_attributes", target_group_arn=arn).get("attributes") or []
        tags = self.aws.get("describe_tags", resource_arns=[arn]).get("tag_descriptions") or [{}]
        return {
            **groups[0],
            "attributes": {item["key"]: item.get("value", "") for item in attributes},
            "tags": tagging.to_dict(tags[0].get("tags")),
        }

    def desired(self, actual: dict[str, Any] | None) -> dict[str, Any]:
        """Return what was asked for; attributes are strings, as AWS writes them."""
        wanted = {key: self.params.get(key) for key in (*IDENTITY, *HEALTH_CHECK)}
        required = ("protocol", "port", "vpc_id") if actual is None and wanted["target_type"] != "lambda" else ()
        missing = [key for key in required if wanted[key] is None]
        if missing:
            raise ResourceError(f"the target group {self.name} does not exist; to create it say {', '.join(missing)}")
        asked = self.params.get("attributes")
        if asked is not None:
            wanted["attributes"] = _texts(asked)
            self._check_attributes(_texts(asked), (actual or {}).get("attributes") or {})
        return wanted

    def _check_attributes(self, asked: dict[str, str], actual: dict[str, str]) -> None:
        unknown = sorted(set(asked) - ATTRIBUTES)
        if unknown:
            raise ResourceError(f"the target group {self.name}: AWS has no attribute named {', '.join(unknown)}")
        both = {**actual, **asked}
        algorithm = both.get("load_balancing.algorithm.type", "round_robin")
        if both.get("slow_start.duration_seconds", "0") != "0" and algorithm != "round_robin":
            raise ResourceError(
                f"the target group {self.name}: slow start works with the algorithm round_robin only, not {algorithm}"
            )

    def create(self, desired: dict[str, Any]) -> None:
        """Create the target group, then set its attributes."""
        made = self.aws.get(
            "create_target_group",
            name=self.name,
            tags=tagging.to_list(desired.get("tags")),
            **{key: desired.get(key) for key in (*IDENTITY, *HEALTH_CHECK)},
        )
        self._set_attributes(made["target_groups"][0]["target_group_arn"], desired.get("attributes") or {})

    def update(self, actual: dict[str, Any], desired: dict[str, Any], changes: set[str]) -> None:
        """Change the health check and the attributes."""
        arn = actual["target_group_arn"]
        check = {key: desired[key] for key in HEALTH_CHECK if key in changes}
        if check:
            self.aws.get("modify_target_group", target_group_arn=arn, **check)
        if "attributes" in changes:
            different = {
                key: value for key, value in desired["attributes"].items() if actual["attributes"].get(key) != value
            }
            self._set_attributes(arn, different)

    def _set_attributes(self, arn: str, attributes: dict[str, str]) -> None:
        if attributes:
            self.aws.get(
                "modify_target_group_attributes",
                target_group_arn=arn,
                attributes=[{"key": key, "value": value} for key, value in sorted(attributes.items())],
            )

    def predicted(self, desired: dict[str, Any]) -> dict[str, Any]:
        """Return the name, and the ARN without its random end."""
        return {
            "target_group_name": self.name,
            "target_group_arn": self.arn("elasticloadbalancing", f"targetgroup/{self.name}/{UNKNOWN}"),
            "load_balancer_arns": [],
        }

    def delete(self, actual: dict[str, Any]) -> None:
        """Delete the target group as soon as nothing uses it any more."""
        arn = actual["target_group_arn"]

        def gone() -> bool:
            answer = self.aws.call("delete_target_group", target_group_arn=arn, missing=["ResourceInUse"])
            return answer is not None

        self.wait(gone, f"the removal of the target group {self.name}, which is still in use,")

    def tag(self, actual: dict[str, Any], to_set: dict[str, str]) -> None:
        """Set tags."""
        self.aws.get("add_tags", resource_arns=[actual["target_group_arn"]], tags=tagging.to_list(to_set))

    def untag(self, actual: dict[str, Any], keys: list[str]) -> None:
        """Remove tags."""
        self.aws.get("remove_tags", resource_arns=[actual["target_group_arn"]], tag_keys=keys)


def _texts(attributes: dict[str, Any]) -> dict[str, str]:
    return {key: _text(value) for key, value in attributes.items() if value is not None}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
