#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ec2_flow_log
version_added: 0.1.0
short_description: Ensure a flow log
description:
  - Ensures that what flows through a VPC, a subnet or a network interface is logged to one destination.
  - AWS changes no flow log; one that differs is deleted and created again.
author:
  - The Streamify authors (@streamify)
options:
  resource_id:
    description: The id of what is logged.
    type: str
    required: true
  resource_type:
    description: What it is.
    type: str
    choices: [VPC, Subnet, NetworkInterface]
    default: VPC
  traffic_type:
    description: Which traffic is logged.
    type: str
    choices: [ACCEPT, REJECT, ALL]
    default: ALL
  log_destination_type:
    description: The kind of destination.
    type: str
    choices: [cloud-watch-logs, s3]
    default: cloud-watch-logs
  log_group_name:
    description: The log group, with O(log_destination_type=cloud-watch-logs).
    type: str
  log_destination:
    description: The bucket's ARN, with O(log_destination_type=s3).
    type: str
  deliver_logs_permission_arn:
    description: The role that may write to the log group.
    type: str
  max_aggregation_interval:
    description: Seconds over which packets of one flow become one line; 600 when AWS is not told.
    type: int
    choices: [60, 600]
extends_documentation_fragment:
  - streamify.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Ensure that refused traffic is logged
  streamify.aws.ec2_flow_log:
    resource_id: vpc-0123456789abcdef0
    traffic_type: REJECT
    log_group_name: /vpc/streamify-production
    deliver_logs_permission_arn: arn:aws:iam::123456789012:role/streamify-production-flow-logs
"""

RETURN = r"""
flow_log:
  description: The flow log, in AWS's words in snake_case; empty with O(state=absent).
  returned: always
  type: dict
  contains:
    flow_log_id:
      description: The id.
      type: str
      returned: when it exists
      sample: fl-0123456789abcdef0
    traffic_type:
      description: Which traffic is logged.
      type: str
      returned: when it exists
      sample: REJECT
"""

from ansible_collections.streamify.aws.plugins.module_utils.core.module import arguments, run
from ansible_collections.streamify.aws.plugins.module_utils.ec2_flow_log import FlowLog


def main() -> None:
    """Run the module."""
    run(
        FlowLog,
        arguments(
            tags=True,
            resource_id={"type": "str", "required": True},
            resource_type={"type": "str", "choices": ["VPC", "Subnet", "NetworkInterface"], "default": "VPC"},
            traffic_type={"type": "str", "choices": ["ACCEPT", "REJECT", "ALL"], "default": "ALL"},
            log_destination_type={"type": "str", "choices": ["cloud-watch-logs", "s3"], "default": "cloud-watch-logs"},
            log_group_name={"type": "str"},
            log_destination={"type": "str"},
            deliver_logs_permission_arn={"type": "str"},
            max_aggregation_interval={"type": "int", "choices": [60, 600]},
        ),
        required_one_of=[("log_group_name", "log_destination")],
        mutually_exclusive=[("log_group_name", "log_destination")],
    )


if __name__ == "__main__":
    main()
