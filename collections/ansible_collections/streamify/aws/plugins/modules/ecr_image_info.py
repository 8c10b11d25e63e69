#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: ecr_image_info
version_added: 0.1.0
short_description: Tell whether an ECR repository has an image, and how to log in to push it
description:
  - Returns the images of a repository that have a tag; none when the tag or the repository does not exist.
  - On request also a registry login, which no other module gives.
author:
  - The Streamify authors (@streamify)
options:
  repository:
    description: The repository's name.
    type: str
    required: true
  image_tag:
    description: The tag.
    type: str
    required: true
  login:
    description:
      - Whether to ask ECR for a registry login too. It is asked for only when no image was found, because only then
        something is to be pushed.
      - Register the result of such a task under C(no_log).
    type: bool
    default: false
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
attributes:
  check_mode:
    support: full
    description: Changes nothing.
"""

EXAMPLES = r"""
- name: Find the image
  streamify.aws.ecr_image_info:
    repository: streamify-production-api
    image_tag: 4f0c3ad1
  register: found
"""

RETURN = r"""
images:
  description: The images that have the tag, in AWS's words in snake_case.
  returned: always
  type: list
  elements: dict
  contains:
    image_digest:
      description: The digest by which the image is deployed.
      type: str
      returned: always
      sample: sha256:9f2c1e0e6a1a2d8a6b3c4f8f3d1c5b7a9e0d2c4b6a8f1e3d5c7b9a0f2e4d6c8b
    image_tags:
      description: Its tags.
      type: list
      elements: str
      returned: always
login:
  description: The registry, user name and password for C(docker login); empty unless asked for and needed.
  returned: always
  type: dict
"""

import base64
from typing import Any

try:
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError:
    pass  # handled by AnsibleAWSModule

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.streamify.aws.plugins.module_utils.core.client import Client
from ansible_collections.streamify.aws.plugins.module_utils.core.errors import ResourceError

MISSING = ["ImageNotFoundException", "RepositoryNotFoundException"]


def find_images(client: Client, repository: str, tag: str) -> list[dict[str, Any]]:
    """Return the images of the repository that have the tag."""
    found = client.call("describe_images", repository_name=repository, image_ids=[{"image_tag": tag}], missing=MISSING)
    return list((found or {}).get("image_details") or [])


def registry_login(client: Client) -> dict[str, str]:
    """Return where and as whom to log in; ECR's token is ``user:password`` in base64."""
    token = client.get("get_authorization_token")["authorization_data"][0]
    username, _separator, password = base64.b64decode(token["authorization_token"]).decode().partition(":")
    return {"registry": token["proxy_endpoint"], "username": username, "password": password}


def main() -> None:
    """Run the module."""
    module = AnsibleAWSModule(
        argument_spec={
            "repository": {"type": "str", "required": True},
            "image_tag": {"type": "str", "required": True},
            "login": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    try:
        client = Client(module.client("ecr"))
        images = find_images(client, module.params["repository"], module.params["image_tag"])
        login = registry_login(client) if module.params["login"] and not images else {}
    except ResourceError as error:
        module.fail_json(msg=str(error))
    except (BotoCoreError, ClientError) as error:
        module.fail_json_aws(error, msg=f"ECR could not be asked about {module.params['repository']}")
    module.exit_json(changed=False, images=images, login=login)


if __name__ == "__main__":
    main()
