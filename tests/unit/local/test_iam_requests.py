# SPDX-License-Identifier: Apache-2.0
"""What a request is judged on when the emulator evaluates IAM policies."""

from streamify_local.emulator.patches.iam_requests import Request, checks_of

TAGS = {"TagSpecification.1.ResourceType": "subnet", "TagSpecification.1.Tag.1.Key": "project"}


def test_a_requests_tags_are_those_of_what_ec2_makes_not_of_what_it_makes_it_in() -> None:
    request = Request("/", {"VpcId": "vpc-0a", **TAGS, "TagSpecification.1.Tag.1.Value": "streamify"})
    found = {
        (action, arn.split(":", 5)[5]): context.get("aws:requesttag/project")
        for action, arn, context in checks_of("ec2:CreateSubnet", "*", "eu-central-1", request)
    }
    assert found == {
        ("ec2:CreateSubnet", "subnet/*"): "streamify",
        ("ec2:CreateSubnet", "vpc/vpc-0a"): None,
        ("ec2:CreateTags", "subnet/*"): "streamify",
    }
