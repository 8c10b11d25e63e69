#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: scaling_policy
version_added: 0.1.0
short_description: Ensure a target-tracking policy of Application Auto Scaling
description:
  - Ensures a policy that scales so that a metric stays at a value, for example the CPU use of an ECS service's tasks or
    the requests that each target of a load balancer gets.
  - The scalable target must exist, see M(streamify.aws.scalable_target).
  - Compares the whole configuration. What is not named is AWS's default.
author:
  - The Streamify authors (@streamify)
options:
  name:
    description: The policy's name, unique among those of the scalable target.
    type: str
    required: true
    aliases: [policy_name]
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
  target_tracking_scaling_policy_configuration:
    description:
      - What is followed, in AWS's words in snake_case
        (U(https://docs.aws.amazon.com/autoscaling/application/APIReference/API_TargetTrackingScalingPolicyConfiguration.html)).
        Required with O(state=present).
      - C(ALBRequestCountPerTarget) needs a C(resource_label),
        C(app/<balancer>/<id>/targetgroup/<group>/<id>), which is the end of both ARNs.
    type: dict
    suboptions:
      target_value:
        description: The metric's value that is aimed at.
        type: float
        required: true
      predefined_metric_specification:
        description: A metric that AWS knows by name.
        type: dict
        suboptions:
          predefined_metric_type:
            description: Its name, such as V(ECSServiceAverageCPUUtilization) or V(ALBRequestCountPerTarget).
            type: str
            required: true
          resource_label:
            description: The load balancer and target group whose requests are counted.
            type: str
      customized_metric_specification:
        description: Any other metric of CloudWatch.
        type: dict
      scale_out_cooldown:
        description: Seconds after a scale-out until the next one.
        type: int
      scale_in_cooldown:
        description: Seconds after a scale-in until the next one.
        type: int
      disable_scale_in:
        description: Whether the policy only ever raises the capacity.
        type: bool
        default: false
extends_documentation_fragment:
  - streamify.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Ensure that tasks use half of their CPU, so that two zones can carry what three did
  streamify.aws.scaling_policy:
    name: cpu
    resource_id: service/streamify-production/streamify-production-api
    target_tracking_scaling_policy_configuration:
      target_value: 50
      predefined_metric_specification:
        predefined_metric_type: ECSServiceAverageCPUUtilization
      scale_out_cooldown: 60

- name: Ensure that a task gets 6000 requests a minute
  streamify.aws.scaling_policy:
    name: requests
    resource_id: service/streamify-production/streamify-production-api
    target_tracking_scaling_policy_configuration:
      target_value: 6000
      predefined_metric_specification:
        predefined_metric_type: ALBRequestCountPerTarget
        resource_label: app/public/50dc6c495c0c9188/targetgroup/http/6d0ecf831eec9f09

- name: Ensure that a policy does not exist
  streamify.aws.scaling_policy:
    name: requests
    resource_id: service/streamify-staging/streamify-staging-api
    state: absent
"""

RETURN = r"""
scaling_policy:
  description: The scaling policy, in AWS's words in snake_case; empty with O(state=absent).
  returned: always
  type: dict
  contains:
    policy_arn:
      description: The ARN.
      type: str
      returned: when it exists
      sample: >-
        arn:aws:autoscaling:eu-central-1:123456789012:scalingPolicy:6d8972f3:resource/ecs/service/main/api:policyName/cpu
    policy_name:
      description: The name.
      type: str
      returned: when it exists
      sample: cpu
    target_tracking_scaling_policy_configuration:
      description: What is followed.
      type: dict
      returned: when it exists
    alarms:
      description: The alarms that AWS made for the policy, with C(alarm_name) and C(alarm_arn).
      type: list
      elements: dict
      returned: when it exists
"""

from ansible_collections.streamify.aws.plugins.module_utils.core.module import arguments, run
from ansible_collections.streamify.aws.plugins.module_utils.scaling_policy import ScalingPolicy


def main() -> None:
    """Run the module."""
    run(
        ScalingPolicy,
        arguments(
            name={"type": "str", "required": True, "aliases": ["policy_name"]},
            service_namespace={"type": "str", "default": "ecs"},
            resource_id={"type": "str", "required": True},
            scalable_dimension={"type": "str", "default": "ecs:service:DesiredCount"},
            target_tracking_scaling_policy_configuration={
                "type": "dict",
                "options": {
                    "target_value": {"type": "float", "required": True},
                    "predefined_metric_specification": {
                        "type": "dict",
                        "options": {
                            "predefined_metric_type": {"type": "str", "required": True},
                            "resource_label": {"type": "str"},
                        },
                    },
                    "customized_metric_specification": {"type": "dict"},
                    "scale_out_cooldown": {"type": "int"},
                    "scale_in_cooldown": {"type": "int"},
                    "disable_scale_in": {"type": "bool", "default": False},
                },
            },
        ),
        required_if=[("state", "present", ["target_tracking_scaling_policy_configuration"])],
    )


if __name__ == "__main__":
    main()
