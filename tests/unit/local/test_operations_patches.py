# SPDX-License-Identifier: Apache-2.0
"""Alarms and flow logs are described as they were asked for."""

from collections.abc import Iterator

import pytest
from ministack.services import ec2
from streamify_local.emulator.patches import cloudwatch_alarm_fields, ec2_flow_log_fields

ANSWER = (
    "<item><flowLogId>fl-1</flowLogId><logDestinationType>cloud-watch-logs</logDestinationType>"
    "<logDestination>/vpc/x</logDestination></item>"
    "<item><flowLogId>fl-2</flowLogId><logDestinationType>s3</logDestinationType>"
    "<logDestination>arn:aws:s3:::logs</logDestination></item>"
)


@pytest.fixture
def logs() -> Iterator[None]:
    group = {"LogDestinationType": "cloud-watch-logs", "LogDestination": "/vpc/x", "Role": "arn:role", "Interval": "60"}
    ec2._flow_logs["fl-1"] = group
    ec2._flow_logs["fl-2"] = {"LogDestinationType": "s3", "LogDestination": "arn:aws:s3:::logs", "Interval": "600"}
    yield
    del ec2._flow_logs["fl-1"], ec2._flow_logs["fl-2"]


def test_percentile_alarm_has_no_statistic() -> None:
    alarm = {"AlarmName": "a", "Statistic": "Average", "ExtendedStatistic": "p99", "Period": 60, "MetricName": "m"}
    cloudwatch_alarm_fields.as_put(
        alarm,
        {"ExtendedStatistic": "p99", "Period": 60, "MetricName": "m", "EvaluateLowSampleCountPercentile": "ignore"},
    )
    assert alarm == {
        "AlarmName": "a",
        "ExtendedStatistic": "p99",
        "Period": 60,
        "MetricName": "m",
        "EvaluateLowSampleCountPercentile": "ignore",
    }


def test_alarm_on_an_expression_has_its_queries_and_no_metric() -> None:
    alarm = {"AlarmName": "a", "Statistic": "Average", "ExtendedStatistic": None, "Period": 60, "Unit": None}
    asked = {"Metrics": [{"Id": "e", "Expression": "m"}, {"Id": "m", "ReturnData": False}]}
    cloudwatch_alarm_fields.as_put(alarm, asked)
    assert alarm == {
        "AlarmName": "a",
        "Metrics": [{"Id": "e", "Expression": "m", "ReturnData": True}, {"Id": "m", "ReturnData": False}],
    }


@pytest.mark.usefixtures("logs")
def test_flow_log_tells_its_group_or_its_bucket_its_role_and_interval() -> None:
    first, second = ec2_flow_log_fields.with_fields(ANSWER).split("</item>")[:2]
    assert "<logGroupName>/vpc/x</logGroupName><deliverLogsPermissionArn>arn:role</deliverLogsPermissionArn>" in first
    assert "<maxAggregationInterval>60</maxAggregationInterval>" in first
    assert "<logDestination>arn:aws:s3:::logs</logDestination>" in second
    assert "PermissionArn" not in second
