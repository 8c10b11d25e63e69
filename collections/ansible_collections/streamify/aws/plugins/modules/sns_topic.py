#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: sns_topic
version_added: 0.1.0
short_description: Ensure an SNS topic and who is told
description:
  - Ensures a standard topic, its policy and its subscriptions.
  - Unlike M(community.aws.sns_topic) it works in check mode on an account that has no such topic.
author:
  - The Streamify authors (@streamify)
options:
  name:
    description: The name.
    type: str
    required: true
  display_name:
    description: The name that e-mails come from.
    type: str
  policy:
    description: The topic's policy, as a dictionary or JSON.
    type: json
  subscriptions:
    description:
      - Who is told, and nobody else.
      - What nobody confirmed yet counts as subscribed, and cannot be removed.
    type: list
    elements: dict
    suboptions:
      protocol:
        description: The way.
        type: str
        choices: [email, email-json, https, lambda, sms, sqs, application, firehose]
        required: true
      endpoint:
        description: The address or ARN.
        type: str
        required: true
extends_documentation_fragment:
  - streamify.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Ensure that operations are told
  streamify.aws.sns_topic:
    name: streamify-production-alarms
    subscriptions:
      - protocol: email
        endpoint: operations@example.com
    tags:
      project: streamify
"""

RETURN = r"""
topic:
  description: The topic, in AWS's words in snake_case; empty with O(state=absent).
  returned: always
  type: dict
  contains:
    topic_arn:
      description: The ARN.
      type: str
      returned: when it exists
      sample: arn:aws:sns:eu-central-1:123456789012:streamify-production-alarms
    subscriptions:
      description: Who is told.
      type: list
      returned: when it exists
    tags:
      description: The tags.
      type: dict
      returned: when it exists
"""

from ansible_collections.streamify.aws.plugins.module_utils.core.module import arguments, run
from ansible_collections.streamify.aws.plugins.module_utils.sns_topic import Topic


def main() -> None:
    """Run the module."""
    run(
        Topic,
        arguments(
            tags=True,
            name={"type": "str", "required": True},
            display_name={"type": "str"},
            policy={"type": "json"},
            subscriptions={
                "type": "list",
                "elements": "dict",
                "options": {
                    "protocol": {
                        "type": "str",
                        "choices": ["email", "email-json", "https", "lambda", "sms", "sqs", "application", "firehose"],
                        "required": True,
                    },
                    "endpoint": {"type": "str", "required": True},
                },
            },
        ),
    )


if __name__ == "__main__":
    main()
