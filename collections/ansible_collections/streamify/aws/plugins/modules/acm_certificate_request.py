#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: acm_certificate_request
version_added: 0.1.0
short_description: Ensure a certificate that AWS Certificate Manager issues, validated by DNS
description:
  - Requests a certificate, writes the records that show whose the names are to Route 53, and waits until it is issued.
  - The records stay, because AWS renews the certificate by them; one that is missing is written again.
  - A certificate is found by its C(Name) tag, its names and its key. AWS cannot change these, so that other names make
    another certificate. The one before stays for what still uses it, and is named in RV(certificate.superseded);
    O(state=absent) removes all of them.
  - A certificate that failed, expired or was revoked is requested anew.
  - The module fails when AWS refuses the names, or when they are not validated in time, and then names the domains,
    their records, and the name servers of the zone that holds them.
author:
  - The Streamify authors (@streamify)
options:
  name:
    description: The value of the C(Name) tag.
    type: str
    required: true
  domain_name:
    description:
      - The first name, which may be a wildcard such as V(*.example.com). At most 64 characters.
      - Required with O(state=present).
    type: str
  subject_alternative_names:
    description: Further names. AWS allows ten names in all unless it was asked for more.
    type: list
    elements: str
  key_algorithm:
    description: The kind of the key. CloudFront takes V(RSA_2048), V(RSA_3072), V(RSA_4096) and V(EC_prime256v1).
    type: str
    choices: [RSA_2048, RSA_3072, RSA_4096, EC_prime256v1, EC_secp384r1, EC_secp521r1]
    default: RSA_2048
  transparency_logging:
    description: Whether the certificate is in public certificate transparency logs, which browsers ask for.
    type: bool
    default: true
  write_records:
    description: Whether the module writes the validation records. Otherwise RV(certificate.domain_validation_options)
      holds what must be written where the domain is served.
    type: bool
    default: true
  zone_id:
    description: The public hosted zone that the records are written to. Left out, it is the account's nearest public
      zone above each name.
    type: str
  delete_records:
    description: With O(state=absent), whether the records are removed too, except those that another certificate of
      this region or of us-east-1 needs. A certificate of a third region would not be renewed any more.
    type: bool
    default: false
  wait:
    description: Wait until the certificate is issued.
    type: bool
    default: true
  wait_timeout:
    description: Seconds to wait for that, or at a removal for the last use of the certificate to end.
    type: int
    default: 1800
extends_documentation_fragment:
  - streamify.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Ensure the public balancer's certificate
  streamify.aws.acm_certificate_request:
    name: streamify-production-public
    domain_name: api.example.com
    tags:
      project: streamify

- name: Ensure the CDN's certificate, where CloudFront looks for it
  streamify.aws.acm_certificate_request:
    name: streamify-production-cdn
    domain_name: media.example.com
    subject_alternative_names: [video.example.com]
    region: us-east-1

- name: Request one for a domain that is served elsewhere, and go on
  streamify.aws.acm_certificate_request:
    name: streamify-production-partner
    domain_name: media.partner.example
    write_records: false
    wait: false
  register: partner

- name: Ensure that a certificate and its validation records are gone
  streamify.aws.acm_certificate_request:
    name: streamify-staging-public
    delete_records: true
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
    status:
      description: Whether it is issued.
      type: str
      returned: when it exists
      sample: ISSUED
    domain_name:
      description: The first name.
      type: str
      returned: when it exists
      sample: api.example.com
    subject_alternative_names:
      description: All names, the first one too.
      type: list
      elements: str
      returned: when it exists
    domain_validation_options:
      description: What shows whose each name is; C(resource_record) holds C(name), C(type) and C(value).
      type: list
      elements: dict
      returned: when it exists
    not_after:
      description: When it expires, in ISO 8601. AWS renews it long before.
      type: str
      returned: when it is issued
    superseded:
      description: ARNs of certificates of the same name tag that have other names or can not be used any more.
      type: list
      elements: str
      returned: when it exists
    tags:
      description: The tags, without C(Name).
      type: dict
      returned: when it exists
validation_records:
  description: The records that AWS looks for, each with C(domain_name), C(status), C(name), C(type) and C(value).
  returned: when the certificate was not issued
  type: list
  elements: dict
"""

from ansible_collections.streamify.aws.plugins.module_utils.acm_certificate_request import CertificateRequest
from ansible_collections.streamify.aws.plugins.module_utils.core.module import arguments, run

ALGORITHMS = ["RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1", "EC_secp521r1"]


def main() -> None:
    """Run the module."""
    run(
        CertificateRequest,
        arguments(
            tags=True,
            timeout=1800,
            name={"type": "str", "required": True},
            domain_name={"type": "str"},
            subject_alternative_names={"type": "list", "elements": "str"},
            key_algorithm={"type": "str", "choices": ALGORITHMS, "default": "RSA_2048"},
            transparency_logging={"type": "bool", "default": True},
            write_records={"type": "bool", "default": True},
            zone_id={"type": "str"},
            delete_records={"type": "bool", "default": False},
            wait={"type": "bool", "default": True},
        ),
        required_if=[("state", "present", ["domain_name"])],
    )


if __name__ == "__main__":
    main()
