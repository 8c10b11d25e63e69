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
  - An existing key is never replaced. To rotate, keep a standby key beside it (O(standby)), which is trusted before
    anything signs with it, and walk through the steps of O(rotation). Every step may be repeated.
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
  standby:
    description: Whether a second key is kept ready, unless a rotation's previous key is still there. It is the secret's
      version C(AWSPENDING).
    type: bool
    default: false
  rotation:
    description:
      - The step of a rotation that shall be done. None of them does anything when it is done already.
      - V(promote) makes the standby key the current one, and the current one the previous.
      - V(mark_unused) notes, as a staging label, that from now on nothing signs with the previous key.
      - V(retire) gives the previous key up, when O(retire_after) seconds have passed since.
    type: str
    choices: [promote, mark_unused, retire]
  retire_after:
    description: Seconds for which signatures of the previous key may still be in use.
    type: int
    default: 0
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

- name: Ensure that a rotation has begun
  streamify.aws.secretsmanager_key_pair:
    name: streamify-production-signing-key
    rotation: promote

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
    public_keys:
      description: The public keys of the current key and of the second one, the current one first.
      type: list
      elements: str
      returned: when it exists
    standby:
      description: The standby's C(version_id), C(public_key) and C(created), an epoch second; empty when there is none.
      type: dict
      returned: when it exists
    previous:
      description: The previous key's C(version_id), C(public_key), C(created) and C(unused_since), 0 while it may be in
        use; empty when there is none.
      type: dict
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
            standby={"type": "bool", "default": False},
            rotation={"type": "str", "choices": ["promote", "mark_unused", "retire"]},
            retire_after={"type": "int", "default": 0},
            recovery_window={"type": "int", "default": 30},
        ),
    )


if __name__ == "__main__":
    main()
