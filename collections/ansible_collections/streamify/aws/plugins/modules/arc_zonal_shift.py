#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: arc_zonal_shift
version_added: 0.1.0
short_description: Ensure a zonal shift of a load balancer
description:
  - Ensures that the traffic of a resource stays away from an Availability Zone, or that it comes back.
  - AWS ends a shift by itself when its time is over. A shift that was begun before is left as long as it was asked to
    last.
author:
  - The Streamify authors (@streamify)
options:
  resource_identifier:
    description: The ARN of the load balancer. Its attribute C(zonal_shift.config.enabled) must be true.
    type: str
    required: true
  away_from:
    description: The id of the zone, such as C(euc1-az2); it is no name, which differs between accounts. Required with
      O(state=present).
    type: str
  expires_in:
    description: After which time AWS ends the shift, such as C(30m) or C(3h); three days at most.
    type: str
    default: 1h
  comment:
    description: Why; AWS shows it to whoever wonders.
    type: str
    default: begun by Ansible
extends_documentation_fragment:
  - streamify.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Ensure that a zone gets no traffic for half an hour
  streamify.aws.arc_zonal_shift:
    resource_identifier: "{{ load_balancer_output.public_arn }}"
    away_from: euc1-az2
    expires_in: 30m
    comment: game day

- name: Ensure that all zones get traffic
  streamify.aws.arc_zonal_shift:
    resource_identifier: "{{ load_balancer_output.public_arn }}"
    state: absent
"""

RETURN = r"""
zonal_shift:
  description: The shift, in AWS's words in snake_case; empty with O(state=absent).
  returned: always
  type: dict
  contains:
    zonal_shift_id:
      description: The id.
      type: str
      returned: when it is active
      sample: 2222222-3333-444-1111-999999999999
    away_from:
      description: The zone's id.
      type: str
      returned: when it is active
      sample: euc1-az2
    expiry_time:
      description: When AWS ends it.
      type: str
      returned: when it is active
      sample: "2026-01-31T12:30:00+00:00"
"""

from ansible_collections.streamify.aws.plugins.module_utils.arc_zonal_shift import ZonalShift
from ansible_collections.streamify.aws.plugins.module_utils.core.module import arguments, run


def main() -> None:
    """Run the module."""
    run(
        ZonalShift,
        arguments(
            resource_identifier={"type": "str", "required": True},
            away_from={"type": "str"},
            expires_in={"type": "str", "default": "1h"},
            comment={"type": "str", "default": "begun by Ansible"},
        ),
        required_if=[("state", "present", ["away_from"])],
    )


if __name__ == "__main__":
    main()
