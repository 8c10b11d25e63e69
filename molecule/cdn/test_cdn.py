# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: S101
"""The CDN: what AWS reports, without any of the role's variables. Run by verify.yml."""

import json
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from reported import NAME, aws


def test_cdn_trusts_the_public_half_of_the_key_in_secrets_manager(distribution: dict[str, Any]) -> None:
    text = aws("secretsmanager").get_secret_value(SecretId=f"{NAME}-signing-key")["SecretString"]
    key = serialization.load_pem_private_key(text.encode(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    behaviour = distribution["DistributionConfig"]["DefaultCacheBehavior"]
    client = aws("cloudfront")
    assert behaviour["TrustedKeyGroups"]["Enabled"]
    (group,) = behaviour["TrustedKeyGroups"]["Items"]
    trusted = []
    for public_key in client.get_key_group(Id=group)["KeyGroup"]["KeyGroupConfig"]["Items"]:
        encoded = client.get_public_key(Id=public_key)["PublicKey"]["PublicKeyConfig"]["EncodedKey"]
        loaded = serialization.load_pem_public_key(encoded.encode())
        assert isinstance(loaded, ec.EllipticCurvePublicKey)
        trusted.append(loaded.public_numbers())
    assert len(trusted) == 2, "the key that signs, and its standby"
    assert key.public_key().public_numbers() in trusted


def test_only_the_distribution_reads_the_media_bucket(distribution: dict[str, Any]) -> None:
    (origin,) = distribution["DistributionConfig"]["Origins"]["Items"]
    assert origin["OriginAccessControlId"]
    bucket = origin["DomainName"].split(".")[0]
    assert bucket.startswith(f"{NAME}-media-")
    policy = json.loads(aws("s3").get_bucket_policy(Bucket=bucket)["Policy"])
    allowed = [statement for statement in policy["Statement"] if statement["Effect"] == "Allow"]
    assert [statement["Principal"] for statement in allowed] == [{"Service": "cloudfront.amazonaws.com"}]
    assert allowed[0]["Condition"] == {"StringEquals": {"AWS:SourceArn": distribution["ARN"]}}


def test_cdn_names_exact_origins_for_requests_with_cookies(distribution: dict[str, Any]) -> None:
    behaviour = distribution["DistributionConfig"]["DefaultCacheBehavior"]
    assert behaviour["ViewerProtocolPolicy"] == "https-only"
    policy = aws("cloudfront").get_response_headers_policy(Id=behaviour["ResponseHeadersPolicyId"])
    cors = policy["ResponseHeadersPolicy"]["ResponseHeadersPolicyConfig"]["CorsConfig"]
    assert cors["AccessControlAllowCredentials"]
    assert all(
        origin.startswith("https://") and "*" not in origin for origin in cors["AccessControlAllowOrigins"]["Items"]
    )
