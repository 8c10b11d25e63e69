#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: s3_object_restore
version_added: 0.1.0
short_description: Ensure that objects of a bucket are what they were at a moment
description:
  - Brings back the objects of a versioned bucket that were there at a moment and were deleted or overwritten since
    then.
  - A deleted object comes back by the removal of its delete marker, whatever its size; an overwritten one by a copy of
    its version, which becomes the newest. No version is lost.
  - Objects that were made after the moment stay, and so do those that are the same.
author:
  - The Streamify authors (@streamify)
options:
  bucket:
    description: The bucket. It must keep versions.
    type: str
    required: true
  prefix:
    description: What the keys begin with; all objects when empty.
    type: str
    default: ""
  restore_date_time:
    description: The moment, in ISO 8601 with its distance to UTC, to the second.
    type: str
    required: true
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
attributes:
  check_mode:
    support: full
    description: Returns the objects that would be brought back.
  diff_mode:
    support: full
    description: Shows the versions that come back.
"""

EXAMPLES = r"""
- name: Ensure that no media is missing that was there at noon
  streamify.aws.s3_object_restore:
    bucket: streamify-production-media-123456789012
    restore_date_time: "2026-01-31T12:00:00Z"

- name: Ensure one video's media
  streamify.aws.s3_object_restore:
    bucket: streamify-production-media-123456789012
    prefix: v/8hC2nQx4Tj0bWkYz3uLd7sPaVeRfGm1i/
    restore_date_time: "2026-01-31T12:00:00Z"
"""

RETURN = r"""
restore:
  description: What was brought back.
  returned: always
  type: dict
  contains:
    bucket:
      description: The bucket.
      type: str
      returned: always
      sample: streamify-production-media-123456789012
    objects:
      description: The objects, each with the version that is current again and how that was done.
      type: list
      elements: dict
      returned: always
      sample:
        - how: undeleted
          key: v/8hC2nQx4Tj0bWkYz3uLd7sPaVeRfGm1i/master.m3u8
          version_id: 3sL4kqtJlcpXroDTDmJ
"""

from ansible_collections.streamify.aws.plugins.module_utils.core.module import run
from ansible_collections.streamify.aws.plugins.module_utils.s3_object_restore import ObjectRestore


def main() -> None:
    """Run the module."""
    run(
        ObjectRestore,
        {
            "bucket": {"type": "str", "required": True},
            "prefix": {"type": "str", "default": ""},
            "restore_date_time": {"type": "str", "required": True},
        },
    )


if __name__ == "__main__":
    main()
