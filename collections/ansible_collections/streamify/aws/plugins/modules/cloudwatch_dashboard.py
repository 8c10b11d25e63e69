#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudwatch_dashboard
version_added: 0.1.0
short_description: Ensure a CloudWatch dashboard
description:
  - Ensures a dashboard. Its body is compared by what the JSON means; spaces and the order of names do not count, the
    order of widgets and metrics does.
  - What CloudWatch finds questionable in a body that it takes all the same is shown as a warning.
author:
  - The Streamify authors (@streamify)
options:
  name:
    description: The name, of letters, digits, hyphens and underscores.
    type: str
    required: true
    aliases: [dashboard_name]
  dashboard_body:
    description:
      - The body as data or as JSON text
        (U(https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html)).
        Required with O(state=present).
    type: json
extends_documentation_fragment:
  - streamify.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Ensure the dashboard
  streamify.aws.cloudwatch_dashboard:
    name: streamify-production
    dashboard_body:
      widgets:
        - type: metric
          width: 12
          height: 6
          properties:
            title: Requests a minute
            region: eu-central-1
            metrics:
              - [AWS/ApplicationELB, RequestCount, LoadBalancer, app/public/50dc6c495c0c9188, {stat: Sum}]
    tags:
      project: streamify

- name: Ensure that a dashboard does not exist
  streamify.aws.cloudwatch_dashboard:
    name: streamify-staging
    state: absent
"""

RETURN = r"""
dashboard:
  description: The dashboard; empty with O(state=absent).
  returned: always
  type: dict
  contains:
    dashboard_arn:
      description: The ARN.
      type: str
      returned: when it exists
      sample: arn:aws:cloudwatch::123456789012:dashboard/streamify-production
    dashboard_name:
      description: The name.
      type: str
      returned: when it exists
      sample: streamify-production
    dashboard_body:
      description: The body as data.
      type: dict
      returned: when it exists
    tags:
      description: The tags, when O(tags) was given.
      type: dict
      returned: when it exists
"""

from ansible_collections.streamify.aws.plugins.module_utils.cloudwatch_dashboard import Dashboard
from ansible_collections.streamify.aws.plugins.module_utils.core.module import arguments, run


def main() -> None:
    """Run the module."""
    run(
        Dashboard,
        arguments(
            tags=True,
            name={"type": "str", "required": True, "aliases": ["dashboard_name"]},
            dashboard_body={"type": "json"},
        ),
        required_if=[("state", "present", ["dashboard_body"])],
    )


if __name__ == "__main__":
    main()
