#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudwatch_metric_alarm
version_added: 0.1.0
short_description: Ensure a CloudWatch alarm
description:
  - Ensures an alarm on a metric, on a percentile of it, or on an expression over several metrics.
  - Unlike M(amazon.aws.cloudwatch_metric_alarm) it compares O(metrics) too, and has tags.
author:
  - The Streamify authors (@streamify)
options:
  name:
    description: The name.
    type: str
    required: true
    aliases: [alarm_name]
  alarm_description:
    description: What the alarm means, and what to do.
    type: str
  namespace:
    description: The metric's namespace.
    type: str
  metric_name:
    description: The metric's name.
    type: str
  dimensions:
    description: The metric's dimensions.
    type: dict
  statistic:
    description: What is taken of the values of a period.
    type: str
    choices: [SampleCount, Average, Sum, Minimum, Maximum]
  extended_statistic:
    description: A percentile that is taken of the values of a period, such as C(p99).
    type: str
  period:
    description: Seconds of a period.
    type: int
  unit:
    description: The metric's unit; the alarm sees no values of another one.
    type: str
  metrics:
    description:
      - The queries of an alarm on an expression, in AWS's words in snake_case.
      - Just one of them says C(return_data=true).
    type: list
    elements: dict
  comparison_operator:
    description: How a value is compared with the threshold.
    type: str
    choices: [GreaterThanOrEqualToThreshold, GreaterThanThreshold, LessThanThreshold, LessThanOrEqualToThreshold]
  threshold:
    description: The threshold.
    type: float
  evaluation_periods:
    description: How many of the last periods are looked at.
    type: int
  datapoints_to_alarm:
    description: How many of them must be beyond the threshold; all of them otherwise.
    type: int
  treat_missing_data:
    description: What a period without values counts as.
    type: str
    choices: [breaching, notBreaching, ignore, missing]
    default: missing
  evaluate_low_sample_count_percentile:
    description: What a percentile of too few values counts as.
    type: str
    choices: [evaluate, ignore]
  actions_enabled:
    description: Whether the alarm tells anybody.
    type: bool
    default: true
  alarm_actions:
    description: ARNs that are told when the alarm goes off.
    type: list
    elements: str
    default: []
  ok_actions:
    description: ARNs that are told when it is over.
    type: list
    elements: str
    default: []
  insufficient_data_actions:
    description: ARNs that are told when nothing is known.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - streamify.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Ensure an alarm on slow answers
  streamify.aws.cloudwatch_metric_alarm:
    name: streamify-production-latency
    namespace: AWS/ApplicationELB
    metric_name: TargetResponseTime
    dimensions:
      LoadBalancer: app/streamify-production-public/0123456789abcdef
    extended_statistic: p99
    period: 60
    evaluation_periods: 5
    datapoints_to_alarm: 3
    comparison_operator: GreaterThanThreshold
    threshold: 1
    treat_missing_data: notBreaching

- name: Ensure an alarm on the share of failed requests
  streamify.aws.cloudwatch_metric_alarm:
    name: streamify-production-errors
    metrics:
      - id: share
        expression: 100 * errors / requests
        return_data: true
      - id: errors
        metric_stat:
          metric:
            namespace: AWS/ApplicationELB
            metric_name: HTTPCode_Target_5XX_Count
            dimensions:
              - name: LoadBalancer
                value: app/streamify-production-public/0123456789abcdef
          period: 60
          stat: Sum
        return_data: false
      - id: requests
        metric_stat:
          metric:
            namespace: AWS/ApplicationELB
            metric_name: RequestCount
            dimensions:
              - name: LoadBalancer
                value: app/streamify-production-public/0123456789abcdef
          period: 60
          stat: Sum
        return_data: false
    evaluation_periods: 5
    comparison_operator: GreaterThanThreshold
    threshold: 1
    alarm_actions: ["arn:aws:sns:eu-central-1:123456789012:streamify-production-alarms"]
"""

RETURN = r"""
alarm:
  description: The alarm, in AWS's words in snake_case; empty with O(state=absent).
  returned: always
  type: dict
  contains:
    alarm_arn:
      description: The ARN.
      type: str
      returned: when it exists
      sample: arn:aws:cloudwatch:eu-central-1:123456789012:alarm:streamify-production-latency
    alarm_name:
      description: The name.
      type: str
      returned: when it exists
      sample: streamify-production-latency
    state_value:
      description: The state.
      type: str
      returned: when it exists
      sample: OK
    tags:
      description: The tags.
      type: dict
      returned: when it exists
"""

from ansible_collections.streamify.aws.plugins.module_utils.cloudwatch_metric_alarm import MetricAlarm
from ansible_collections.streamify.aws.plugins.module_utils.core.module import arguments, run


def main() -> None:
    """Run the module."""
    run(
        MetricAlarm,
        arguments(
            tags=True,
            name={"type": "str", "required": True, "aliases": ["alarm_name"]},
            alarm_description={"type": "str"},
            namespace={"type": "str"},
            metric_name={"type": "str"},
            dimensions={"type": "dict"},
            statistic={"type": "str", "choices": ["SampleCount", "Average", "Sum", "Minimum", "Maximum"]},
            extended_statistic={"type": "str"},
            period={"type": "int"},
            unit={"type": "str"},
            metrics={"type": "list", "elements": "dict"},
            comparison_operator={
                "type": "str",
                "choices": [
                    "GreaterThanOrEqualToThreshold",
                    "GreaterThanThreshold",
                    "LessThanThreshold",
                    "LessThanOrEqualToThreshold",
                ],
            },
            threshold={"type": "float"},
            evaluation_periods={"type": "int"},
            datapoints_to_alarm={"type": "int"},
            treat_missing_data={
                "type": "str",
                "choices": ["breaching", "notBreaching", "ignore", "missing"],
                "default": "missing",
            },
            evaluate_low_sample_count_percentile={"type": "str", "choices": ["evaluate", "ignore"]},
            actions_enabled={"type": "bool", "default": True},
            alarm_actions={"type": "list", "elements": "str", "default": []},
            ok_actions={"type": "list", "elements": "str", "default": []},
            insufficient_data_actions={"type": "list", "elements": "str", "default": []},
        ),
        mutually_exclusive=[
            ("metrics", "metric_name"),
            ("metrics", "dimensions"),
            ("metrics", "period"),
            ("metrics", "statistic"),
            ("metrics", "extended_statistic"),
            ("metrics", "namespace"),
            ("statistic", "extended_statistic"),
        ],
        required_if=[
            ("state", "present", ["comparison_operator", "threshold", "evaluation_periods"]),
            ("state", "present", ["metrics", "metric_name"], True),
        ],
        required_by={"metric_name": ("namespace", "period")},
    )


if __name__ == "__main__":
    main()
