# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: S101
"""Buckets and the table: what AWS reports, without any of the role's variables. Run by verify.yml."""

import pytest
from reported import NAME, aws


@pytest.mark.parametrize("kind", ["uploads", "media"])
def test_buckets_are_private_encrypted_and_versioned_and_clean_up(kind: str) -> None:
    client = aws("s3")
    bucket = f"{NAME}-{kind}-{aws('sts').get_caller_identity()['Account']}"
    blocked = client.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert all(blocked.values())
    assert len(blocked) == 4
    assert client.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    rules = client.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    lifecycle = client.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert [rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] for rule in lifecycle] == [2]


def test_table_is_on_demand_expires_items_and_can_be_restored() -> None:
    client = aws("dynamodb")
    table = client.describe_table(TableName=NAME)["Table"]
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert [(key["AttributeName"], key["KeyType"]) for key in table["KeySchema"]] == [("pk", "HASH"), ("sk", "RANGE")]
    assert [index["IndexName"] for index in table["GlobalSecondaryIndexes"]] == ["gsi1"]
    expiry = client.describe_time_to_live(TableName=NAME)["TimeToLiveDescription"]
    assert (expiry["TimeToLiveStatus"], expiry["AttributeName"]) == ("ENABLED", "expires_at")
    backups = client.describe_continuous_backups(TableName=NAME)["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
