#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: elb_target_group
version_added: 0.1.0
short_description: Ensure a target group, its health check and its attributes
description:
  - Creates and changes target groups of Application, Network and Gateway Load Balancers.
  - Never registers or deregisters a target. Targets belong to ECS, or to who registered them.
  - What AWS can only change by replacement (protocol, port, VPC, target type) makes the module fail with a sentence
    that says so.
  - Names of attributes are checked, because a misspelt one is an outage that waits.
author:
  - The Streamify authors (@streamify)
options:
  name:
    description: The name, at most 32 letters, digits and hyphens.
    type: str
    required: true
  protocol:
    description: The protocol between load balancer and targets. Required to create.
    type: str
    choices: [HTTP, HTTPS, TCP, TLS, UDP, TCP_UDP, GENEVE]
  protocol_version:
    description: What is spoken over HTTP or HTTPS.
    type: str
    choices: [HTTP1, HTTP2, GRPC]
  port:
    description: The targets' port, unless a target says another. Required to create.
    type: int
  vpc_id:
    description: The VPC. Required to create, except for Lambda functions.
    type: str
  target_type:
    description: What the targets are. Fargate needs V(ip).
    type: str
    choices: [instance, ip, lambda, alb]
    default: ip
  ip_address_type:
    description: The targets' addresses.
    type: str
    choices: [ipv4, ipv6]
  health_check_enabled:
    description: Whether targets are checked.
    type: bool
  health_check_protocol:
    description: The protocol of health checks.
    type: str
    choices: [HTTP, HTTPS, TCP, TLS, UDP, TCP_UDP, GENEVE]
  health_check_port:
    description: The port of health checks, or V(traffic-port).
    type: str
  health_check_path:
    description: The path of an HTTP check, or the full name of a gRPC method such as
      V(/streamify.health.v1.ReadinessService/CheckReadiness).
    type: str
  health_check_interval_seconds:
    description: Seconds between two checks, from 5 to 300.
    type: int
  health_check_timeout_seconds:
    description: Seconds after which a check without answer has failed.
    type: int
  healthy_threshold_count:
    description: Good checks in a row that make a target healthy.
    type: int
  unhealthy_threshold_count:
    description: Failed checks in a row that make a target unhealthy.
    type: int
  matcher:
    description: The answers that are good. Say one of the two.
    type: dict
    suboptions:
      http_code:
        description: HTTP codes, such as V(200) or V(200-299).
        type: str
      grpc_code:
        description: gRPC codes, such as V(0). AWS's own default is V(12), which is UNIMPLEMENTED.
        type: str
  attributes:
    description:
      - Attributes of the target group by AWS's names
        (U(https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroupAttribute.html)),
        such as C(deregistration_delay.timeout_seconds) or C(slow_start.duration_seconds).
      - What is not named is left as it is.
    type: dict
  wait_timeout:
    description: Seconds that a removal waits while a listener or service still uses the target group.
    type: int
    default: 120
extends_documentation_fragment:
  - streamify.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Ensure the target group of the HTTP API
  streamify.aws.elb_target_group:
    name: streamify-production-http
    protocol: HTTP
    port: 8080
    vpc_id: vpc-0123456789abcdef0
    health_check_path: /health/ready
    health_check_interval_seconds: 5
    health_check_timeout_seconds: 3
    healthy_threshold_count: 2
    unhealthy_threshold_count: 2
    matcher:
      http_code: "200"
    attributes:
      deregistration_delay.timeout_seconds: 30
      load_balancing.algorithm.type: least_outstanding_requests
    tags:
      project: streamify

- name: Ensure the target group of the gRPC API
  streamify.aws.elb_target_group:
    name: streamify-production-grpc
    protocol: HTTP
    protocol_version: GRPC
    port: 9090
    vpc_id: vpc-0123456789abcdef0
    health_check_path: /streamify.health.v1.ReadinessService/CheckReadiness
    matcher:
      grpc_code: "0"

- name: Ensure that a target group does not exist
  streamify.aws.elb_target_group:
    name: streamify-staging-http
    state: absent
"""

RETURN = r"""
target_group:
  description: The target group, in AWS's words in snake_case, with its attributes and tags; empty with
    O(state=absent).
  returned: always
  type: dict
  contains:
    target_group_arn:
      description: The ARN.
      type: str
      returned: when it exists
      sample: arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/http/6d0ecf831eec9f09
    target_group_name:
      description: The name.
      type: str
      returned: when it exists
      sample: streamify-production-http
    attributes:
      description: The attributes by AWS's names; every value is a string.
      type: dict
      returned: when it exists
      sample: {"deregistration_delay.timeout_seconds": "30"}
    tags:
      description: The tags.
      type: dict
      returned: when it exists
"""

from ansible_collections.streamify.aws.plugins.module_utils.core.module import arguments, run
from ansible_collections.streamify.aws.plugins.module_utils.elb_target_group import TargetGroup

PROTOCOLS = ["HTTP", "HTTPS", "TCP", "TLS", "UDP", "TCP_UDP", "GENEVE"]


def main() -> None:
    """Run the module."""
    run(
        TargetGroup,
        arguments(
            tags=True,
            timeout=120,
            name={"type": "str", "required": True},
            protocol={"type": "str", "choices": PROTOCOLS},
            protocol_version={"type": "str", "choices": ["HTTP1", "HTTP2", "GRPC"]},
            port={"type": "int"},
            vpc_id={"type": "str"},
            target_type={"type": "str", "choices": ["instance", "ip", "lambda", "alb"], "default": "ip"},
            ip_address_type={"type": "str", "choices": ["ipv4", "ipv6"]},
            health_check_enabled={"type": "bool"},
            health_check_protocol={"type": "str", "choices": PROTOCOLS},
            health_check_port={"type": "str"},
            health_check_path={"type": "str"},
            health_check_interval_seconds={"type": "int"},
            health_check_timeout_seconds={"type": "int"},
            healthy_threshold_count={"type": "int"},
            unhealthy_threshold_count={"type": "int"},
            matcher={
                "type": "dict",
                "options": {"http_code": {"type": "str"}, "grpc_code": {"type": "str"}},
                "mutually_exclusive": [("http_code", "grpc_code")],
            },
            attributes={"type": "dict"},
        ),
    )


if __name__ == "__main__":
    main()
