#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ecs_cluster
version_added: 0.1.0
short_description: Ensure an ECS cluster
description:
  - Ensures an ECS cluster, its settings such as Container Insights, and its capacity providers.
  - With O(state=absent) the cluster must have no service and no task; one that was removed a moment ago is waited
    for.
author:
  - The Streamify authors (@streamify)
options:
  name:
    description: The name.
    type: str
    required: true
    aliases: [cluster_name]
  settings:
    description: Settings by name, such as C(containerInsights) with V(enabled), V(enhanced) or V(disabled). What is
      not named is left as it is.
    type: dict
  configuration:
    description: The logging of C(execute-command) and the encryption of storage, in AWS's words in snake_case.
    type: dict
  service_connect_defaults:
    description: The namespace of Service Connect.
    type: dict
    suboptions:
      namespace:
        description: The Cloud Map namespace.
        type: str
        required: true
  capacity_providers:
    description: The capacity providers, such as V(FARGATE) and V(FARGATE_SPOT).
    type: list
    elements: str
  default_capacity_provider_strategy:
    description: The capacity providers of services that do not say theirs.
    type: list
    elements: dict
    suboptions:
      capacity_provider:
        description: The name.
        type: str
        required: true
      weight:
        description: The share of tasks.
        type: int
        default: 0
      base:
        description: The least number of tasks.
        type: int
        default: 0

  wait_timeout:
    description: Seconds to wait for a removal while something still uses it.
    type: int
    default: 300
extends_documentation_fragment:
  - streamify.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Ensure the cluster, with Container Insights
  streamify.aws.ecs_cluster:
    name: streamify-production
    settings:
      containerInsights: enabled
    capacity_providers: [FARGATE, FARGATE_SPOT]
    tags:
      project: streamify

- name: Ensure that a cluster does not exist
  streamify.aws.ecs_cluster:
    name: streamify-staging
    state: absent
"""

RETURN = r"""
cluster:
  description: The cluster, in AWS's words in snake_case; empty with O(state=absent).
  returned: always
  type: dict
  contains:
    cluster_arn:
      description: The ARN.
      type: str
      returned: when it exists
      sample: arn:aws:ecs:eu-central-1:123456789012:cluster/streamify-production
    cluster_name:
      description: The name.
      type: str
      returned: when it exists
      sample: streamify-production
    settings:
      description: The settings by name.
      type: dict
      returned: when it exists
      sample: {"containerInsights": "enabled"}
    tags:
      description: The tags.
      type: dict
      returned: when it exists
"""

from ansible_collections.streamify.aws.plugins.module_utils.core.module import arguments, run
from ansible_collections.streamify.aws.plugins.module_utils.ecs_cluster import Cluster


def main() -> None:
    """Run the module."""
    run(
        Cluster,
        arguments(
            tags=True,
            timeout=300,
            name={"type": "str", "required": True, "aliases": ["cluster_name"]},
            settings={"type": "dict"},
            configuration={"type": "dict"},
            service_connect_defaults={"type": "dict", "options": {"namespace": {"type": "str", "required": True}}},
            capacity_providers={"type": "list", "elements": "str"},
            default_capacity_provider_strategy={
                "type": "list",
                "elements": "dict",
                "options": {
                    "capacity_provider": {"type": "str", "required": True},
                    "weight": {"type": "int", "default": 0},
                    "base": {"type": "int", "default": 0},
                },
            },
        ),
    )


if __name__ == "__main__":
    main()
