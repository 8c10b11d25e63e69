#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudfront_public_key
version_added: 0.1.0
short_description: Ensure a CloudFront public key
description:
  - Ensures a public key with which CloudFront checks signed URLs and cookies.
  - A public key is found by its name. The texts of two keys are the same when they encode the same key, whatever
    their line ends.
  - AWS cannot change a key. Another key under the same name makes the module fail; give the new key another name,
    and let the old one go when nothing uses it any more.
author:
  - The Streamify authors (@streamify)
options:
  name:
    description: The name, unique in the account.
    type: str
    required: true
  encoded_key:
    description: The key as PEM (C(BEGIN PUBLIC KEY)), ECDSA P-256 or RSA 2048. Required with O(state=present).
    type: str
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
- name: Ensure that the CDN knows the key that playback cookies are signed with
  streamify.aws.cloudfront_public_key:
    name: streamify-production-2026-01
    encoded_key: "{{ lookup('ansible.builtin.file', 'signing-key.pub.pem') }}"
    comment: Signs playback cookies
  register: key

- name: Ensure that a key does not exist
  streamify.aws.cloudfront_public_key:
    name: streamify-production-2025-01
    state: absent
"""

RETURN = r"""
public_key:
  description: The public key, in AWS's words in snake_case; empty with O(state=absent).
  returned: always
  type: dict
  contains:
    id:
      description: The id; it goes into the cookie C(CloudFront-Key-Pair-Id).
      type: str
      returned: when it exists
      sample: K2JCJMDEHXQW5F
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
    encoded_key:
      description: The key as PEM.
      type: str
      returned: when it exists
"""

from ansible_collections.streamify.aws.plugins.module_utils.cloudfront_public_key import PublicKey
from ansible_collections.streamify.aws.plugins.module_utils.core.module import arguments, run


def main() -> None:
    """Run the module."""
    run(
        PublicKey,
        arguments(
            timeout=300,
            name={"type": "str", "required": True},
            encoded_key={"type": "str", "no_log": False},
            comment={"type": "str"},
        ),
        required_if=[("state", "present", ["encoded_key"])],
    )


if __name__ == "__main__":
    main()
