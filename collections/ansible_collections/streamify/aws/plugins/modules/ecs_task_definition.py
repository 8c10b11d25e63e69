#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ecs_task_definition
version_added: 0.1.0
short_description: Ensure what the latest revision of an ECS task definition says
description:
  - Compares everything that was asked for with the latest active revision, and registers a new revision only when
    something differs.
  - What AWS adds on its own (empty lists, host ports, protocols) is no difference. What the revision has and the
    playbook does not is one.
  - With O(state=absent) every active revision of the family is deregistered.
author:
  - The Streamify authors (@streamify)
options:
  family:
    description: The family's name.
    type: str
    required: true
    aliases: [name]
  revision:
    description: With O(state=absent), the only revision to deregister; tasks that run it go on running.
    type: int
  container_definitions:
    description:
      - The containers, in AWS's words in snake_case, at every depth
        (U(https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html)).
        Names that AWS does not have are refused.
      - C(environment) is a list of C({name, value}), C(secrets) a list of C({name, value_from}).
        The keys of C(docker_labels) and of the log configuration's C(options) are left as they are.
      - Required with O(state=present).
    type: list
    elements: dict
  cpu:
    description: CPU units of the task, such as C(512), or C(0.5 vCPU). Fargate needs it.
    type: str
  memory:
    description: Memory of the task in MiB, such as C(1024), or C(1 GB). Fargate needs it.
    type: str
  task_role_arn:
    description: The role of the application.
    type: str
  execution_role_arn:
    description: The role with which ECS pulls the image, reads the secrets and writes the logs.
    type: str
  network_mode:
    description: The network mode.
    type: str
    choices: [awsvpc, bridge, host, none]
    default: awsvpc
  requires_compatibilities:
    description: The launch types that AWS shall check the definition for.
    type: list
    elements: str
    choices: [EC2, FARGATE, EXTERNAL, MANAGED_INSTANCES]
  runtime_platform:
    description: The processor and operating system.
    type: dict
    suboptions:
      cpu_architecture:
        description: The processor.
        type: str
        choices: [X86_64, ARM64]
      operating_system_family:
        description: The operating system, such as V(LINUX).
        type: str
  ephemeral_storage:
    description: The task's scratch space on Fargate.
    type: dict
    suboptions:
      size_in_gib:
        description: GiB, from 21 to 200.
        type: int
        required: true
  volumes:
    description: The volumes, in AWS's words in snake_case.
    type: list
    elements: dict
  placement_constraints:
    description: The placement constraints, in AWS's words in snake_case.
    type: list
    elements: dict
  proxy_configuration:
    description: The App Mesh proxy, in AWS's words in snake_case.
    type: dict
  pid_mode:
    description: The process namespace.
    type: str
    choices: [host, task]
  ipc_mode:
    description: The IPC namespace.
    type: str
    choices: [host, task, none]
  enable_fault_injection:
    description: Whether AWS Fault Injection Service may reach the task.
    type: bool
extends_documentation_fragment:
  - streamify.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Ensure that the API's task definition is as said here
  streamify.aws.ecs_task_definition:
    family: streamify-production-api
    cpu: 512
    memory: 1024
    requires_compatibilities: [FARGATE]
    runtime_platform:
      cpu_architecture: X86_64
      operating_system_family: LINUX
    execution_role_arn: arn:aws:iam::123456789012:role/streamify-production-execution
    task_role_arn: arn:aws:iam::123456789012:role/streamify-production-task
    container_definitions:
      - name: api
        image: 123456789012.dkr.ecr.eu-central-1.amazonaws.com/streamify-production-api@sha256:9f0c
        essential: true
        readonly_root_filesystem: true
        user: "10001:10001"
        stop_timeout: 60
        port_mappings:
          - container_port: 8080
          - container_port: 9090
        environment:
          - name: STREAMIFY_LOG_LEVEL
            value: info
        secrets:
          - name: STREAMIFY_SIGNING_KEY
            value_from: arn:aws:secretsmanager:eu-central-1:123456789012:secret:signing-key
        log_configuration:
          log_driver: awslogs
          options:
            awslogs-group: /streamify/production/api
            awslogs-region: eu-central-1
            awslogs-stream-prefix: api
    tags:
      project: streamify
  register: definition

- name: Ensure that the family has no active revision
  streamify.aws.ecs_task_definition:
    family: streamify-staging-api
    state: absent

- name: Ensure that nobody goes back to a broken revision
  streamify.aws.ecs_task_definition:
    family: streamify-production-api
    revision: 42
    state: absent
"""

RETURN = r"""
task_definition:
  description: The latest active revision, in AWS's words in snake_case; empty with O(state=absent).
  returned: always
  type: dict
  contains:
    task_definition_arn:
      description: The ARN, with the revision.
      type: str
      returned: when it exists
      sample: arn:aws:ecs:eu-central-1:123456789012:task-definition/streamify-production-api:7
    family:
      description: The family.
      type: str
      returned: when it exists
      sample: streamify-production-api
    revision:
      description: The revision.
      type: int
      returned: when it exists
      sample: 7
    container_definitions:
      description: The containers.
      type: list
      elements: dict
      returned: when it exists
    tags:
      description: The tags.
      type: dict
      returned: when it exists
"""

from ansible_collections.streamify.aws.plugins.module_utils.core.module import arguments, run
from ansible_collections.streamify.aws.plugins.module_utils.ecs_task_definition import TaskDefinition


def main() -> None:
    """Run the module."""
    run(
        TaskDefinition,
        arguments(
            tags=True,
            family={"type": "str", "required": True, "aliases": ["name"]},
            revision={"type": "int"},
            container_definitions={"type": "list", "elements": "dict"},
            cpu={"type": "str"},
            memory={"type": "str"},
            task_role_arn={"type": "str"},
            execution_role_arn={"type": "str"},
            network_mode={"type": "str", "choices": ["awsvpc", "bridge", "host", "none"], "default": "awsvpc"},
            requires_compatibilities={
                "type": "list",
                "elements": "str",
                "choices": ["EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"],
            },
            runtime_platform={
                "type": "dict",
                "options": {
                    "cpu_architecture": {"type": "str", "choices": ["X86_64", "ARM64"]},
                    "operating_system_family": {"type": "str"},
                },
            },
            ephemeral_storage={
                "type": "dict",
                "options": {"size_in_gib": {"type": "int", "required": True}},
            },
            volumes={"type": "list", "elements": "dict"},
            placement_constraints={"type": "list", "elements": "dict"},
            proxy_configuration={"type": "dict"},
            pid_mode={"type": "str", "choices": ["host", "task"]},
            ipc_mode={"type": "str", "choices": ["host", "task", "none"]},
            enable_fault_injection={"type": "bool"},
        ),
        required_if=[("state", "present", ["container_definitions"])],
    )


if __name__ == "__main__":
    main()
