# SPDX-License-Identifier: Apache-2.0
"""A flow log tells its log group, its role, its interval of aggregation and its tags.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_FlowLog.html. ministack writes the log group's name where
the ARN of a destination stands, knows no tags of the resource type `vpc-flow-log`, and drops the rest.
"""

import re
from typing import Any
from xml.sax.saxutils import escape

from ministack.services import ec2

_LOG = re.compile(r"(<flowLogId>(fl-\w+)</flowLogId>.*?)(?:<logDestination>[^<]*</logDestination>)", re.DOTALL)


def with_fields(text: str) -> str:
    """Write into a DescribeFlowLogs answer what was asked for."""
    return _LOG.sub(lambda match: match[1] + fields(ec2._flow_logs.get(match[2]) or {}), text)


def fields(log: dict[str, Any]) -> str:
    """A flow log's destination, role and interval as EC2's XML."""
    group = log.get("LogDestinationType") == "cloud-watch-logs"
    seen = {
        "logGroupName" if group else "logDestination": log.get("LogDestination"),
        "deliverLogsPermissionArn": log.get("Role"),
        "maxAggregationInterval": log.get("Interval"),
    }
    return "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in seen.items() if value)


def apply() -> None:
    """Remember what CreateFlowLogs was asked for, and tell it."""
    create, describe = ec2._ACTION_MAP["CreateFlowLogs"], ec2._ACTION_MAP["DescribeFlowLogs"]

    def create_flow_logs(params: Any) -> Any:
        before = set(ec2._flow_logs)
        answer = create(params)
        for made in set(ec2._flow_logs) - before:
            ec2._parse_tag_specs(params, "vpc-flow-log", made)
            ec2._flow_logs[made]["Role"] = ec2._p(params, "DeliverLogsPermissionArn")
            ec2._flow_logs[made]["Interval"] = ec2._p(params, "MaxAggregationInterval") or "600"
        return answer

    def describe_flow_logs(params: Any) -> Any:
        status, headers, body = describe(params)
        text = body.decode() if isinstance(body, bytes) else body
        return status, headers, with_fields(text).encode()

    ec2._ACTION_MAP["CreateFlowLogs"] = create_flow_logs
    ec2._ACTION_MAP["DescribeFlowLogs"] = describe_flow_logs
