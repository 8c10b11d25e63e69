# SPDX-License-Identifier: GPL-3.0-or-later
"""CloudFront: ETags, the key's text, what is sent back with an update, how a distribution goes away."""

from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from .conftest import FakeAws


def pem(key: Any) -> str:
    made = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return str(made.decode())


P256 = pem(ec.generate_private_key(ec.SECP256R1()))


def public_key(context: Callable[..., Any], **params: Any) -> Any:
    from ansible_collections.streamify.aws.plugins.module_utils.cloudfront_public_key import PublicKey

    return PublicKey(context(**{"name": "k", "encoded_key": P256, "comment": "c", **params}))


def key_exists(aws: FakeAws, text: str) -> None:
    config = {"CallerReference": "r", "Name": "k", "EncodedKey": text, "Comment": "c"}
    summary = {"Id": "K1", "Name": "k", "EncodedKey": text, "CreatedTime": "2026-01-01T00:00:00Z"}
    aws.answer("ListPublicKeys", {"PublicKeyList": {"MaxItems": 100, "Quantity": 1, "Items": [summary]}})
    key = {"Id": "K1", "CreatedTime": "2026-01-01T00:00:00Z", "PublicKeyConfig": config}
    aws.answer("GetPublicKey", {"PublicKey": key, "ETag": "E1"})


@pytest.mark.parametrize("text", [P256.rstrip(), P256.replace("\n", "\r\n"), f"\n{P256}\n"])
def test_the_same_key_in_other_words_is_no_difference(context: Callable[..., Any], aws: FakeAws, text: str) -> None:
    key_exists(aws, text)
    assert not public_key(context).ensure_present(check_mode=False).changed


def test_another_key_needs_another_name(context: Callable[..., Any], aws: FakeAws) -> None:
    from ansible_collections.streamify.aws.plugins.module_utils.core.errors import ResourceError

    key_exists(aws, pem(ec.generate_private_key(ec.SECP256R1())))
    with pytest.raises(ResourceError, match="Give the new one another name"):
        public_key(context).ensure_present(check_mode=True)


def test_a_key_that_cloudfront_does_not_take_is_refused(context: Callable[..., Any], aws: FakeAws) -> None:
    from ansible_collections.streamify.aws.plugins.module_utils.core.errors import ResourceError

    aws.answer("ListPublicKeys", {"PublicKeyList": {"MaxItems": 100, "Quantity": 0}})
    assert (
        public_key(context, encoded_key=pem(rsa.generate_private_key(65537, 2048)))
        .ensure_present(check_mode=True)
        .changed
    )
    for text in ("", "garbage", pem(ec.generate_private_key(ec.SECP384R1())), P256.replace("PUBLIC", "PRIVATE")):
        with pytest.raises(ResourceError, match="must be a PEM public key"):
            public_key(context, encoded_key=text).ensure_present(check_mode=True)


def test_a_comment_is_changed_under_the_etag_with_the_key_as_aws_has_it(
    context: Callable[..., Any], aws: FakeAws
) -> None:
    key_exists(aws, P256.rstrip())
    public_key(context, comment="new").ensure_present(check_mode=False)
    (request,) = aws.requests("UpdatePublicKey")
    assert request == {
        "Id": "K1",
        "IfMatch": "E1",
        "PublicKeyConfig": {"CallerReference": "r", "Name": "k", "EncodedKey": P256.rstrip(), "Comment": "new"},
    }


def test_a_name_is_found_on_the_second_page(context: Callable[..., Any], aws: FakeAws) -> None:
    key_exists(aws, P256)
    other = {"Id": "K0", "Name": "other", "EncodedKey": P256, "CreatedTime": "2026-01-01T00:00:00Z"}
    second = {"PublicKeyList": {"MaxItems": 1, "Quantity": 1, "Items": [{**other, "Id": "K1", "Name": "k"}]}}
    aws.answer(
        "ListPublicKeys",
        {"PublicKeyList": {"MaxItems": 1, "Quantity": 1, "NextMarker": "m", "Items": [other]}},
        second,
    )
    assert not public_key(context).ensure_present(check_mode=False).changed
    assert aws.requests("ListPublicKeys")[1] == {"Marker": "m"}


def test_a_key_in_use_is_tried_again_until_it_is_free(context: Callable[..., Any], aws: FakeAws) -> None:
    from .conftest import refusal

    key_exists(aws, P256)
    aws.answer("DeletePublicKey", refusal("DeletePublicKey", "PublicKeyInUse"), {})
    assert public_key(context, wait_timeout=60).ensure_absent(check_mode=False).changed
    assert len(aws.requests("DeletePublicKey")) == 2


# ---- distributions ---------------------------------------------------------------------------------------------------
ARN = "arn:aws:cloudfront::123456789012:distribution/D1"
ASKED: dict[str, Any] = {
    "name": "media",
    "enabled": True,
    "origins": [{"id": "s3", "domain_name": "b.s3.amazonaws.com", "origin_access_control_id": "OAC"}],
    "default_cache_behavior": {
        "target_origin_id": "s3",
        "trusted_key_groups": ["G1"],
        "response_headers_policy_id": "R",
    },
    "cache_behaviors": [],
    "aliases": ["b", "a"],
    "logging": {"bucket": "logs.s3.amazonaws.com", "prefix": "cdn/"},
    "viewer_certificate": {"acm_certificate_arn": "arn:aws:acm:us-east-1:123456789012:certificate/1"},
    "price_class": "PriceClass_100",
}


def distribution(context: Callable[..., Any], **params: Any) -> Any:
    from ansible_collections.streamify.aws.plugins.module_utils.cloudfront_distribution import Distribution

    return Distribution(context(**{**ASKED, "wait_timeout": 600, **params}))


def created(context: Callable[..., Any], aws: FakeAws) -> dict[str, Any]:
    """Return the configuration that a creation sends."""
    aws.answer("ListDistributions", {})
    with pytest.raises(Exception, match="did not happen"):
        distribution(context).ensure_present(check_mode=False)
    request = aws.requests("CreateDistributionWithTags")[0]["DistributionConfigWithTags"]
    aws.calls.clear()
    return dict(request["DistributionConfig"])


def exists(aws: FakeAws, config: dict[str, Any], *statuses: str) -> None:
    """Let there be another distribution, and ours going through these states."""

    def whole(identifier: str, fields: dict[str, Any], status: str, etag: str = "E1") -> dict[str, Any]:
        return {
            "ETag": etag,
            "Distribution": {
                "Id": identifier, "ARN": ARN, "Status": status, "LastModifiedTime": "2026-01-01T00:00:00Z",
                "InProgressInvalidationBatches": 0, "DomainName": "d1.cloudfront.net", "DistributionConfig": fields,
            },
        }  # fmt: skip

    from ansible_collections.streamify.aws.plugins.module_utils import cloudfront_distribution as code

    states = list(statuses or ["Deployed"])
    code.Distribution._summaries = lambda _: [{"id": "D0", "comment": "media"}, {"id": "D1"}]

    def get(request: dict[str, Any]) -> dict[str, Any]:
        if request["Id"] == "D0":
            return whole("D0", {**config, "CallerReference": "media-other/1"}, "Deployed")
        return whole("D1", config, states.pop(0) if len(states) > 1 else states[0])

    aws.answer("GetDistribution", get)
    aws.answer("ListTagsForResource", {"Tags": {"Items": []}})


@pytest.fixture(autouse=True)
def _listing(monkeypatch: pytest.MonkeyPatch) -> None:
    from ansible_collections.streamify.aws.plugins.module_utils.cloudfront_distribution import Distribution

    monkeypatch.setattr(Distribution, "_summaries", Distribution._summaries)


def test_a_distribution_is_created_safe_and_then_left_alone(context: Callable[..., Any], aws: FakeAws) -> None:
    config = created(context, aws)
    assert config["CallerReference"].startswith("media/")
    assert config["ViewerCertificate"]["MinimumProtocolVersion"] == "TLSv1.2_2021"
    assert config["DefaultCacheBehavior"]["ViewerProtocolPolicy"] == "redirect-to-https"
    assert config["DefaultCacheBehavior"]["TrustedKeyGroups"] == {"Enabled": True, "Quantity": 1, "Items": ["G1"]}
    assert "OriginRequestPolicyId" not in config["DefaultCacheBehavior"]
    assert config["Logging"]["IncludeCookies"] is False
    exists(aws, config)
    outcome = distribution(context).ensure_present(check_mode=False)
    assert outcome.before == outcome.after
    assert not outcome.changed
    assert aws.changes() == []


@pytest.mark.parametrize(
    "change",
    [
        {"default_cache_behavior": {"target_origin_id": "s3", "trusted_key_groups": ["G1"]}},
        {"default_cache_behavior": {**ASKED["default_cache_behavior"], "trusted_key_groups": ["G1", "G2"]}},
        {"default_cache_behavior": {**ASKED["default_cache_behavior"], "trusted_key_groups": []}},
        {"default_cache_behavior": {**ASKED["default_cache_behavior"], "cache_policy_id": "C"}},
        {"origins": [{**ASKED["origins"][0], "origin_access_control_id": ""}]},
        {"origins": [*ASKED["origins"], {"id": "api", "domain_name": "x", "custom_origin_config": {}}]},
        {"aliases": ["a"]},
        {"logging": None},
        {"viewer_certificate": None},
        {"price_class": "PriceClass_All"},
        {"enabled": False},
        {"cache_behaviors": [{"path_pattern": "/x/*", "target_origin_id": "s3"}]},
    ],
)
def test_every_drift_of_a_distribution_is_repaired(
    context: Callable[..., Any], aws: FakeAws, change: dict[str, Any]
) -> None:
    config = {**created(context, aws), "HttpVersion": "http3"}
    exists(aws, config)
    assert distribution(context, **change).ensure_present(check_mode=True).changed
    assert aws.changes() == []
    distribution(context, **change).ensure_present(check_mode=False)
    (request,) = aws.requests("UpdateDistribution")
    assert (request["Id"], request["IfMatch"]) == ("D1", "E1")
    sent = request["DistributionConfig"]
    assert sent["HttpVersion"] == "http3", "what nobody asked for must stay"
    assert sent["CallerReference"] == config["CallerReference"]
    exists(aws, sent)
    assert not distribution(context, **change).ensure_present(check_mode=True).changed


def test_a_distribution_is_disabled_and_deployed_before_it_is_deleted(
    context: Callable[..., Any], aws: FakeAws
) -> None:
    config = created(context, aws)
    exists(aws, config, "Deployed", "InProgress", "InProgress", "Deployed")
    assert distribution(context).ensure_absent(check_mode=False).changed
    assert aws.changes() == ["UpdateDistribution", "DeleteDistribution"]
    assert aws.requests("UpdateDistribution")[0]["DistributionConfig"]["Enabled"] is False
