#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: cloudfront_origin_access_control
version_added: 0.1.0
short_description: Ensure a CloudFront origin access control
description:
  - Ensures how CloudFront signs its requests to an origin, so that the origin need not be public.
  - An origin access control is found by its name.
author:
  - The Streamify authors (@streamify)
options:
  name:
    description: The name, unique in the account.
    type: str
    required: true
  description:
    description: What it is for.
    type: str
  signing_protocol:
    description: How requests are signed.
    type: str
    choices: [sigv4]
    default: sigv4
  signing_behavior:
    description: Which requests are signed.
    type: str
    choices: [always, never, no-override]
    default: always
  origin_access_control_origin_type:
    description: The kind of origin.
    type: str
    choices: [s3, mediastore, mediapackagev2, lambda]
    default: s3

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
- name: Ensure that the CDN can sign its requests to the media bucket
  streamify.aws.cloudfront_origin_access_control:
    name: streamify-production-media
    description: The CDN reads the media bucket
  register: access

- name: Ensure that an origin access control does not exist
  streamify.aws.cloudfront_origin_access_control:
    name: streamify-staging-media
    state: absent
"""

RETURN = r"""
origin_access_control:
  description: The origin access control, in AWS's words in snake_case; empty with O(state=absent).
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

from ansible_collections.streamify.aws.plugins.module_utils.cloudfront_origin_access_control import OriginAccessControl
from ansible_collections.streamify.aws.plugins.module_utils.core.module import arguments, run


def main() -> None:
    """Run the module."""
    run(
        OriginAccessControl,
        arguments(
            timeout=300,
            name={"type": "str", "required": True},
            description={"type": "str"},
            signing_protocol={"type": "str", "choices": ["sigv4"], "default": "sigv4"},
            signing_behavior={"type": "str", "choices": ["always", "never", "no-override"], "default": "always"},
            origin_access_control_origin_type={
                "type": "str",
                "choices": ["s3", "mediastore", "mediapackagev2", "lambda"],
                "default": "s3",
            },
        ),
    )


if __name__ == "__main__":
    main()
