# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Scaling policies of Application Auto Scaling that follow a target value."""

from __future__ import annotations

from typing import Any

from .core.compare import Rules
from .core.errors import ResourceError
from .core.resource import UNKNOWN
from .scalable_target import BUSY, GONE, Scalable

TYPE = "TargetTrackingScaling"
CONFIGURATION = "target_tracking_scaling_policy_configuration"
# Namespaces whose cool-down is 300 seconds unless said; of the others it is none.
# https://docs.aws.amazon.com/autoscaling/application/APIReference/API_TargetTrackingScalingPolicyConfiguration.html
_COOLING = frozenset(
    {"appstream", "comprehend", "custom-resource", "ec2", "ecs", "elasticache", "elasticmapreduce", "neptune", "rds",
     "sagemaker"}
)  # fmt: skip


class ScalingPolicy(Scalable):
    """A target-tracking policy. AWS makes its alarms."""

    kind = "scaling policy"
    result = "scaling_policy"
    rules = Rules(exact=frozenset({CONFIGURATION}))

    def describe(self) -> dict[str, Any] | None:
        """Return the policy of this name."""
        found = self.aws.get("describe_scaling_policies", policy_names=[self.name], **self.place)
        policies = found.get("scaling_policies") or []
        return policies[0] if policies else None

    def desired(self, actual: dict[str, Any] | None) -> dict[str, Any]:
        """Return what was asked for, all of it: a policy is always put whole."""
        asked = self.aws.normal("put_scaling_policy", CONFIGURATION, self.params[CONFIGURATION])
        metrics = sorted({"predefined_metric_specification", "customized_metric_specification"} & set(asked))
        if len(metrics) != 1:
            raise ResourceError(
                f"the scaling policy {self.name}: say one of predefined_metric_specification and "
                "customized_metric_specification"
            )
        return {"policy_type": TYPE, CONFIGURATION: self._whole(asked)}

    def _whole(self, configuration: dict[str, Any]) -> dict[str, Any]:
        cooldown = 300 if self.params["service_namespace"] in _COOLING else 0
        defaults = {"disable_scale_in": False, "scale_in_cooldown": cooldown, "scale_out_cooldown": cooldown}
        return {**defaults, **configuration}

    def view(self, actual: dict[str, Any]) -> dict[str, Any]:
        """Return the policy with AWS's defaults where it says nothing."""
        return {**actual, CONFIGURATION: self._whole(actual.get(CONFIGURATION) or {})}

    def create(self, desired: dict[str, Any]) -> None:
        """Put the policy."""
        self.aws.get("put_scaling_policy", policy_name=self.name, retry_on=BUSY, **self.place, **desired)

    def update(self, actual: dict[str, Any], desired: dict[str, Any], changes: set[str]) -> None:
        """Put the policy again."""
        self.create(desired)

    def delete(self, actual: dict[str, Any]) -> None:
        """Delete the policy; AWS deletes its alarms with it."""
        self.aws.call("delete_scaling_policy", policy_name=self.name, missing=GONE, retry_on=BUSY, **self.place)

    def predicted(self, desired: dict[str, Any]) -> dict[str, Any]:
        """Return the name, and the ARN without its random part."""
        path = f"resource/{self.params['service_namespace']}/{self.params['resource_id']}:policyName/{self.name}"
        return {
            **self.place,
            "policy_name": self.name,
            "policy_arn": self.arn("autoscaling", f"scalingPolicy:{UNKNOWN}:{path}"),
            "alarms": [],
        }
