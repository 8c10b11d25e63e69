#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudfront_cache_policy
version_added: 0.1.0
short_description: Ensure a CloudFront cache policy
description:
  - Ensures what belongs to the cache key and how long CloudFront keeps an answer.
  - A cache policy is found by its name among those of the account.
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
  min_ttl:
    description: Seconds for which an answer is kept at least.
    type: int
    default: 0
  default_ttl:
    description: Seconds for which an answer is kept that does not say so itself.
    type: int
    default: 86400
  max_ttl:
    description: Seconds for which an answer is kept at most.
    type: int
    default: 31536000
  parameters_in_cache_key_and_forwarded_to_origin:
    description: What makes two requests different, and is told to the origin. What is not given is V(none) or
      V(false).
    type: dict
    suboptions:
      enable_accept_encoding_gzip:
        description: Whether answers compressed with gzip are kept apart.
        type: bool
        default: false
      enable_accept_encoding_brotli:
        description: Whether answers compressed with Brotli are kept apart.
        type: bool
        default: false
      headers_config:
        description: Request headers.
        type: dict
        suboptions:
          header_behavior:
            description: Which of them.
            type: str
            required: true
            choices: [none, whitelist]
          headers:
            description: Their names.
            type: list
            elements: str
      cookies_config:
        description: Cookies.
        type: dict
        suboptions:
          cookie_behavior:
            description: Which of them.
            type: str
            required: true
            choices: [none, whitelist, allExcept, all]
          cookies:
            description: Their names.
            type: list
            elements: str
      query_strings_config:
        description: Query fields.
        type: dict
        suboptions:
          query_string_behavior:
            description: Which of them.
            type: str
            required: true
            choices: [none, whitelist, allExcept, all]
          query_strings:
            description: Their names.
            type: list
            elements: str
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
- name: Ensure that media are kept for a year and cookies do not split the cache
  streamify.aws.cloudfront_cache_policy:
    name: streamify-production-media
    comment: Media never change
    min_ttl: 1
    default_ttl: 86400
    max_ttl: 31536000
    parameters_in_cache_key_and_forwarded_to_origin:
      enable_accept_encoding_gzip: true
      headers_config:
        header_behavior: whitelist
        headers: [Origin]

- name: Ensure that a cache policy does not exist
  streamify.aws.cloudfront_cache_policy:
    name: streamify-staging-media
    state: absent
"""

RETURN = r"""
cache_policy:
  description: The cache policy, in AWS's words in snake_case; empty with O(state=absent).
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

from ansible_collections.streamify.aws.plugins.module_utils.cloudfront_cache_policy import CachePolicy
from ansible_collections.streamify.aws.plugins.module_utils.core.module import arguments, run

BEHAVIOURS = ["none", "whitelist", "allExcept", "all"]


def main() -> None:
    """Run the module."""
    run(
        CachePolicy,
        arguments(
            timeout=300,
            name={"type": "str", "required": True},
            comment={"type": "str"},
            min_ttl={"type": "int", "default": 0},
            default_ttl={"type": "int", "default": 86400},
            max_ttl={"type": "int", "default": 31536000},
            parameters_in_cache_key_and_forwarded_to_origin={
                "type": "dict",
                "no_log": False,
                "options": {
                    "enable_accept_encoding_gzip": {"type": "bool", "default": False},
                    "enable_accept_encoding_brotli": {"type": "bool", "default": False},
                    "headers_config": {
                        "type": "dict",
                        "options": {
                            "header_behavior": {"type": "str", "required": True, "choices": ["none", "whitelist"]},
                            "headers": {"type": "list", "elements": "str"},
                        },
                    },
                    "cookies_config": {
                        "type": "dict",
                        "options": {
                            "cookie_behavior": {"type": "str", "required": True, "choices": BEHAVIOURS},
                            "cookies": {"type": "list", "elements": "str"},
                        },
                    },
                    "query_strings_config": {
                        "type": "dict",
                        "options": {
                            "query_string_behavior": {"type": "str", "required": True, "choices": BEHAVIOURS},
                            "query_strings": {"type": "list", "elements": "str"},
                        },
                    },
                },
            },
        ),
    )


if __name__ == "__main__":
    main()
