# SPDX-License-Identifier: Apache-2.0
"""The sample is delivered by the CDN to whoever has what /playback gave, and to nobody else."""

import base64
import json
import time
from collections.abc import Iterator
from http.cookiejar import Cookie
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from deployed import hls

SIGNED = ("CloudFront-Policy", "CloudFront-Signature", "CloudFront-Key-Pair-Id", "CloudFront-Hash-Algorithm")


@pytest.fixture
def playback(http: httpx.Client, outputs: dict[str, str]) -> dict[str, Any]:
    """The answer of /playback for the sample; the cookies it set are in `http`."""
    answer = http.get(f"{outputs['http_url']}/v1/videos/{outputs['sample_video_id']}/playback")
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()
    return result


@pytest.fixture
def anonymous(http: httpx.Client, tls: Any) -> Iterator[httpx.Client]:
    with httpx.Client(verify=tls, timeout=10) as client:
        yield client


def cookie_header(client: httpx.Client, **changes: str) -> dict[str, str]:
    values = {cookie.name: cookie.value or "" for cookie in client.cookies.jar} | changes
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in values.items())}


def cloudfront_base64(data: bytes) -> str:
    return base64.b64encode(data).decode().translate(str.maketrans("+=/", "-_~"))


def test_manifest_every_rendition_and_every_segment_are_delivered(http: httpx.Client, playback: dict[str, Any]) -> None:
    playlists, segments = hls.walk(http, playback["manifest_url"])
    assert len(playlists) >= 4, "the master and at least three renditions"
    assert len(segments) >= 12
    for segment in segments:
        answer = http.get(segment)
        assert answer.status_code == 200, segment
        assert answer.content, segment


def test_ranges_are_answered(http: httpx.Client, playback: dict[str, Any]) -> None:
    segment = hls.walk(http, playback["manifest_url"])[1][0]
    whole = http.get(segment).content
    part = http.get(segment, headers={"Range": "bytes=10-99"})
    assert (part.status_code, part.content) == (206, whole[10:100])


def test_the_second_fetch_comes_from_the_cache(http: httpx.Client, playback: dict[str, Any]) -> None:
    segment = hls.walk(http, playback["manifest_url"])[1][-1]
    http.get(segment)
    assert "hit" in http.get(segment).headers["x-cache"].lower()


def test_without_cookies_everything_is_refused(
    http: httpx.Client, anonymous: httpx.Client, playback: dict[str, Any]
) -> None:
    playlists, segments = hls.walk(http, playback["manifest_url"])
    for address in [*playlists, *segments]:
        assert anonymous.get(address).status_code == 403, address


@pytest.mark.parametrize("name", ["CloudFront-Signature", "CloudFront-Policy"])
def test_a_cookie_with_one_changed_character_is_refused(
    name: str, http: httpx.Client, anonymous: httpx.Client, playback: dict[str, Any]
) -> None:
    values = {cookie.name: cookie.value or "" for cookie in http.cookies.jar}
    good = values[name]
    middle = len(good) // 2  # the last characters of base64 may decode to the same bytes
    bad = good[:middle] + ("A" if good[middle] != "A" else "B") + good[middle + 1 :]
    assert anonymous.get(playback["manifest_url"], headers=cookie_header(http)).status_code == 200
    assert anonymous.get(playback["manifest_url"], headers=cookie_header(http, **{name: bad})).status_code == 403


def signed_until(aws: Any, outputs: dict[str, str], resource: str, expires: int) -> dict[str, str]:
    """Cookies for `resource` signed with the platform's own key, as only the platform could."""
    secrets = aws("secretsmanager")
    keys = [
        secrets.get_secret_value(SecretId=secret["ARN"])["SecretString"]
        for secret in secrets.list_secrets()["SecretList"]
        if "sign" in secret["Name"]
    ]
    pem = next(key for key in keys if "PRIVATE KEY" in key)
    pem = json.loads(pem)["private_key"] if pem.lstrip().startswith("{") else pem
    key = serialization.load_pem_private_key(pem.encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    policy = json.dumps(
        {"Statement": [{"Resource": resource, "Condition": {"DateLessThan": {"AWS:EpochTime": expires}}}]},
        separators=(",", ":"),
    ).encode()
    return {
        "CloudFront-Policy": cloudfront_base64(policy),
        "CloudFront-Signature": cloudfront_base64(key.sign(policy, ec.ECDSA(hashes.SHA256()))),
    }


def test_expired_cookies_are_refused(
    aws: Any, outputs: dict[str, str], http: httpx.Client, anonymous: httpx.Client, playback: dict[str, Any]
) -> None:
    manifest = playback["manifest_url"]
    resource = manifest.rsplit("/", 1)[0] + "/*"
    now = int(time.time())
    valid = signed_until(aws, outputs, resource, now + 60)
    expired = signed_until(aws, outputs, resource, now - 60)
    assert anonymous.get(manifest, headers=cookie_header(http, **valid)).status_code == 200
    assert anonymous.get(manifest, headers=cookie_header(http, **expired)).status_code == 403


def test_cookies_are_limited_to_this_video_and_out_of_scripts_reach(
    http: httpx.Client, playback: dict[str, Any]
) -> None:
    directory = urlsplit(playback["manifest_url"]).path.rsplit("/", 1)[0]
    cookies: dict[str, Cookie] = {cookie.name: cookie for cookie in http.cookies.jar}
    assert set(SIGNED) <= set(cookies)
    for name in SIGNED:
        assert cookies[name].path.rstrip("/") == directory
        assert cookies[name].secure
        assert cookies[name].has_nonstandard_attr("HttpOnly")


def test_media_is_not_under_the_videos_id(outputs: dict[str, str], playback: dict[str, Any]) -> None:
    assert outputs["sample_video_id"].removeprefix("vid_").lower() not in playback["manifest_url"].lower()


def test_the_bucket_itself_refuses_anonymous_readers(
    aws: Any, outputs: dict[str, str], playback: dict[str, Any]
) -> None:
    path = urlsplit(playback["manifest_url"]).path
    bucket = next(b["Name"] for b in aws("s3").list_buckets()["Buckets"] if "media" in b["Name"])
    block = aws("s3").get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert all(block.values()), block
    assert aws("s3").head_object(Bucket=bucket, Key=path.lstrip("/"))["ContentLength"] > 0
    assert outputs["cdn_url"] in playback["manifest_url"]
