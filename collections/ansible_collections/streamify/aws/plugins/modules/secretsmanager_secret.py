#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: secretsmanager_secret
version_added: 0.1.0
short_description: Ensure a secret of Secrets Manager and its value
description:
  - Creates and changes secrets whose value is a text. The value is never returned or shown; a difference reads as two
    SHA-256 digests.
author:
  - The Streamify authors (@streamify)
options:
  name:
    description: The secret's name.
    type: str
    required: true
  secret_string:
    description: The value. Required with O(state=present).
    type: str
  description:
    description: What the secret is for.
    type: str
  kms_key_id:
    description: The KMS key that encrypts the secret, instead of AWS's own.
    type: str
  recovery_window:
    description: Days for which a deleted secret can be restored, from 7 to 30, or 0 to delete it at once.
    type: int
    default: 30
extends_documentation_fragment:
  - streamify.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Ensure the public keys that tokens are checked with
  streamify.aws.secretsmanager_secret:
    name: streamify-production-token-jwks
    secret_string: "{{ lookup('ansible.builtin.file', 'jwks.json') }}"
    tags:
      project: streamify

- name: Ensure that a secret is gone, at once
  streamify.aws.secretsmanager_secret:
    name: streamify-staging-token-jwks
    state: absent
    recovery_window: 0
"""

RETURN = r"""
secret:
  description: What AWS tells about the secret, without its value. Empty with O(state=absent).
  returned: always
  type: dict
  contains:
    arn:
      description: The secret's ARN.
      type: str
      returned: when it exists
      sample: arn:aws:secretsmanager:eu-central-1:123456789012:secret:streamify-production-token-jwks-AbCdEf
    name:
      description: The secret's name.
      type: str
      returned: when it exists
    sha256:
      description: The value's SHA-256.
      type: str
      returned: when it exists
    version_id:
      description: The version of the value.
      type: str
      returned: when it exists
"""

from ansible_collections.streamify.aws.plugins.module_utils.core.module import arguments, run
from ansible_collections.streamify.aws.plugins.module_utils.secretsmanager_secret import Secret


def main() -> None:
    """Run the module."""
    run(
        Secret,
        arguments(
            tags=True,
            name={"type": "str", "required": True},
            secret_string={"type": "str", "no_log": True},
            description={"type": "str"},
            kms_key_id={"type": "str", "no_log": False},
            recovery_window={"type": "int", "default": 30},
        ),
        required_if=[("state", "present", ["secret_string"])],
    )


if __name__ == "__main__":
    main()
