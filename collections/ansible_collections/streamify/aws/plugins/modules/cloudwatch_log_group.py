#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudwatch_log_group
version_added: 0.1.0
short_description: Ensure a CloudWatch log group
description:
  - Ensures a log group, its retention, its key and its tags.
  - Unlike amazon.aws.cloudwatchlogs_log_group 11.4, it does not set the retention in check mode.
author:
  - The Streamify authors (@streamify)
options:
  name:
    description: The name.
    type: str
    required: true
    aliases: [log_group_name]
  retention_in_days:
    description: After how many days events are deleted; 0 keeps them for ever.
    type: int
  kms_key_id:
    description: The ARN of the key that encrypts what is logged from now on; CloudWatch's own otherwise.
    type: str
  log_group_class:
    description: The class. It cannot be changed.
    type: str
    choices: [STANDARD, INFREQUENT_ACCESS, DELIVERY]
extends_documentation_fragment:
  - streamify.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Ensure a log group that keeps three months
  streamify.aws.cloudwatch_log_group:
    name: /streamify/production
    retention_in_days: 90
    tags:
      project: streamify

- name: Ensure that a log group does not exist
  streamify.aws.cloudwatch_log_group:
    name: /streamify/staging
    state: absent
"""

RETURN = r"""
log_group:
  description: The log group, in AWS's words in snake_case; empty with O(state=absent).
  returned: always
  type: dict
  contains:
    log_group_name:
      description: The name.
      type: str
      returned: when it exists
      sample: /streamify/production
    log_group_arn:
      description: The ARN, without the C(:*) of its streams.
      type: str
      returned: when it exists
      sample: arn:aws:logs:eu-central-1:123456789012:log-group:/streamify/production
    retention_in_days:
      description: After how many days events are deleted; 0 is never.
      type: int
      returned: when it exists
    tags:
      description: The tags.
      type: dict
      returned: when it exists
"""

from ansible_collections.streamify.aws.plugins.module_utils.cloudwatch_log_group import LogGroup
from ansible_collections.streamify.aws.plugins.module_utils.core.module import arguments, run


def main() -> None:
    """Run the module."""
    run(
        LogGroup,
        arguments(
            tags=True,
            name={"type": "str", "required": True, "aliases": ["log_group_name"]},
            retention_in_days={"type": "int"},
            kms_key_id={"type": "str", "no_log": False},
            log_group_class={"type": "str", "choices": ["STANDARD", "INFREQUENT_ACCESS", "DELIVERY"]},
        ),
    )


if __name__ == "__main__":
    main()
