#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ecr_repository
version_added: 0.1.0
short_description: Ensure an ECR repository
description:
  - Ensures an ECR repository, its lifecycle policy and its repository policy.
  - The encryption cannot be changed once the repository exists.
author:
  - The Streamify authors (@streamify)
options:
  name:
    description: The name.
    type: str
    required: true
    aliases: [repository_name]
  image_tag_mutability:
    description: Whether a tag can be given to another image.
    type: str
    choices: [MUTABLE, IMMUTABLE]
    default: IMMUTABLE
  scan_on_push:
    description: Whether images are scanned when they are pushed.
    type: bool
    default: true
  encryption_configuration:
    description: How images are encrypted.
    type: dict
    suboptions:
      encryption_type:
        description: The kind of encryption.
        type: str
        choices: [AES256, KMS, KMS_DSSE]
        required: true
      kms_key:
        description: The key's ARN; AWS's own key otherwise.
        type: str
  lifecycle_policy:
    description: The lifecycle policy, as a dictionary or JSON. An empty dictionary removes it.
    type: json
  policy:
    description: The repository's policy, as a dictionary or JSON. An empty dictionary removes it.
    type: json
  force:
    description: Whether a repository that has images is removed.
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
- name: Ensure the repository of the API's image
  streamify.aws.ecr_repository:
    name: streamify-production-api
    image_tag_mutability: IMMUTABLE
    scan_on_push: true
    lifecycle_policy:
      rules:
        - rulePriority: 1
          description: Images without a tag
          selection:
            tagStatus: untagged
            countType: sinceImagePushed
            countUnit: days
            countNumber: 14
          action:
            type: expire
    tags:
      project: streamify

- name: Ensure that a repository does not exist, with all its images
  streamify.aws.ecr_repository:
    name: streamify-staging-api
    force: true
    state: absent
"""

RETURN = r"""
repository:
  description: The repository, in AWS's words in snake_case; empty with O(state=absent).
  returned: always
  type: dict
  contains:
    repository_arn:
      description: The ARN.
      type: str
      returned: when it exists
      sample: arn:aws:ecr:eu-central-1:123456789012:repository/streamify-production-api
    repository_name:
      description: The name.
      type: str
      returned: when it exists
      sample: streamify-production-api
    repository_uri:
      description: Where images are pushed to.
      type: str
      returned: when it exists
      sample: 123456789012.dkr.ecr.eu-central-1.amazonaws.com/streamify-production-api
    tags:
      description: The tags.
      type: dict
      returned: when it exists
"""

from ansible_collections.streamify.aws.plugins.module_utils.core.module import arguments, run
from ansible_collections.streamify.aws.plugins.module_utils.ecr_repository import Repository


def main() -> None:
    """Run the module."""
    run(
        Repository,
        arguments(
            tags=True,
            name={"type": "str", "required": True, "aliases": ["repository_name"]},
            image_tag_mutability={"type": "str", "choices": ["MUTABLE", "IMMUTABLE"], "default": "IMMUTABLE"},
            scan_on_push={"type": "bool", "default": True},
            encryption_configuration={
                "type": "dict",
                "options": {
                    "encryption_type": {"type": "str", "choices": ["AES256", "KMS", "KMS_DSSE"], "required": True},
                    "kms_key": {"type": "str", "no_log": False},
                },
            },
            lifecycle_policy={"type": "json"},
            policy={"type": "json"},
            force={"type": "bool", "default": False},
        ),
    )


if __name__ == "__main__":
    main()
