#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: scalable_target
version_added: 0.1.0
short_description: Ensure a scalable target of Application Auto Scaling
description:
  - Ensures between which numbers something is scaled, for example the tasks of an ECS service.
  - What is scaled must exist before. AWS brings its capacity between the bounds; the module never sets a capacity.
  - With O(state=absent) AWS deletes the target's scaling policies and their alarms with it. The capacity stays.
author:
  - The Streamify authors (@streamify)
options:
  service_namespace:
    description: The service that is scaled, such as V(ecs) or V(dynamodb).
    type: str
    default: ecs
  resource_id:
    description: What is scaled, in Application Auto Scaling's words, such as V(service/streamify-production/api).
    type: str
    required: true
  scalable_dimension:
    description: Which of its numbers.
    type: str
    default: ecs:service:DesiredCount
  min_capacity:
    description: The least. Required with O(state=present).
    type: int
  max_capacity:
    description: The most. Required with O(state=present).
    type: int
  role_arn:
    description: The role that scales. Services with a service-linked role, such as ECS, take none.
    type: str
  suspended_state:
    description: What is suspended. What is not named is left as it is.
    type: dict
    suboptions:
      dynamic_scaling_in_suspended:
        description: Whether no policy lowers the capacity.
        type: bool
      dynamic_scaling_out_suspended:
        description: Whether no policy raises the capacity.
        type: bool
      scheduled_scaling_suspended:
        description: Whether scheduled actions are left out.
        type: bool
extends_documentation_fragment:
  - streamify.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Ensure that the service runs 3 to 12 tasks
  streamify.aws.scalable_target:
    resource_id: service/streamify-production/streamify-production-api
    min_capacity: 3
    max_capacity: 12
    tags:
      project: streamify

- name: Ensure that nothing scales the service any more
  streamify.aws.scalable_target:
    resource_id: service/streamify-staging/streamify-staging-api
    state: absent
"""

RETURN = r"""
scalable_target:
  description: The scalable target, in AWS's words in snake_case; empty with O(state=absent).
  returned: always
  type: dict
  contains:
    scalable_target_arn:
      description: The ARN.
      type: str
      returned: when it exists
      sample: arn:aws:application-autoscaling:eu-central-1:123456789012:scalable-target/0ec51234567890abcdef
    min_capacity:
      description: The least.
      type: int
      returned: when it exists
      sample: 3
    max_capacity:
      description: The most.
      type: int
      returned: when it exists
      sample: 12
    suspended_state:
      description: What is suspended.
      type: dict
      returned: when it exists
    tags:
      description: The tags.
      type: dict
      returned: when it exists
"""

from ansible_collections.streamify.aws.plugins.module_utils.core.module import arguments, run
from ansible_collections.streamify.aws.plugins.module_utils.scalable_target import ScalableTarget


def main() -> None:
    """Run the module."""
    run(
        ScalableTarget,
        arguments(
            tags=True,
            service_namespace={"type": "str", "default": "ecs"},
            resource_id={"type": "str", "required": True},
            scalable_dimension={"type": "str", "default": "ecs:service:DesiredCount"},
            min_capacity={"type": "int"},
            max_capacity={"type": "int"},
            role_arn={"type": "str"},
            suspended_state={
                "type": "dict",
                "options": {
                    "dynamic_scaling_in_suspended": {"type": "bool"},
                    "dynamic_scaling_out_suspended": {"type": "bool"},
                    "scheduled_scaling_suspended": {"type": "bool"},
                },
            },
        ),
        required_if=[("state", "present", ["min_capacity", "max_capacity"])],
    )


if __name__ == "__main__":
    main()
