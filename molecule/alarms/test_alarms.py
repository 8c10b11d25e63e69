# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: S101
"""Alarms and their topic: what AWS reports, without any of the role's variables. Run by verify.yml."""

from typing import Any

import pytest
from reported import NAME, aws


@pytest.fixture(scope="module")
def alarms() -> dict[str, dict[str, Any]]:
    found = aws("cloudwatch").describe_alarms(AlarmNamePrefix=f"{NAME}-")["MetricAlarms"]
    return {each["AlarmName"].removeprefix(f"{NAME}-"): each for each in found}


def test_alarms_tell_the_topic(alarms: dict[str, dict[str, Any]]) -> None:
    (topic,) = [
        each["TopicArn"] for each in aws("sns").list_topics()["Topics"] if each["TopicArn"].endswith(f":{NAME}-alarms")
    ]
    assert len(alarms) == 11
    for alarm in alarms.values():
        assert alarm["ActionsEnabled"]
        assert alarm["AlarmActions"] == alarm["OKActions"] == [topic]


def test_alarms_watch_what_stands(alarms: dict[str, dict[str, Any]], balancers: dict[str, dict[str, Any]]) -> None:
    groups = aws("elbv2").describe_target_groups(Names=[f"{NAME}-http", f"{NAME}-grpc"])["TargetGroups"]
    targets = {each["TargetGroupName"].removeprefix(f"{NAME}-"): each["TargetGroupArn"] for each in groups}
    for kind, balancer in (("http", "public"), ("grpc", "internal")):
        for name in ("latency", "unhealthy-hosts", "healthy-hosts"):
            seen = {each["Name"]: each["Value"] for each in alarms[f"{kind}-{name}"]["Dimensions"]}
            assert targets[kind].endswith(f":{seen['TargetGroup']}")
            assert balancers[balancer]["LoadBalancerArn"].endswith(f":loadbalancer/{seen['LoadBalancer']}")
    assert alarms["http-latency"]["ExtendedStatistic"] == "p99"
    assert alarms["http-healthy-hosts"]["TreatMissingData"] == "breaching"
    (sum_of,) = [each["Expression"] for each in alarms["table-throttles"]["Metrics"] if each["ReturnData"]]
    watched = [each for each in alarms["table-throttles"]["Metrics"] if not each["ReturnData"]]
    assert len(watched) == 4
    assert all(each["Id"] in sum_of for each in watched)


@pytest.mark.parametrize(("name", "seconds", "burn"), [("fast", 3600, 14.4), ("slow", 21600, 6.0)])
def test_error_budget_of_five_in_ten_thousand_is_watched(
    alarms: dict[str, dict[str, Any]], name: str, seconds: int, burn: float
) -> None:
    alarm = alarms[f"error-budget-{name}"]
    assert alarm["Threshold"] == burn
    (share,) = [each for each in alarm["Metrics"] if each["ReturnData"]]
    assert "1 / 0.0005" in share["Expression"]
    metrics = [each["MetricStat"] for each in alarm["Metrics"] if not each["ReturnData"]]
    assert {each["Period"] for each in metrics} == {seconds}
    assert len({each["Metric"]["MetricName"] for each in metrics}) == 3
