#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudfront_response_headers_policy
version_added: 0.1.0
short_description: Ensure a CloudFront response-headers policy
description:
  - Ensures the headers that CloudFront adds to answers and takes from them.
  - A policy is found by its name among those of the account. A section that is not given shall not be there.
author:
  - The Streamify authors (@streamify)
options:
  name:
    description: The name, unique in the account.
    type: str
    required: true
  comment:
    description: What it is for.
    type: str
  cors_config:
    description: What browsers on other sites may do.
    type: dict
    suboptions:
      access_control_allow_origins:
        description: The origins. With credentials they must be exact, never V(*).
        type: list
        elements: str
        required: true
      access_control_allow_headers:
        description: The request headers.
        type: list
        elements: str
        default: ["*"]
      access_control_allow_methods:
        description: The methods, or V(ALL).
        type: list
        elements: str
        default: [GET, HEAD, OPTIONS]
      access_control_allow_credentials:
        description: Whether cookies are sent.
        type: bool
        default: false
      access_control_expose_headers:
        description: The response headers that scripts see.
        type: list
        elements: str
      access_control_max_age_sec:
        description: Seconds for which a preflight's answer is kept.
        type: int
      origin_override:
        description: Whether this replaces what the origin says.
        type: bool
        default: true
  security_headers_config:
    description: Security headers, in AWS's words in snake_case
      (U(https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_ResponseHeadersPolicySecurityHeadersConfig.html)).
    type: dict
  server_timing_headers_config:
    description: The header C(Server-Timing).
    type: dict
    suboptions:
      enabled:
        description: Whether it is sent.
        type: bool
        required: true
      sampling_rate:
        description: The share of answers that have it, in percent.
        type: float
  custom_headers_config:
    description: Headers of one's own.
    type: list
    elements: dict
    suboptions:
      header:
        description: The header's name.
        type: str
        required: true
      value:
        description: The value.
        type: str
        required: true
      override:
        description: Whether it replaces the origin's.
        type: bool
        default: true
  remove_headers_config:
    description: Headers that are taken away.
    type: list
    elements: dict
    suboptions:
      header:
        description: The header's name.
        type: str
        required: true

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
- name: Ensure that the player's site may read media with cookies
  streamify.aws.cloudfront_response_headers_policy:
    name: streamify-production-media
    cors_config:
      access_control_allow_origins: ["https://watch.example.com"]
      access_control_allow_credentials: true
      access_control_allow_headers: [Range]
      access_control_allow_methods: [GET, HEAD]
      access_control_expose_headers: [Content-Range]
      access_control_max_age_sec: 86400
    security_headers_config:
      strict_transport_security:
        override: true
        access_control_max_age_sec: 63072000
      content_type_options:
        override: true

- name: Ensure that a policy does not exist
  streamify.aws.cloudfront_response_headers_policy:
    name: streamify-staging-media
    state: absent
"""

RETURN = r"""
response_headers_policy:
  description: The policy, in AWS's words in snake_case; empty with O(state=absent).
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
"""

from ansible_collections.streamify.aws.plugins.module_utils.cloudfront_response_headers_policy import (
    ResponseHeadersPolicy,
)
from ansible_collections.streamify.aws.plugins.module_utils.core.module import arguments, run


def main() -> None:
    """Run the module."""
    run(
        ResponseHeadersPolicy,
        arguments(
            timeout=300,
            name={"type": "str", "required": True},
            comment={"type": "str"},
            cors_config={
                "type": "dict",
                "options": {
                    "access_control_allow_origins": {"type": "list", "elements": "str", "required": True},
                    "access_control_allow_headers": {"type": "list", "elements": "str", "default": ["*"]},
                    "access_control_allow_methods": {
                        "type": "list",
                        "elements": "str",
                        "default": ["GET", "HEAD", "OPTIONS"],
                    },
                    "access_control_allow_credentials": {"type": "bool", "default": False},
                    "access_control_expose_headers": {"type": "list", "elements": "str"},
                    "access_control_max_age_sec": {"type": "int"},
                    "origin_override": {"type": "bool", "default": True},
                },
            },
            security_headers_config={"type": "dict"},
            server_timing_headers_config={
                "type": "dict",
                "options": {"enabled": {"type": "bool", "required": True}, "sampling_rate": {"type": "float"}},
            },
            custom_headers_config={
                "type": "list",
                "elements": "dict",
                "options": {
                    "header": {"type": "str", "required": True},
                    "value": {"type": "str", "required": True},
                    "override": {"type": "bool", "default": True},
                },
            },
            remove_headers_config={
                "type": "list",
                "elements": "dict",
                "options": {"header": {"type": "str", "required": True}},
            },
        ),
    )


if __name__ == "__main__":
    main()
