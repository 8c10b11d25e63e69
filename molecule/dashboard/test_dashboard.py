# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: S101
"""The dashboard: what AWS reports, without any of the role's variables. Run by verify.yml."""

import json
from typing import Any

from reported import NAME, aws


def test_dashboard_shows_the_golden_signals_of_what_stands(balancers: dict[str, dict[str, Any]]) -> None:
    widgets = json.loads(aws("cloudwatch").get_dashboard(DashboardName=NAME)["DashboardBody"])["widgets"]
    shown = [widget["properties"]["alarms"] for widget in widgets if widget["type"] == "alarm"]
    alarms = aws("cloudwatch").describe_alarms(AlarmNamePrefix=f"{NAME}-")["MetricAlarms"]
    assert [sorted(each) for each in shown] == [sorted(alarm["AlarmArn"] for alarm in alarms)]
    metrics = [metric for widget in widgets for metric in widget["properties"].get("metrics", [])]
    signals = {"RequestCount", "HTTPCode_Target_5XX_Count", "TargetResponseTime", "HealthyHostCount", "CPUUtilization"}
    assert signals <= {metric[1] for metric in metrics}
    assert {metric[-1]["stat"] for metric in metrics if metric[1] == "TargetResponseTime"} == {"p50", "p99"}
    ends = {each["LoadBalancerArn"].partition("loadbalancer/")[2] for each in balancers.values()}
    assert ends == {metric[3] for metric in metrics if metric[1] == "RequestCount"}
