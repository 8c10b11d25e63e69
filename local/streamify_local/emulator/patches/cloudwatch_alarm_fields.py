# SPDX-License-Identifier: Apache-2.0
"""An alarm is described as it was put: a percentile is no Average, an expression has its queries and no metric.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricAlarm.html. ministack keeps a statistic and
a period that nobody gave, and drops `Metrics` and `EvaluateLowSampleCountPercentile`.
"""

from typing import Any

from ministack.services import cloudwatch

KEPT = ("Metrics", "EvaluateLowSampleCountPercentile")
# What AWS describes only where the request has it.
ASKED = ("Statistic", "ExtendedStatistic", "Period", "MetricName", "Namespace", "Unit")


def as_put(alarm: dict[str, Any], request: dict[str, Any]) -> None:
    """Correct a stored alarm by the request it was made of."""
    for field in ASKED:
        if request.get(field) is None:
            alarm.pop(field, None)
    for field in KEPT:
        if request.get(field) is not None:
            alarm[field] = request[field]
    for query in alarm.get("Metrics") or []:
        query.setdefault("ReturnData", True)


def apply() -> None:
    """Correct each alarm after it was put, in the two protocols that SDKs speak."""
    put = cloudwatch._put_metric_alarm

    def put_metric_alarm(params: Any, cbor_data: Any, is_cbor: bool, is_json: bool = False) -> Any:
        answer = put(params, cbor_data, is_cbor, is_json)
        if answer[0] == 200 and (is_cbor or is_json):
            as_put(cloudwatch._alarms[cbor_data["AlarmName"]], cbor_data)
        return answer

    cloudwatch._put_metric_alarm = put_metric_alarm
