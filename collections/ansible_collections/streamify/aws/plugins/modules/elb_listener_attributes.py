#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: elb_listener_attributes
version_added: 0.1.0
short_description: Ensure attributes and mutual authentication of a load balancer's listener
description:
  - Ensures what a listener of an Application Load Balancer has beside its certificates and rules. Headers of every
    answer (HSTS, content security policy, the balancer's own name), names of the headers that tell targets about TLS,
    and whether clients must show a certificate.
  - The listener itself belongs to its load balancer, see M(amazon.aws.elb_application_lb); it must exist, except in
    check mode.
  - Names of attributes are checked.
  - With O(state=absent) the listener stays and has AWS's defaults again.
author:
  - The Streamify authors (@streamify)
options:
  load_balancer:
    description: The load balancer's name or ARN.
    type: str
    required: true
  port:
    description: The listener's port.
    type: int
    required: true
  attributes:
    description:
      - Attributes of the listener by AWS's names
        (U(https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ListenerAttribute.html)),
        such as C(routing.http.response.server.enabled) or
        C(routing.http.response.strict_transport_security.header_value).
      - What is not named is left as it is.
    type: dict
  mutual_authentication:
    description: Whether and how clients show certificates. Left as it is unless named.
    type: dict
    suboptions:
      mode:
        description: With V(passthrough) targets judge the client's certificate, with V(verify) the load balancer does.
        type: str
        choices: ['off', passthrough, verify]
        required: true
      trust_store_arn:
        description: The authorities that are trusted. Required with V(verify).
        type: str
      ignore_client_certificate_expiry:
        description: Whether expired certificates are good too. AWS's default is that they are not.
        type: bool
      advertise_trust_store_ca_names:
        description: Whether clients are told the trusted authorities' names.
        type: str
        choices: ['on', 'off']
extends_documentation_fragment:
  - streamify.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Ensure that browsers use HTTPS only, and that no answer names the balancer's software
  streamify.aws.elb_listener_attributes:
    load_balancer: streamify-production-public
    port: 443
    attributes:
      routing.http.response.server.enabled: false
      routing.http.response.strict_transport_security.header_value: max-age=31536000; includeSubDomains

- name: Ensure that upload services show a certificate
  streamify.aws.elb_listener_attributes:
    load_balancer: streamify-production-internal
    port: 443
    mutual_authentication:
      mode: verify
      trust_store_arn: arn:aws:elasticloadbalancing:eu-central-1:123456789012:truststore/uploaders/73e2d6bc24d8a067
"""

RETURN = r"""
listener:
  description: The listener's attributes and mutual authentication; empty with O(state=absent).
  returned: always
  type: dict
  contains:
    listener_arn:
      description: The ARN.
      type: str
      returned: when it exists
      sample: arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/public/50dc6c49/f2f7dc8e
    attributes:
      description: The attributes by AWS's names; every value is a string.
      type: dict
      returned: when it exists
      sample: {"routing.http.response.server.enabled": "false"}
    mutual_authentication:
      description: The mode and what belongs to it.
      type: dict
      returned: when it exists
      sample: {"mode": "off"}
"""

from ansible_collections.streamify.aws.plugins.module_utils.core.module import arguments, run
from ansible_collections.streamify.aws.plugins.module_utils.elb_listener_attributes import ListenerAttributes


def main() -> None:
    """Run the module."""
    run(
        ListenerAttributes,
        arguments(
            load_balancer={"type": "str", "required": True},
            port={"type": "int", "required": True},
            attributes={"type": "dict"},
            mutual_authentication={
                "type": "dict",
                "options": {
                    "mode": {"type": "str", "choices": ["off", "passthrough", "verify"], "required": True},
                    "trust_store_arn": {"type": "str"},
                    "ignore_client_certificate_expiry": {"type": "bool"},
                    "advertise_trust_store_ca_names": {"type": "str", "choices": ["on", "off"]},
                },
                "required_if": [("mode", "verify", ["trust_store_arn"])],
            },
        ),
    )


if __name__ == "__main__":
    main()
