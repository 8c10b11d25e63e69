# SPDX-License-Identifier: Apache-2.0
"""Dashboards have tags, which go with them; ministack knows tags of alarms only.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_TagResource.html
"""

from typing import Any

from ministack.services import cloudwatch


def apply() -> None:
    """Let the actions on tags take the ARNs of dashboards that exist."""
    check, delete = cloudwatch._validate_alarm_tag_arn, cloudwatch.cloudformation_delete_dashboard

    def validate(arn: str, **encoding: Any) -> Any:
        return None if any(board["DashboardArn"] == arn for board in _boards()) else check(arn, **encoding)

    def delete_dashboard(name: str) -> None:
        board = cloudwatch._dashboards.get(name)
        delete(name)
        if board:
            cloudwatch._resource_tags.pop(board["DashboardArn"], None)

    cloudwatch._validate_alarm_tag_arn = validate
    cloudwatch.cloudformation_delete_dashboard = delete_dashboard


def _boards() -> list[dict[str, Any]]:
    return list(cloudwatch._dashboards.values())
