#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: iam_role
version_added: 0.1.0
short_description: Ensure an IAM role and all that it may do
description:
  - Ensures a role together with its trust policy, its inline policies and the managed policies attached to it.
    A policy that is not named is taken away, so that the playbook tells all that the role may do.
  - Policies are compared by what they mean, in whatever order they are written.
author:
  - The Streamify authors (@streamify)
options:
  name:
    description: The role's name.
    type: str
    required: true
    aliases: [role_name]
  assume_role_policy_document:
    description: Who may take the role, as a dictionary or JSON. Required with O(state=present).
    type: json
  inline_policies:
    description: The role's own policies by name, each a dictionary in IAM's words.
    type: dict
    default: {}
  managed_policies:
    description: The ARNs of the managed policies attached to the role.
    type: list
    elements: str
    default: []
  description:
    description: What the role is for.
    type: str
  path:
    description: The role's path. AWS cannot change it.
    type: str
  max_session_duration:
    description: Seconds for which a session lasts at most, from 3600 to 43200.
    type: int
  permissions_boundary:
    description: The ARN of the managed policy that bounds what the role may do; an empty string takes it away.
    type: str
extends_documentation_fragment:
  - streamify.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Ensure the role of the tasks
  streamify.aws.iam_role:
    name: streamify-production-api-task
    description: What the API may do
    assume_role_policy_document:
      Version: "2012-10-17"
      Statement:
        - Effect: Allow
          Principal:
            Service: ecs-tasks.amazonaws.com
          Action: sts:AssumeRole
    inline_policies:
      table:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Action: [dynamodb:GetItem, dynamodb:PutItem]
            Resource: arn:aws:dynamodb:eu-central-1:123456789012:table/streamify-production
    tags:
      project: streamify

- name: Ensure that a role does not exist
  streamify.aws.iam_role:
    name: streamify-staging-api-task
    state: absent
"""

RETURN = r"""
role:
  description: The role, in AWS's words in snake_case, with its policies and tags; empty with O(state=absent).
  returned: always
  type: dict
  contains:
    arn:
      description: The ARN.
      type: str
      returned: when it exists
      sample: arn:aws:iam::123456789012:role/streamify-production-api-task
    role_name:
      description: The name.
      type: str
      returned: when it exists
    inline_policies:
      description: The inline policies by name.
      type: dict
      returned: when it exists
    managed_policies:
      description: The ARNs of the attached managed policies.
      type: list
      elements: str
      returned: when it exists
"""

from ansible_collections.streamify.aws.plugins.module_utils.core.module import arguments, run
from ansible_collections.streamify.aws.plugins.module_utils.iam_role import Role


def main() -> None:
    """Run the module."""
    run(
        Role,
        arguments(
            tags=True,
            name={"type": "str", "required": True, "aliases": ["role_name"]},
            assume_role_policy_document={"type": "json"},
            inline_policies={"type": "dict", "default": {}},
            managed_policies={"type": "list", "elements": "str", "default": []},
            description={"type": "str"},
            path={"type": "str"},
            max_session_duration={"type": "int"},
            permissions_boundary={"type": "str"},
        ),
        required_if=[("state", "present", ["assume_role_policy_document"])],
    )


if __name__ == "__main__":
    main()
