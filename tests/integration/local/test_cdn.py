# SPDX-License-Identifier: Apache-2.0
"""The CDN's stand-in: what CloudFront's API says is deployed decides who may fetch what."""

import base64
import http.client
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from streamify_local import cdn
from streamify_local.processes import Supervisor

from .platform import Platform, eventually, running

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning"),  # they outlive who starts them
]
CONTENT = bytes(range(256)) * 8192  # 2 MiB: more than one slice of the cache
ORIGIN = "https://localhost:8443"


class Cdn:
    """A distribution over a bucket that only it may read."""

    def __init__(self, platform: Platform) -> None:
        self.platform, self.port = platform, platform.env.ports["cdn"]
        self.key = ec.generate_private_key(ec.SECP256R1())
        api = platform.cloudfront
        pem = self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        self.key_id = api.create_public_key(PublicKeyConfig={"CallerReference": "k", "Name": "k", "EncodedKey": pem})[
            "PublicKey"
        ]["Id"]
        group = api.create_key_group(KeyGroupConfig={"Name": "g", "Items": [self.key_id]})["KeyGroup"]["Id"]
        oac = api.create_origin_access_control(
            OriginAccessControlConfig={
                "Name": "o",
                "SigningProtocol": "sigv4",
                "SigningBehavior": "always",
                "OriginAccessControlOriginType": "s3",
            }
        )["OriginAccessControl"]["Id"]
        cors = {
            "AccessControlAllowOrigins": {"Quantity": 1, "Items": [ORIGIN]},
            "AccessControlAllowHeaders": {"Quantity": 1, "Items": ["Range"]},
            "AccessControlAllowMethods": {"Quantity": 2, "Items": ["GET", "HEAD"]},
            "AccessControlAllowCredentials": True,
            "OriginOverride": True,
        }
        policy = api.create_response_headers_policy(ResponseHeadersPolicyConfig={"Name": "p", "CorsConfig": cors})[
            "ResponseHeadersPolicy"
        ]["Id"]
        methods = {"Quantity": 3, "Items": ["GET", "HEAD", "OPTIONS"]}
        distribution = api.create_distribution(
            DistributionConfig={
                "CallerReference": "d",
                "Comment": "",
                "Enabled": True,
                "Origins": {
                    "Quantity": 1,
                    "Items": [
                        {
                            "Id": "media",
                            "DomainName": "media.s3.eu-central-1.amazonaws.com",
                            "OriginAccessControlId": oac,
                            "S3OriginConfig": {"OriginAccessIdentity": ""},
                        }
                    ],
                },
                "DefaultCacheBehavior": {
                    "TargetOriginId": "media",
                    "ViewerProtocolPolicy": "https-only",
                    "AllowedMethods": {**methods, "CachedMethods": methods},
                    "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6",  # Managed-CachingOptimized
                    "ResponseHeadersPolicyId": policy,
                    "TrustedKeyGroups": {"Enabled": True, "Quantity": 1, "Items": [group]},
                },
            }
        )["Distribution"]
        platform.s3.create_bucket(Bucket="media", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        platform.s3.put_object(Bucket="media", Key="v/one/video.mp4", Body=CONTENT, ContentType="video/mp4")
        self.allow(distribution["ARN"])

    def allow(self, distribution_arn: str) -> None:
        """Let only this distribution read the bucket."""
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "cloudfront.amazonaws.com"},
            "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::media/*",
            "Condition": {"StringEquals": {"AWS:SourceArn": distribution_arn}},
        }
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.platform.s3.put_bucket_policy(Bucket="media", Policy=document)

    def cookies(self, resource: str = "/v/one/*", *, lifetime: int = 60, flip: bool = False) -> str:
        """Signed cookies for a resource; `flip` changes one character in the middle of the signature."""
        ends = {"DateLessThan": {"AWS:EpochTime": int(time.time()) + lifetime}}
        statement = {"Resource": f"https://localhost:{self.port}{resource}", "Condition": ends}
        policy = json.dumps({"Statement": [statement]}, separators=(",", ":")).encode()
        signature = encoded(self.key.sign(policy, ec.ECDSA(hashes.SHA256())))
        if flip:
            middle = len(signature) // 2
            signature = signature[:middle] + ("A" if signature[middle] != "A" else "B") + signature[middle + 1 :]
        fields = {"Policy": encoded(policy), "Signature": signature, "Key-Pair-Id": self.key_id}
        fields["Hash-Algorithm"] = "SHA256"
        return "; ".join(f"CloudFront-{name}={value}" for name, value in fields.items())

    def ask(
        self, path: str, cookies: str = "", method: str = "GET", **headers: str
    ) -> tuple[int, bytes, http.client.HTTPMessage]:
        connection = http.client.HTTPSConnection("localhost", self.port, timeout=10, context=self.platform.tls)
        try:
            connection.request(method, path, headers={"Cookie": cookies, **headers})
            response = connection.getresponse()
            return response.status, response.read(), response.headers
        finally:
            connection.close()


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode().translate(str.maketrans("+=/", "-_~"))


@pytest.fixture(scope="module")
def site() -> Iterator[Cdn]:
    with running(cdn.specs) as platform:
        site = Cdn(platform)
        eventually(lambda: site.ask("/v/one/video.mp4", site.cookies())[0] == 200)
        yield site


def test_signed_cookies_give_the_whole_and_parts_and_the_second_time_from_the_cache(site: Cdn) -> None:
    cookies = site.cookies()
    status, body, _ = site.ask("/v/one/video.mp4", cookies)
    assert (status, body) == (200, CONTENT)
    status, body, headers = site.ask("/v/one/video.mp4", cookies, Range="bytes=1048570-1048580")
    assert (status, body) == (206, CONTENT[1048570:1048581])
    assert headers["X-Cache"] == "Hit from cloudfront"
    assert headers["Content-Type"] == "video/mp4"


def test_what_is_not_signed_for_is_refused(site: Cdn) -> None:
    refused: dict[str, Any] = {
        "nothing": "",
        "expired": site.cookies(lifetime=-1),
        "tampered": site.cookies(flip=True),
        "another video": site.cookies("/v/two/*"),
    }
    for why, cookies in refused.items():
        status, body, headers = site.ask("/v/one/video.mp4", cookies)
        assert status == 403, why
        assert body.startswith(b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>'), why
        assert headers["X-Cache"] == "Error from cloudfront"
    assert b"MissingKey" in site.ask("/v/one/video.mp4")[1]
    assert site.ask("/v/two/../one/video.mp4", site.cookies("/v/two/*"))[0] == 403
    assert site.ask("/v/two/%2e%2e/one/video.mp4", site.cookies("/v/two/*"))[0] == 403
    assert site.ask("/v/one/missing.mp4", site.cookies())[0] == 403  # S3's answer to who may not list


def test_cached_answers_carry_the_cors_headers_of_who_asks(site: Cdn) -> None:
    _, _, headers = site.ask("/v/one/video.mp4", site.cookies())
    assert "Access-Control-Allow-Origin" not in headers
    _, _, headers = site.ask("/v/one/video.mp4", site.cookies(), Origin=ORIGIN)
    assert headers.get_all("Access-Control-Allow-Origin") == [ORIGIN]
    assert headers.get_all("Access-Control-Allow-Credentials") == ["true"]
    _, _, headers = site.ask("/v/one/video.mp4", site.cookies(), Origin="https://elsewhere.example")
    assert "Access-Control-Allow-Origin" not in headers
    status, _, headers = site.ask("/v/one/video.mp4", method="OPTIONS", Origin=ORIGIN)
    assert (status, headers["Access-Control-Allow-Methods"]) == (204, "GET, HEAD")
    assert headers["Access-Control-Allow-Headers"] == "Range"


def test_the_bucket_is_read_only_through_the_distribution_that_its_policy_names(site: Cdn) -> None:
    site.platform.s3.put_object(Bucket="media", Key="v/one/new.mp4", Body=b"new")
    (arn,) = [d["ARN"] for d in site.platform.cloudfront.list_distributions()["DistributionList"]["Items"]]
    site.allow("arn:aws:cloudfront::000000000000:distribution/ANOTHER")
    assert site.ask("/v/one/new.mp4", site.cookies())[0] == 403
    site.allow(arn)
    assert site.ask("/v/one/new.mp4", site.cookies())[:2] == (200, b"new")


def test_what_was_invalidated_is_asked_for_anew(site: Cdn) -> None:
    site.platform.s3.put_object(Bucket="media", Key="v/one/kept.mp4", Body=b"before")
    assert site.ask("/v/one/kept.mp4", site.cookies())[:2] == (200, b"before")
    site.platform.s3.put_object(Bucket="media", Key="v/one/kept.mp4", Body=b"after")
    assert site.ask("/v/one/kept.mp4", site.cookies())[:2] == (200, b"before")
    (distribution,) = site.platform.cloudfront.list_distributions()["DistributionList"]["Items"]

    def invalidate(path: str) -> None:
        batch = {"Paths": {"Quantity": 1, "Items": [path]}, "CallerReference": path}
        site.platform.cloudfront.create_invalidation(DistributionId=distribution["Id"], InvalidationBatch=batch)

    site.platform.s3.put_object(Bucket="media", Key="v/one/other.mp4", Body=b"other")
    assert site.ask("/v/one/other.mp4", site.cookies())[:2] == (200, b"other")
    invalidate("/v/one/kept*")
    assert eventually(lambda: site.ask("/v/one/kept.mp4", site.cookies())[1] == b"after")
    assert site.ask("/v/one/other.mp4", site.cookies())[2]["X-Cache"] == "Hit from cloudfront"
    assert site.ask("/v/one/video.mp4", site.cookies())[2]["X-Cache"] == "Hit from cloudfront"


def test_a_key_that_left_the_key_group_is_refused(site: Cdn) -> None:
    api = site.platform.cloudfront
    assert site.ask("/v/one/video.mp4", site.cookies())[0] == 200
    group = api.list_key_groups()["KeyGroupList"]["Items"][0]["KeyGroup"]["Id"]
    pem = (
        ec.generate_private_key(ec.SECP256R1())
        .public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    another = api.create_public_key(PublicKeyConfig={"CallerReference": "n", "Name": "n", "EncodedKey": pem.decode()})
    for items, outcome in (([another["PublicKey"]["Id"]], 403), ([site.key_id], 200)):
        etag = api.get_key_group(Id=group)["ETag"]
        api.update_key_group(Id=group, IfMatch=etag, KeyGroupConfig={"Name": "g", "Items": items})

        def decided(expected: int = outcome) -> bool:
            return site.ask("/v/one/video.mp4", site.cookies())[0] == expected

        assert eventually(decided)


def test_without_its_verifier_the_cdn_lets_nothing_through(site: Cdn) -> None:
    """The last test of this file: it ends the verifier."""
    assert site.ask("/v/one/video.mp4", site.cookies())[0] == 200
    Supervisor(site.platform.env.state_dir).stop("cdn-verifier")
    assert site.ask("/v/one/video.mp4", site.cookies())[0] == 500
