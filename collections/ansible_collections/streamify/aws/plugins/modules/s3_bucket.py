#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: s3_bucket
version_added: 0.1.0
short_description: Ensure an S3 bucket and all that is configured on it
description:
  - Ensures an S3 bucket, its versioning, encryption, ownership, public access block, policy, lifecycle rules and CORS
    rules.
  - What is not given is left as it is, so that two roles can each own a part of one bucket.
  - Unlike amazon.aws.s3_bucket and community.aws.s3_lifecycle, it tells in check mode what would be changed.
author:
  - The Streamify authors (@streamify)
options:
  name:
    description: The name.
    type: str
    required: true
  versioning:
    description: Whether old versions of objects are kept. False suspends it.
    type: bool
  encryption:
    description: How new objects are encrypted.
    type: dict
    suboptions:
      sse_algorithm:
        description: The algorithm.
        type: str
        choices: [AES256, aws:kms, aws:kms:dsse]
        required: true
      kms_master_key_id:
        description: The key's ARN; AWS's own key otherwise.
        type: str
  object_ownership:
    description: Who owns objects, and whether access control lists count.
    type: str
    choices: [BucketOwnerEnforced, BucketOwnerPreferred, ObjectWriter]
  public_access_block:
    description: Which ways to make the bucket public are closed.
    type: dict
    suboptions:
      block_public_acls:
        description: Whether public access control lists are refused.
        type: bool
        default: true
      block_public_policy:
        description: Whether public policies are refused.
        type: bool
        default: true
      ignore_public_acls:
        description: Whether public access control lists that exist do not count.
        type: bool
        default: true
      restrict_public_buckets:
        description: Whether a bucket with a public policy is reached from its own account only.
        type: bool
        default: true
  policy:
    description: The bucket's policy, as a dictionary or JSON. An empty dictionary removes it.
    type: json
  lifecycle_rules:
    description: All lifecycle rules, in AWS's words in snake_case, each with an C(id). An empty list removes them.
    type: list
    elements: dict
  cors_rules:
    description: All CORS rules, in AWS's words in snake_case. An empty list removes them.
    type: list
    elements: dict
  force:
    description: Whether a bucket that has objects is removed, with all versions of them.
    type: bool
    default: false
extends_documentation_fragment:
  - streamify.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Ensure a private bucket that keeps old versions for thirty days
  streamify.aws.s3_bucket:
    name: streamify-production-media-123456789012
    versioning: true
    encryption:
      sse_algorithm: AES256
    object_ownership: BucketOwnerEnforced
    public_access_block: {}
    lifecycle_rules:
      - id: expire-old-versions
        status: Enabled
        filter:
          prefix: ""
        noncurrent_version_expiration:
          noncurrent_days: 30
    tags:
      project: streamify

- name: Ensure the bucket's policy, and nothing else of it
  streamify.aws.s3_bucket:
    name: streamify-production-media-123456789012
    policy: "{{ lookup('ansible.builtin.file', 'policy.json') }}"

- name: Ensure that a bucket does not exist, nor anything in it
  streamify.aws.s3_bucket:
    name: streamify-staging-media-123456789012
    force: true
    state: absent
"""

RETURN = r"""
bucket:
  description: The bucket and its configuration, in AWS's words in snake_case; empty with O(state=absent).
  returned: always
  type: dict
  contains:
    name:
      description: The name.
      type: str
      returned: when it exists
      sample: streamify-production-media-123456789012
    arn:
      description: The ARN.
      type: str
      returned: when it exists
      sample: arn:aws:s3:::streamify-production-media-123456789012
    policy:
      description: The policy; empty when there is none.
      type: dict
      returned: when it exists
    tags:
      description: The tags.
      type: dict
      returned: when it exists
"""

from ansible_collections.streamify.aws.plugins.module_utils.core.module import arguments, run
from ansible_collections.streamify.aws.plugins.module_utils.s3_bucket import Bucket


def main() -> None:
    """Run the module."""
    closed = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")
    run(
        Bucket,
        arguments(
            tags=True,
            name={"type": "str", "required": True},
            versioning={"type": "bool"},
            encryption={
                "type": "dict",
                "options": {
                    "sse_algorithm": {
                        "type": "str",
                        "choices": ["AES256", "aws:kms", "aws:kms:dsse"],
                        "required": True,
                    },
                    "kms_master_key_id": {"type": "str", "no_log": False},
                },
            },
            object_ownership={
                "type": "str",
                "choices": ["BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"],
            },
            public_access_block={
                "type": "dict",
                "options": {name: {"type": "bool", "default": True} for name in closed},
            },
            policy={"type": "json"},
            lifecycle_rules={"type": "list", "elements": "dict"},
            cors_rules={"type": "list", "elements": "dict"},
            force={"type": "bool", "default": False},
        ),
    )


if __name__ == "__main__":
    main()
