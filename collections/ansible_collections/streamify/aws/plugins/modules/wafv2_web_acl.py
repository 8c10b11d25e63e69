#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: wafv2_web_acl
version_added: 0.1.0
short_description: Ensure a web ACL of WAF
description:
  - Ensures a web ACL, its rules, and the load balancers it stands before.
  - Unlike M(community.aws.wafv2_web_acl) it compares everything it sets and returns the web ACL in check mode.
author:
  - The Streamify authors (@streamify)
options:
  name:
    description: The name.
    type: str
    required: true
  scope:
    description: Whether it stands before load balancers, or before CloudFront (then the region is us-east-1).
    type: str
    choices: [REGIONAL, CLOUDFRONT]
    default: REGIONAL
  description:
    description: What it is for. It cannot be taken away once it was given.
    type: str
  default_action:
    description: What happens to a request that no rule decided about.
    type: str
    choices: [allow, block]
    default: allow
  rules:
    description: The rules, in AWS's words in snake_case; those that are not named here are removed.
    type: list
    elements: dict
  sampled_requests_enabled:
    description: Whether WAF keeps samples of requests.
    type: bool
    default: true
  cloudwatch_metrics_enabled:
    description: Whether WAF counts in CloudWatch.
    type: bool
    default: true
  metric_name:
    description: The metric's name; O(name) otherwise.
    type: str
  resource_arns:
    description: ARNs of the load balancers it stands before, and no others, with O(scope=REGIONAL).
    type: list
    elements: str
extends_documentation_fragment:
  - streamify.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Ensure AWS's common rules and a limit of requests before the load balancer
  streamify.aws.wafv2_web_acl:
    name: streamify-production
    rules:
      - name: common
        priority: 1
        statement:
          managed_rule_group_statement:
            vendor_name: AWS
            name: AWSManagedRulesCommonRuleSet
        override_action: {none: {}}
        visibility_config: {sampled_requests_enabled: true, cloud_watch_metrics_enabled: true, metric_name: common}
      - name: rate
        priority: 2
        statement:
          rate_based_statement: {limit: 2000, aggregate_key_type: IP}
        action: {block: {}}
        visibility_config: {sampled_requests_enabled: true, cloud_watch_metrics_enabled: true, metric_name: rate}
    resource_arns:
      - arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/streamify-public/0123456789abcdef
"""

RETURN = r"""
web_acl:
  description: The web ACL, in AWS's words in snake_case; empty with O(state=absent).
  returned: always
  type: dict
  contains:
    arn:
      description: The ARN.
      type: str
      returned: when it exists
      sample: arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/streamify-production/0123-4567
    name:
      description: The name.
      type: str
      returned: when it exists
      sample: streamify-production
    resource_arns:
      description: The load balancers it stands before.
      type: list
      returned: when it exists
    tags:
      description: The tags.
      type: dict
      returned: when it exists
"""

from ansible_collections.streamify.aws.plugins.module_utils.core.module import arguments, run
from ansible_collections.streamify.aws.plugins.module_utils.wafv2_web_acl import WebAcl


def main() -> None:
    """Run the module."""
    run(
        WebAcl,
        arguments(
            tags=True,
            name={"type": "str", "required": True},
            scope={"type": "str", "choices": ["REGIONAL", "CLOUDFRONT"], "default": "REGIONAL"},
            description={"type": "str"},
            default_action={"type": "str", "choices": ["allow", "block"], "default": "allow"},
            rules={"type": "list", "elements": "dict"},
            sampled_requests_enabled={"type": "bool", "default": True},
            cloudwatch_metrics_enabled={"type": "bool", "default": True},
            metric_name={"type": "str"},
            resource_arns={"type": "list", "elements": "str"},
        ),
    )


if __name__ == "__main__":
    main()
