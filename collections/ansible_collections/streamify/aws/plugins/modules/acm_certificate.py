#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: acm_certificate
version_added: 0.1.0
short_description: Ensure a certificate imported into AWS Certificate Manager
description:
  - Imports a certificate with its chain and key, and imports it again under the same ARN when certificate or chain
    differ.
  - Certificates are found by their C(Name) tag, and compared by their fingerprints.
author:
  - The Streamify authors (@streamify)
options:
  name:
    description: The value of the C(Name) tag, which only one certificate of the region may have.
    type: str
    required: true
  certificate:
    description: The certificate itself as PEM text, without its chain. Required with O(state=present).
    type: str
  certificate_chain:
    description: The certificates between it and the root, as PEM text.
    type: str
  private_key:
    description:
      - The private key as PEM text. Required with O(state=present).
      - It cannot be read back, so a difference in it alone is not seen.
    type: str
  wait_timeout:
    description: Seconds that a removal waits while something still uses the certificate.
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
- name: Ensure the public balancer's certificate
  streamify.aws.acm_certificate:
    name: streamify-production-public
    certificate: "{{ lookup('ansible.builtin.file', 'public.pem') }}"
    certificate_chain: "{{ lookup('ansible.builtin.file', 'chain.pem') }}"
    private_key: "{{ lookup('ansible.builtin.file', 'public.key') }}"
    tags:
      project: streamify

- name: Ensure that a certificate is gone
  streamify.aws.acm_certificate:
    name: streamify-staging-public
    state: absent
"""

RETURN = r"""
certificate:
  description: The certificate, in AWS's words in snake_case; empty with O(state=absent).
  returned: always
  type: dict
  contains:
    certificate_arn:
      description: The ARN.
      type: str
      returned: when it exists
      sample: arn:aws:acm:eu-central-1:123456789012:certificate/7c9b8f0a-1d2e-4f3a-8b5c-6d7e8f9a0b1c
    certificate_sha256:
      description: The certificate's fingerprint.
      type: list
      elements: str
      returned: when it exists
    chain_sha256:
      description: The chain's fingerprints.
      type: list
      elements: str
      returned: when it exists
    tags:
      description: The tags, without C(Name).
      type: dict
      returned: when it exists
"""

from ansible_collections.streamify.aws.plugins.module_utils.acm_certificate import Certificate
from ansible_collections.streamify.aws.plugins.module_utils.core.module import arguments, run


def main() -> None:
    """Run the module."""
    run(
        Certificate,
        arguments(
            tags=True,
            timeout=120,
            name={"type": "str", "required": True},
            certificate={"type": "str"},
            certificate_chain={"type": "str"},
            private_key={"type": "str", "no_log": True},
        ),
        required_if=[("state", "present", ["certificate", "private_key"])],
    )


if __name__ == "__main__":
    main()
