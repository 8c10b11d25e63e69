# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""CloudWatch alarms on a metric, a percentile of it or an expression over several."""

from __future__ import annotations

from typing import Any

from .core import tags as tagging
from .core.compare import Rules
from .core.resource import Resource

SETTINGS = (
    "actions_enabled",
    "alarm_actions",
    "alarm_description",
    "comparison_operator",
    "datapoints_to_alarm",
    "evaluate_low_sample_count_percentile",
    "evaluation_periods",
    "extended_statistic",
    "insufficient_data_actions",
    "metric_name",
    "metrics",
    "namespace",
    "ok_actions",
    "period",
    "statistic",
    "threshold",
    "treat_missing_data",
    "unit",
)


class MetricAlarm(Resource):
    """An alarm. PutMetricAlarm replaces the whole of it, but for its tags and its state."""

    service = "cloudwatch"
    kind = "CloudWatch alarm"
    result = "alarm"
    rules = Rules(
        unordered=frozenset({"alarm_actions", "insufficient_data_actions", "ok_actions"}),
        keyed={"metrics": "id", "dimensions": "name"},
    )

    def describe(self) -> dict[str, Any] | None:
        """Return the alarm with its tags."""
        found = self.aws.get("describe_alarms", alarm_names=[self.name], alarm_types=["MetricAlarm"])
        for alarm in found.get("metric_alarms") or []:
            tags = self.aws.get("list_tags_for_resource", resource_arn=alarm["alarm_arn"])
            return {**alarm, "tags": tagging.to_dict(tags.get("tags"))}
        return None

    def desired(self, actual: dict[str, Any] | None) -> dict[str, Any]:
        """Return what was asked for, in AWS's types."""
        wanted = {key: self.params.get(key) for key in SETTINGS}
        dimensions = self.params.get("dimensions")
        if dimensions is not None:
            wanted["dimensions"] = [{"name": name, "value": value} for name, value in dimensions.items()]
        return {
            key: self.aws.normal("put_metric_alarm", key, value) for key, value in wanted.items() if value is not None
        }

    def create(self, desired: dict[str, Any]) -> None:
        """Create the alarm."""
        settings = {key: value for key, value in desired.items() if key != "tags"}
        tags = tagging.to_list(desired.get("tags"))
        self.aws.get("put_metric_alarm", alarm_name=self.name, tags=tags, **settings)

    def update(self, actual: dict[str, Any], desired: dict[str, Any], changes: set[str]) -> None:
        """Replace what the alarm says."""
        settings = {key: value for key, value in desired.items() if key != "tags"}
        self.aws.get("put_metric_alarm", alarm_name=self.name, **settings)

    def predicted(self, desired: dict[str, Any]) -> dict[str, Any]:
        """Return the alarm's name and ARN."""
        return {"alarm_name": self.name, "alarm_arn": self.arn("cloudwatch", f"alarm:{self.name}")}

    def delete(self, actual: dict[str, Any]) -> None:
        """Delete the alarm."""
        self.aws.get("delete_alarms", alarm_names=[self.name])

    def tag(self, actual: dict[str, Any], to_set: dict[str, str]) -> None:
        """Set tags."""
        self.aws.get("tag_resource", resource_arn=actual["alarm_arn"], tags=tagging.to_list(to_set))

    def untag(self, actual: dict[str, Any], keys: list[str]) -> None:
        """Remove tags."""
        self.aws.get("untag_resource", resource_arn=actual["alarm_arn"], tag_keys=keys)
