#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: route53_record
version_added: 0.1.0
short_description: Ensure a record of Route 53
description:
  - Ensures one name and type of a hosted zone, as an alias of an AWS resource or with values of its own.
  - Records with a routing policy (weighted, latency, failover) are left alone.
  - The hosted zone is not this module's. In check mode it need not exist yet.
author:
  - The Streamify authors (@streamify)
options:
  name:
    description: The name, in full.
    type: str
    required: true
    aliases: [record]
  type:
    description: The type.
    type: str
    choices: [A, AAAA, CAA, CNAME, MX, NS, PTR, SRV, TXT]
    default: A
  zone:
    description: The hosted zone's name.
    type: str
  private_zone:
    description: Whether O(zone) is a private one.
    type: bool
    default: false
  zone_id:
    description: The hosted zone's id, where the name alone is not enough.
    type: str
    aliases: [hosted_zone_id]
  alias_target:
    description: The AWS resource whose addresses the name answers with.
    type: dict
    suboptions:
      dns_name:
        description: The resource's own name.
        type: str
        required: true
      hosted_zone_id:
        description: The hosted zone of the resource's own name; Z2FDTNDATAQYW2 for CloudFront.
        type: str
        required: true
      evaluate_target_health:
        description: Whether the name answers nothing when the resource is not healthy.
        type: bool
        default: false
  ttl:
    description: Seconds for which O(resource_records) may be remembered.
    type: int
    default: 300
  resource_records:
    description: The values of a record that is no alias.
    type: list
    elements: str
  wait_timeout:
    description: Seconds to wait until all name servers answer with a change.
    type: int
    default: 300
extends_documentation_fragment:
  - streamify.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Ensure that the API's name leads to its load balancer
  streamify.aws.route53_record:
    zone: example.com
    name: api.example.com
    alias_target:
      dns_name: streamify-production-public-123.eu-central-1.elb.amazonaws.com
      hosted_zone_id: Z215JYRZR1TBD5

- name: Ensure a record with values of its own
  streamify.aws.route53_record:
    zone_id: Z0123456789ABCDEFGHIJ
    name: example.com
    type: CAA
    resource_records: ['0 issue "amazon.com"']
"""

RETURN = r"""
record:
  description: The record, in AWS's words in snake_case; empty with O(state=absent).
  returned: always
  type: dict
  contains:
    name:
      description: The name, with the last dot.
      type: str
      returned: when it exists
      sample: api.example.com.
    type:
      description: The type.
      type: str
      returned: when it exists
      sample: A
    hosted_zone_id:
      description: The hosted zone's id.
      type: str
      returned: when it exists
      sample: Z0123456789ABCDEFGHIJ
"""

from ansible_collections.streamify.aws.plugins.module_utils.core.module import arguments, run
from ansible_collections.streamify.aws.plugins.module_utils.route53_record import Record


def main() -> None:
    """Run the module."""
    run(
        Record,
        arguments(
            timeout=300,
            name={"type": "str", "required": True, "aliases": ["record"]},
            type={
                "type": "str",
                "choices": ["A", "AAAA", "CAA", "CNAME", "MX", "NS", "PTR", "SRV", "TXT"],
                "default": "A",
            },
            zone={"type": "str"},
            private_zone={"type": "bool", "default": False},
            zone_id={"type": "str", "aliases": ["hosted_zone_id"]},
            alias_target={
                "type": "dict",
                "options": {
                    "dns_name": {"type": "str", "required": True},
                    "hosted_zone_id": {"type": "str", "required": True},
                    "evaluate_target_health": {"type": "bool", "default": False},
                },
            },
            ttl={"type": "int", "default": 300},
            resource_records={"type": "list", "elements": "str"},
        ),
        required_one_of=[("zone", "zone_id")],
        mutually_exclusive=[("zone", "zone_id"), ("alias_target", "resource_records")],
        required_if=[("state", "present", ["alias_target", "resource_records"], True)],
    )


if __name__ == "__main__":
    main()
