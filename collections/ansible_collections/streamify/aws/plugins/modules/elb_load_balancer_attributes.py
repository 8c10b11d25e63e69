#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: elb_load_balancer_attributes
version_added: 0.1.0
short_description: Ensure attributes of a load balancer
description:
  - Ensures attributes of a load balancer that M(amazon.aws.elb_application_lb) does not know, such as zonal shift.
  - Returns the load balancer in check mode too, which that module does not.
author:
  - The Streamify authors (@streamify)
options:
  name:
    description: The load balancer's name.
    type: str
    required: true
  attributes:
    description: The attributes, by AWS's names; others stay as they are.
    type: dict
    required: true
  state:
    description: The attributes of a load balancer are always there.
    type: str
    choices: [present]
    default: present
extends_documentation_fragment:
  - streamify.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Ensure that traffic can be shifted away from a zone
  streamify.aws.elb_load_balancer_attributes:
    name: streamify-production-public
    attributes:
      zonal_shift.config.enabled: true
"""

RETURN = r"""
load_balancer:
  description: The load balancer, in AWS's words in snake_case, with its attributes.
  returned: always
  type: dict
  contains:
    load_balancer_arn:
      description: The ARN.
      type: str
      returned: always
      sample: arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/streamify-public/0123456789abcdef
    dns_name:
      description: The load balancer's own name.
      type: str
      returned: always
      sample: streamify-production-public-123.eu-central-1.elb.amazonaws.com
    canonical_hosted_zone_id:
      description: The hosted zone of that name.
      type: str
      returned: always
      sample: Z215JYRZR1TBD5
    attributes:
      description: The attributes, as strings.
      type: dict
      returned: always
"""

from ansible_collections.streamify.aws.plugins.module_utils.core.module import arguments, run
from ansible_collections.streamify.aws.plugins.module_utils.elb_load_balancer_attributes import LoadBalancerAttributes


def main() -> None:
    """Run the module."""
    run(
        LoadBalancerAttributes,
        arguments(
            name={"type": "str", "required": True},
            attributes={"type": "dict", "required": True},
            state={"type": "str", "choices": ["present"], "default": "present"},
        ),
    )


if __name__ == "__main__":
    main()
