#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ecs_service
version_added: 0.1.0
short_description: Ensure an ECS service, and that its new version really runs
description:
  - Creates and changes ECS services of the rolling, blue/green, linear and canary strategies of ECS itself.
  - Compares everything that was asked for with what ECS reports, and changes just what differs.
  - Waits for the outcome. The module fails when ECS's circuit breaker or an alarm ended the deployment, when ECS
    rolled it back, or when it takes too long;
    the message holds ECS's reason, the stopped tasks' reasons and exit codes, and the service's latest events.
  - With O(state=absent) the service is drained to no tasks first.
author:
  - The Streamify authors (@streamify)
options:
  name:
    description: The service's name.
    type: str
    required: true
    aliases: [service_name]
  cluster:
    description: The cluster's name or ARN.
    type: str
    required: true
  task_definition:
    description: C(family:revision) or an ARN; C(family) alone means its latest active revision. Required with
      O(state=present).
    type: str
  desired_count:
    description:
      - How many tasks shall run.
      - Used when the service is created. Afterwards see O(desired_count_managed_by).
    type: int
  desired_count_managed_by:
    description:
      - Who decides how many tasks an existing service runs.
      - With V(auto) O(desired_count) is left alone when the service is an Application Auto Scaling target.
      - With V(autoscaling) it is always left alone, with V(ansible) always set.
    type: str
    choices: [auto, ansible, autoscaling]
    default: auto
  launch_type:
    description: Where tasks run, unless O(capacity_provider_strategy) says it. AWS cannot change it. Of a service that
      has capacity providers, the one of this name becomes the only one.
    type: str
    choices: [EC2, FARGATE, EXTERNAL]
  capacity_provider_strategy:
    description: The capacity providers that tasks are spread over. A change starts a new deployment.
    type: list
    elements: dict
    suboptions:
      capacity_provider:
        description: The name, such as V(FARGATE) or V(FARGATE_SPOT).
        type: str
        required: true
      weight: {description: The share of tasks., type: int, default: 0}
      base: {description: The least number of tasks., type: int, default: 0}
  platform_version:
    description: The Fargate platform's version, such as V(LATEST) or V(1.4.0).
    type: str
  scheduling_strategy:
    description: Whether tasks are counted or one runs on each instance. AWS cannot change it.
    type: str
    choices: [REPLICA, DAEMON]
  network_configuration:
    description: The network of tasks of the mode C(awsvpc).
    type: dict
    suboptions:
      subnets:
        description: The subnets' ids.
        type: list
        elements: str
        required: true
      security_groups:
        description: The security groups' ids.
        type: list
        elements: str
      assign_public_ip:
        description: Whether tasks get public addresses.
        type: bool
        default: false
  load_balancers:
    description: The target groups that ECS registers the tasks in.
    type: list
    elements: dict
    suboptions:
      target_group_arn:
        description: The target group.
        type: str
        required: true
      container_name: {description: The container., type: str, required: true}
      container_port: {description: The container's port., type: int, required: true}
      advanced_configuration:
        description: The second target group and the listener rules of blue/green deployments, in AWS's words in
          snake_case.
        type: dict
  health_check_grace_period_seconds:
    description: Seconds for which ECS does not heed failed checks of a new task.
    type: int
  deployment_configuration:
    description: How ECS replaces tasks. What is not named is left as it is.
    type: dict
    suboptions:
      minimum_healthy_percent:
        description: The least healthy share of the desired count during a deployment.
        type: int
      maximum_percent:
        description: The most tasks during a deployment, as a share of the desired count.
        type: int
      deployment_circuit_breaker:
        description: Whether ECS ends a deployment whose tasks do not start.
        type: dict
        suboptions:
          enable:
            description: Whether it does.
            type: bool
            required: true
          rollback:
            description: Whether it goes back to the last version that ran.
            type: bool
            required: true
      alarms:
        description: CloudWatch alarms that end a deployment.
        type: dict
        suboptions:
          alarm_names:
            description: Their names.
            type: list
            elements: str
            required: true
          enable:
            description: Whether they are heeded.
            type: bool
            required: true
          rollback:
            description: Whether ECS goes back to the last version.
            type: bool
            required: true
      strategy:
        description: The strategy.
        type: str
        choices: [ROLLING, BLUE_GREEN, LINEAR, CANARY]
      bake_time_in_minutes:
        description: Minutes for which both versions run after the traffic has moved.
        type: int
      lifecycle_hooks:
        description: Lambda functions called on the way, in AWS's words in snake_case.
        type: list
        elements: dict
      linear_configuration:
        description: The steps of a linear deployment, in AWS's words in snake_case.
        type: dict
      canary_configuration:
        description: The first step of a canary deployment, in AWS's words in snake_case.
        type: dict
  availability_zone_rebalancing:
    description: Whether ECS moves tasks so that the zones have equally many.
    type: str
    choices: [ENABLED, DISABLED]
  enable_execute_command:
    description: Whether C(aws ecs execute-command) can enter tasks.
    type: bool
  enable_ecs_managed_tags:
    description: Whether ECS tags the tasks with cluster and service.
    type: bool
  propagate_tags:
    description: Where tasks get their tags from.
    type: str
    choices: [TASK_DEFINITION, SERVICE, NONE]
  service_registries:
    description: Cloud Map registries, in AWS's words in snake_case.
    type: list
    elements: dict
  service_connect_configuration:
    description: Service Connect, in AWS's words in snake_case.
    type: dict
  volume_configurations:
    description: EBS volumes, in AWS's words in snake_case.
    type: list
    elements: dict
  placement_constraints:
    description: Placement constraints, in AWS's words in snake_case.
    type: list
    elements: dict
  placement_strategy:
    description: The placement strategy, in AWS's words in snake_case.
    type: list
    elements: dict
  force_new_deployment:
    description: Start a deployment although nothing differs.
    type: bool
    default: false
  wait:
    description:
      - Wait until the deployment is completed and all tasks run, also when nothing was changed.
    type: bool
    default: true
  wait_timeout:
    description: Seconds to wait for the deployment, or for the removal.
    type: int
    default: 900
extends_documentation_fragment:
  - streamify.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Ensure that three tasks of the API run, one in each zone
  streamify.aws.ecs_service:
    name: streamify-production-api
    cluster: streamify-production
    task_definition: "{{ definition.task_definition.task_definition_arn }}"
    desired_count: 3
    launch_type: FARGATE
    network_configuration:
      subnets: [subnet-0a, subnet-0b, subnet-0c]
      security_groups: [sg-0123456789abcdef0]
    load_balancers:
      - target_group_arn: "{{ http.target_group.target_group_arn }}"
        container_name: api
        container_port: 8080
      - target_group_arn: "{{ grpc.target_group.target_group_arn }}"
        container_name: api
        container_port: 9090
    health_check_grace_period_seconds: 30
    deployment_configuration:
      minimum_healthy_percent: 100
      maximum_percent: 200
      deployment_circuit_breaker:
        enable: true
        rollback: true
    availability_zone_rebalancing: ENABLED
    propagate_tags: SERVICE
    tags:
      project: streamify

- name: Ensure that the service does not exist
  streamify.aws.ecs_service:
    name: streamify-staging-api
    cluster: streamify-staging
    state: absent
"""

RETURN = r"""
service:
  description: The service, in AWS's words in snake_case; empty with O(state=absent).
  returned: always
  type: dict
  contains:
    service_arn:
      description: The ARN.
      type: str
      returned: when it exists
      sample: arn:aws:ecs:eu-central-1:123456789012:service/streamify-production/streamify-production-api
    task_definition:
      description: The ARN of the task definition.
      type: str
      returned: when it exists
      sample: arn:aws:ecs:eu-central-1:123456789012:task-definition/streamify-production-api:7
    desired_count:
      description: How many tasks shall run.
      type: int
      returned: when it exists
      sample: 3
    running_count:
      description: How many tasks run.
      type: int
      returned: when it exists
      sample: 3
    deployments:
      description: The deployments; the first one is the one that runs.
      type: list
      elements: dict
      returned: when it exists
    tags:
      description: The tags.
      type: dict
      returned: when it exists
rollout_state_reason:
  description: ECS's reason for which the deployment failed.
  returned: when a deployment failed
  type: str
  sample: "ECS deployment circuit breaker: tasks failed to start."
stopped_tasks:
  description: Tasks of the deployment that stopped, the latest first.
  returned: when a deployment failed
  type: list
  elements: dict
  contains:
    task_arn:
      description: The task.
      type: str
      returned: always
    stopped_reason:
      description: ECS's reason.
      type: str
      returned: always
    containers:
      description: Each container's C(name), C(exit_code) and C(reason).
      type: list
      elements: dict
      returned: always
events:
  description: The service's latest events.
  returned: when a deployment failed
  type: list
  elements: str
"""

from ansible_collections.streamify.aws.plugins.module_utils.core.module import arguments, run
from ansible_collections.streamify.aws.plugins.module_utils.ecs_service import Service

SWITCH = {"enable": {"type": "bool", "required": True}, "rollback": {"type": "bool", "required": True}}
MANAGERS = ["auto", "ansible", "autoscaling"]
NAMES = {"type": "list", "elements": "str"}
PARTS = {"type": "list", "elements": "dict"}
NEEDED = {"type": "str", "required": True}
DEPLOYMENT = {
    "minimum_healthy_percent": {"type": "int"},
    "maximum_percent": {"type": "int"},
    "deployment_circuit_breaker": {"type": "dict", "options": SWITCH},
    "alarms": {"type": "dict", "options": {"alarm_names": {**NAMES, "required": True}, **SWITCH}},
    "strategy": {"type": "str", "choices": ["ROLLING", "BLUE_GREEN", "LINEAR", "CANARY"]},
    "bake_time_in_minutes": {"type": "int"},
    "lifecycle_hooks": PARTS,
    "linear_configuration": {"type": "dict"},
    "canary_configuration": {"type": "dict"},
}


def main() -> None:
    """Run the module."""
    run(
        Service,
        arguments(
            tags=True,
            timeout=900,
            name={"type": "str", "required": True, "aliases": ["service_name"]},
            cluster={"type": "str", "required": True},
            task_definition={"type": "str"},
            desired_count={"type": "int"},
            desired_count_managed_by={"type": "str", "choices": MANAGERS, "default": "auto"},
            launch_type={"type": "str", "choices": ["EC2", "FARGATE", "EXTERNAL"]},
            capacity_provider_strategy={
                **PARTS,
                "options": {
                    "capacity_provider": NEEDED,
                    "weight": {"type": "int", "default": 0},
                    "base": {"type": "int", "default": 0},
                },
            },
            platform_version={"type": "str"},
            scheduling_strategy={"type": "str", "choices": ["REPLICA", "DAEMON"]},
            network_configuration={
                "type": "dict",
                "options": {
                    "subnets": {**NAMES, "required": True},
                    "security_groups": NAMES,
                    "assign_public_ip": {"type": "bool", "default": False},
                },
            },
            load_balancers={
                **PARTS,
                "options": {
                    "target_group_arn": NEEDED,
                    "container_name": NEEDED,
                    "container_port": {"type": "int", "required": True},
                    "advanced_configuration": {"type": "dict"},
                },
            },
            health_check_grace_period_seconds={"type": "int"},
            deployment_configuration={"type": "dict", "options": DEPLOYMENT},
            availability_zone_rebalancing={"type": "str", "choices": ["ENABLED", "DISABLED"]},
            enable_execute_command={"type": "bool"},
            enable_ecs_managed_tags={"type": "bool"},
            propagate_tags={"type": "str", "choices": ["TASK_DEFINITION", "SERVICE", "NONE"]},
            service_registries=PARTS,
            service_connect_configuration={"type": "dict"},
            volume_configurations=PARTS,
            placement_constraints=PARTS,
            placement_strategy=PARTS,
            force_new_deployment={"type": "bool", "default": False},
            wait={"type": "bool", "default": True},
        ),
        required_if=[("state", "present", ["task_definition"])],
        mutually_exclusive=[("launch_type", "capacity_provider_strategy")],
    )


if __name__ == "__main__":
    main()
