#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudfront_distribution
version_added: 0.1.0
short_description: Ensure a CloudFront distribution
description:
  - Ensures the whole configuration of a distribution. What is not given has the default that is documented here, so
    that a setting that was taken out of the playbook is taken back.
  - Parts that are lists of dictionaries are in AWS's words in snake_case; names that AWS does not have are refused.
    A list stands where AWS's API has C(Quantity) and C(Items).
  - A distribution is found by its name, which is the beginning of its caller reference.
  - With O(state=absent) the distribution is disabled, waited for and deleted.
author:
  - The Streamify authors (@streamify)
options:
  name:
    description: The name, unique in the account. CloudFront shows it in the caller reference only.
    type: str
    required: true
  comment:
    description: What it is for; the name by default.
    type: str
  enabled:
    description: Whether it answers requests.
    type: bool
    default: true
  aliases:
    description: The host names beside CloudFront's own; O(viewer_certificate) must cover them.
    type: list
    elements: str
    default: []
  origins:
    description:
      - Where answers come from
        (U(https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_Origin.html)); required with
          O(state=present).
      - Each needs C(id) and C(domain_name). It is an S3 origin (C(origin_access_control_id)) unless it has
        C(custom_origin_config) or C(vpc_origin_config).
      - A C(custom_origin_config) speaks HTTPS only with TLS 1.2 by default. C(origin_shield) is off by default.
    type: list
    elements: dict
  origin_groups:
    description: Origins that stand in for another.
    type: list
    elements: dict
    default: []
  default_cache_behavior:
    description:
      - What is done with requests
        (U(https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_DefaultCacheBehavior.html)); required with
          O(state=present).
      - It needs C(target_origin_id). C(trusted_key_groups) is a list of key groups' ids; with one, requests must be
        signed.
      - Defaults are C(viewer_protocol_policy=redirect-to-https), C(allowed_methods=[GET, HEAD]), C(compress=true),
        and AWS's cache policy CachingOptimized.
    type: dict
  cache_behaviors:
    description: The same for paths, in the order in which they are tried; each needs C(path_pattern) too.
    type: list
    elements: dict
    default: []
  custom_error_responses:
    description: What is answered in place of errors, and for how long errors are kept.
    type: list
    elements: dict
    default: []
  default_root_object:
    description: The object that C(/) stands for.
    type: str
    default: ""
  http_version:
    description: The protocols that viewers can speak.
    type: str
    choices: [http1.1, http2, http3, http2and3]
    default: http2and3
  is_ipv6_enabled:
    description: Whether it can be reached over IPv6.
    type: bool
    default: true
  price_class:
    description: The edges it is served from.
    type: str
    choices: [PriceClass_100, PriceClass_200, PriceClass_All]
    default: PriceClass_All
  logging:
    description: Standard logs to a bucket. Query strings are in them; keep them short.
    type: dict
    suboptions:
      bucket:
        description: The bucket's domain name, such as C(logs.s3.amazonaws.com).
        type: str
        required: true
      prefix:
        description: The prefix of the logs' keys.
        type: str
        default: ""
      include_cookies:
        description: Whether cookies are logged. Signed cookies are keys; leave it off.
        type: bool
        default: false
  restrictions:
    description: The countries that may be served.
    type: dict
    default: {geo_restriction: {restriction_type: none, items: []}}
  viewer_certificate:
    description:
      - The certificate; CloudFront's own when not given.
      - C(acm_certificate_arn) must be in us-east-1. The defaults are C(ssl_support_method=sni-only) and
        C(minimum_protocol_version=TLSv1.2_2021).
    type: dict
    suboptions:
      acm_certificate_arn:
        description: A certificate of ACM in us-east-1.
        type: str
      iam_certificate_id:
        description: A certificate of IAM.
        type: str
      ssl_support_method:
        description: How clients are told apart.
        type: str
        choices: [sni-only, vip, static-ip]
      minimum_protocol_version:
        description: The least version of TLS with its ciphers.
        type: str
      cloudfront_default_certificate:
        description: Use CloudFront's own certificate.
        type: bool
  web_acl_id:
    description: The ARN of the WAF web ACL in us-east-1.
    type: str
    default: ""
  wait:
    description: Wait until every edge has the configuration.
    type: bool
    default: true
  wait_timeout:
    description: Seconds to wait.
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
- name: Ensure that media are delivered to holders of signed cookies only
  streamify.aws.cloudfront_distribution:
    name: streamify-production-media
    comment: Streamify media
    aliases: [media.example.com]
    viewer_certificate:
      acm_certificate_arn: arn:aws:acm:us-east-1:123456789012:certificate/8a1b
    origins:
      - id: media
        domain_name: streamify-production-media-123456789012.s3.eu-central-1.amazonaws.com
        origin_access_control_id: "{{ access.origin_access_control.id }}"
    default_cache_behavior:
      target_origin_id: media
      viewer_protocol_policy: https-only
      trusted_key_groups: ["{{ group.key_group.id }}"]
      cache_policy_id: "{{ cache.cache_policy.id }}"
      response_headers_policy_id: "{{ headers.response_headers_policy.id }}"
    price_class: PriceClass_100
    tags:
      project: streamify

- name: Ensure that a distribution does not exist
  streamify.aws.cloudfront_distribution:
    name: streamify-staging-media
    state: absent
"""

RETURN = r"""
distribution:
  description: The distribution, in AWS's words in snake_case; empty with O(state=absent).
  returned: always
  type: dict
  contains:
    id:
      description: The id.
      type: str
      returned: when it exists
      sample: EDFDVBD6EXAMPLE
    arn:
      description: The ARN.
      type: str
      returned: when it exists
      sample: arn:aws:cloudfront::123456789012:distribution/EDFDVBD6EXAMPLE
    domain_name:
      description: CloudFront's own host name.
      type: str
      returned: when it exists
      sample: d111111abcdef8.cloudfront.net
    status:
      description: Whether every edge has the configuration.
      type: str
      returned: when it exists
      sample: Deployed
    distribution_config:
      description: The configuration.
      type: dict
      returned: when it exists
    etag:
      description: The version of the configuration.
      type: str
      returned: when it exists
      sample: E2QWRUHAPOMQZL
    tags:
      description: The tags.
      type: dict
      returned: when it exists
"""

from ansible_collections.streamify.aws.plugins.module_utils.cloudfront_distribution import Distribution
from ansible_collections.streamify.aws.plugins.module_utils.core.module import arguments, run


def main() -> None:
    """Run the module."""
    run(
        Distribution,
        arguments(
            tags=True,
            timeout=1800,
            name={"type": "str", "required": True},
            comment={"type": "str"},
            enabled={"type": "bool", "default": True},
            aliases={"type": "list", "elements": "str", "default": []},
            origins={"type": "list", "elements": "dict"},
            origin_groups={"type": "list", "elements": "dict", "default": []},
            default_cache_behavior={"type": "dict"},
            cache_behaviors={"type": "list", "elements": "dict", "default": []},
            custom_error_responses={"type": "list", "elements": "dict", "default": []},
            default_root_object={"type": "str", "default": ""},
            http_version={
                "type": "str",
                "choices": ["http1.1", "http2", "http3", "http2and3"],
                "default": "http2and3",
            },
            is_ipv6_enabled={"type": "bool", "default": True},
            price_class={
                "type": "str",
                "choices": ["PriceClass_100", "PriceClass_200", "PriceClass_All"],
                "default": "PriceClass_All",
            },
            logging={
                "type": "dict",
                "options": {
                    "bucket": {"type": "str", "required": True},
                    "prefix": {"type": "str", "default": ""},
                    "include_cookies": {"type": "bool", "default": False},
                },
            },
            restrictions={
                "type": "dict",
                "default": {"geo_restriction": {"restriction_type": "none", "items": []}},
            },
            viewer_certificate={
                "type": "dict",
                "options": {
                    "acm_certificate_arn": {"type": "str"},
                    "iam_certificate_id": {"type": "str"},
                    "ssl_support_method": {"type": "str", "choices": ["sni-only", "vip", "static-ip"]},
                    "minimum_protocol_version": {"type": "str"},
                    "cloudfront_default_certificate": {"type": "bool"},
                },
            },
            web_acl_id={"type": "str", "default": ""},
            wait={"type": "bool", "default": True},
        ),
        required_if=[("state", "present", ["origins", "default_cache_behavior"])],
    )


if __name__ == "__main__":
    main()
