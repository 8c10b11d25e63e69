#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: secretsmanager_key_pair
version_added: 0.1.0
short_description: Ensure a signing key pair whose private half lives in Secrets Manager alone
description:
  - Generates a key pair once and keeps the private key as the value of a secret. The private key is never returned,
    logged or written to disk.
  - Returns the public key, for example for M(streamify.aws.cloudfront_public_key).
  - An existing key is never replaced. To rotate, make a second key pair under another name.
author:
  - The Streamify authors (@streamify)
options:
  name:
    description: The secret's name.
    type: str
    required: true
  key_type:
    description: The kind of key. CloudFront accepts these two; signing with ECDSA is about ten times cheaper.
    type: str
    choices: [ECDSA_P256, RSA_2048]
    default: ECDSA_P256
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
requirements:
  - cryptography
"""

EXAMPLES = r"""
- name: Ensure the key that signs playback cookies
  streamify.aws.secretsmanager_key_pair:
    name: streamify-production-signing-key
    description: Signs the CDN's playback cookies
    tags:
      project: streamify

- name: Ensure that a key is gone, at once
  streamify.aws.secretsmanager_key_pair:
    name: streamify-staging-signing-key
    state: absent
    recovery_window: 0
"""

RETURN = r"""
key_pair:
  description: The secret and the public key; never the private key. Empty with O(state=absent).
  returned: always
  type: dict
  contains:
    arn:
      description: The secret's ARN.
      type: str
      returned: when it exists
      sample: arn:aws:secretsmanager:eu-central-1:123456789012:secret:streamify-production-signing-key-AbCdEf
    key_type:
      description: The kind of key.
      type: str
      returned: when it exists
      sample: ECDSA_P256
    name:
      description: The secret's name.
      type: str
      returned: when it exists
    public_key:
      description: The public key as PEM text.
      type: str
      returned: when it exists
    version_id:
      description: The version of the secret that holds the key.
      type: str
      returned: when it exists
"""

from ansible_collections.streamify.aws.plugins.module_utils.core.module import arguments, run
from ansible_collections.streamify.aws.plugins.module_utils.secretsmanager_key_pair import KeyPair


def main() -> None:
    """Run the module."""
    run(
        KeyPair,
        arguments(
            tags=True,
            name={"type": "str", "required": True},
            key_type={"type": "str", "choices": ["ECDSA_P256", "RSA_2048"], "default": "ECDSA_P256", "no_log": False},
            description={"type": "str"},
            kms_key_id={"type": "str", "no_log": False},
            recovery_window={"type": "int", "default": 30},
        ),
    )


if __name__ == "__main__":
    main()
