#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudfront_key_group
version_added: 0.1.0
short_description: Ensure a CloudFront key group
description:
  - Ensures which public keys a distribution trusts.
  - A key group is found by its name. With two keys in it, one can be replaced while signatures of the other still
    count.
author:
  - The Streamify authors (@streamify)
options:
  name:
    description: The name, unique in the account.
    type: str
    required: true
  items:
    description: The ids of the public keys. Required with O(state=present).
    type: list
    elements: str
    aliases: [public_keys]
  comment:
    description: What it is for.
    type: str

  wait_timeout:
    description: Seconds to wait for a removal while something still uses it.
    type: int
    default: 300
extends_documentation_fragment:
  - streamify.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Ensure that the CDN trusts this key
  streamify.aws.cloudfront_key_group:
    name: streamify-production-playback
    items:
      - "{{ key.public_key.id }}"
  register: group

- name: Ensure that a key group does not exist
  streamify.aws.cloudfront_key_group:
    name: streamify-staging-playback
    state: absent
"""

RETURN = r"""
key_group:
  description: The key group, in AWS's words in snake_case; empty with O(state=absent).
  returned: always
  type: dict
  contains:
    id:
      description: The id.
      type: str
      returned: when it exists
      sample: E327GJI25M56DG
    etag:
      description: The version of the configuration.
      type: str
      returned: when it exists
      sample: E2QWRUHAPOMQZL
    name:
      description: The name.
      type: str
      returned: when it exists
      sample: streamify-production-media
    public_keys:
      description: The public keys' ids.
      type: list
      elements: str
      returned: when it exists
"""

from ansible_collections.streamify.aws.plugins.module_utils.cloudfront_key_group import KeyGroup
from ansible_collections.streamify.aws.plugins.module_utils.core.module import arguments, run


def main() -> None:
    """Run the module."""
    run(
        KeyGroup,
        arguments(
            timeout=300,
            name={"type": "str", "required": True},
            items={"type": "list", "elements": "str", "aliases": ["public_keys"]},
            comment={"type": "str"},
        ),
        required_if=[("state", "present", ["items"])],
    )


if __name__ == "__main__":
    main()
