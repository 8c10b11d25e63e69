#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: scheduler_schedule
version_added: 0.1.0
short_description: Ensure a schedule of EventBridge Scheduler
description:
  - Ensures when something is done and what, for example every quarter of an hour a task of ECS.
  - Compares the whole schedule. What it says and the playbook does not, such as an input that overrides the task's
    command, is a difference. When it begins and ends is left alone.
  - Schedules have no tags. Their names and their groups tell whose they are.
  - A role that was made a moment ago is waited for.
author:
  - The Streamify authors (@streamify)
options:
  name:
    description: The schedule's name.
    type: str
    required: true
  group_name:
    description: The schedule's group, which must exist. A schedule of the same name in another group is another one.
    type: str
    default: default
  schedule_expression:
    description: When it is done, such as V(rate(15 minutes)), V(cron(0 3 * * ? *)) or V(at(2030-01-01T00:00:00)).
      Required with O(state=present).
    type: str
  schedule_expression_timezone:
    description: The time zone of O(schedule_expression).
    type: str
    default: UTC
  flexible_time_window:
    description: Within how many minutes after its time it may be done.
    type: dict
    suboptions:
      mode:
        description: Whether there is such a window.
        type: str
        choices: ["OFF", FLEXIBLE]
        required: true
      maximum_window_in_minutes:
        description: The window; required with the mode V(FLEXIBLE).
        type: int
    default: {mode: "OFF"}
  target:
    description:
      - What is done, in AWS's words in snake_case, at every depth
        (U(https://docs.aws.amazon.com/scheduler/latest/APIReference/API_Target.html)).
        Names that AWS does not have are refused.
      - Required with O(state=present).
    type: dict
  schedule_state:
    description: Whether it is done, or only kept.
    type: str
    choices: [ENABLED, DISABLED]
    default: ENABLED
  description:
    description: What it is for.
    type: str
  kms_key_arn:
    description: The key that encrypts the target's input; AWS's own otherwise.
    type: str
  action_after_completion:
    description: Whether AWS deletes the schedule when it has been done for the last time.
    type: str
    choices: [NONE, DELETE]
    default: NONE
extends_documentation_fragment:
  - streamify.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Ensure that the janitor comes every quarter of an hour
  streamify.aws.scheduler_schedule:
    name: streamify-production-api-janitor
    schedule_expression: rate(15 minutes)
    target:
      arn: arn:aws:ecs:eu-central-1:123456789012:cluster/streamify-production
      role_arn: arn:aws:iam::123456789012:role/streamify-production-api-schedule
      ecs_parameters:
        task_definition_arn: arn:aws:ecs:eu-central-1:123456789012:task-definition/streamify-production-api-janitor:7
        launch_type: FARGATE
        network_configuration:
          awsvpc_configuration:
            subnets: [subnet-0a1b2c3d4e5f60718]
            security_groups: [sg-0a1b2c3d4e5f60718]
            assign_public_ip: DISABLED
      retry_policy:
        maximum_retry_attempts: 2

- name: Ensure that nobody comes
  streamify.aws.scheduler_schedule:
    name: streamify-staging-api-janitor
    state: absent
"""

RETURN = r"""
schedule:
  description: The schedule, in AWS's words in snake_case, its state as C(schedule_state); empty with O(state=absent).
  returned: always
  type: dict
  contains:
    arn:
      description: The ARN.
      type: str
      returned: when it exists
      sample: arn:aws:scheduler:eu-central-1:123456789012:schedule/default/streamify-production-api-janitor
    schedule_expression:
      description: When it is done.
      type: str
      returned: when it exists
      sample: rate(15 minutes)
    schedule_state:
      description: Whether it is done.
      type: str
      returned: when it exists
      sample: ENABLED
    target:
      description: What is done.
      type: dict
      returned: when it exists
"""

from ansible_collections.streamify.aws.plugins.module_utils.core.module import arguments, run
from ansible_collections.streamify.aws.plugins.module_utils.scheduler_schedule import Schedule


def main() -> None:
    """Run the module."""
    run(
        Schedule,
        arguments(
            name={"type": "str", "required": True},
            group_name={"type": "str", "default": "default"},
            schedule_expression={"type": "str"},
            schedule_expression_timezone={"type": "str", "default": "UTC"},
            flexible_time_window={
                "type": "dict",
                "default": {"mode": "OFF"},
                "options": {
                    "mode": {"type": "str", "choices": ["OFF", "FLEXIBLE"], "required": True},
                    "maximum_window_in_minutes": {"type": "int"},
                },
            },
            target={"type": "dict"},
            schedule_state={"type": "str", "choices": ["ENABLED", "DISABLED"], "default": "ENABLED"},
            description={"type": "str"},
            kms_key_arn={"type": "str", "no_log": False},
            action_after_completion={"type": "str", "choices": ["NONE", "DELETE"], "default": "NONE"},
        ),
        required_if=[("state", "present", ["schedule_expression", "target"])],
    )


if __name__ == "__main__":
    main()
