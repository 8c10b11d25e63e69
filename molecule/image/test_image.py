# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: S101
"""The image: what AWS reports, without any of the role's variables. Run by verify.yml."""

import json

from reported import NAME, aws


def test_a_tag_stands_for_one_image_for_ever_and_images_are_scanned() -> None:
    (repository,) = aws("ecr").describe_repositories(repositoryNames=[f"{NAME}-api"])["repositories"]
    assert repository["imageTagMutability"] == "IMMUTABLE"
    assert repository["imageScanningConfiguration"]["scanOnPush"]


def test_image_is_there_and_untagged_ones_expire() -> None:
    client = aws("ecr")
    images = client.describe_images(repositoryName=f"{NAME}-api")["imageDetails"]
    assert [image for image in images if image.get("imageTags")]
    policy = json.loads(client.get_lifecycle_policy(repositoryName=f"{NAME}-api")["lifecyclePolicyText"])
    assert [rule["selection"]["tagStatus"] for rule in policy["rules"]] == ["untagged"]
