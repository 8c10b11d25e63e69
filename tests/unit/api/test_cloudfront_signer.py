# SPDX-License-Identifier: Apache-2.0
"""Playback cookies and queries, judged by an implementation that is not ours: openssl."""

import base64
import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl, quote

import pytest
from streamify_api.adapters.cache_signatures import CachedSigner
from streamify_api.adapters.cloudfront_signer import CloudFrontSigner, cloudfront_base64
from streamify_api.domain.playback import Grant

EXPIRES = datetime(2030, 1, 1, tzinfo=UTC)
KINDS = {
    "ecdsa": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "rsa": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
}


def openssl(*arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["openssl", *map(str, arguments)], capture_output=True, check=False)


@pytest.fixture(params=KINDS)
def key(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "key.pem"
    assert openssl("genpkey", *KINDS[request.param], "-out", path).returncode == 0
    assert openssl("pkey", "-in", path, "-pubout", "-out", tmp_path / "public.pem").returncode == 0
    return path


def decode(value: str) -> bytes:
    return base64.b64decode(value.translate(str.maketrans("-_~", "+=/")), validate=True)


def test_openssl_accepts_the_signature_of_the_policy_and_of_nothing_else(key: Path, tmp_path: Path) -> None:
    signer = CloudFrontSigner("KTEST", key.read_text(), "https://cdn.example.com")
    grant = signer.sign("v/abc", EXPIRES)
    cookies = grant.cookies
    # The query of players on other sites says the same, without a character to escape.
    assert parse_qsl(grant.query, strict_parsing=True) == [
        (name.removeprefix("CloudFront-"), value) for name, value in cookies.items()
    ]
    assert quote(grant.query, safe="=&~") == grant.query
    assert cookies["CloudFront-Key-Pair-Id"] == "KTEST"
    assert cookies["CloudFront-Hash-Algorithm"] == "SHA256"
    policy = decode(cookies["CloudFront-Policy"])
    assert b" " not in policy
    assert json.loads(policy) == {
        "Statement": [
            {
                "Resource": "https://cdn.example.com/v/abc/*",
                "Condition": {"DateLessThan": {"AWS:EpochTime": int(EXPIRES.timestamp())}},
            }
        ]
    }
    (tmp_path / "signature").write_bytes(decode(cookies["CloudFront-Signature"]))
    for content, accepted in ((policy, True), (policy.replace(b"abc", b"abd"), False)):
        (tmp_path / "policy").write_bytes(content)
        public, signature, document = tmp_path / "public.pem", tmp_path / "signature", tmp_path / "policy"
        done = openssl("dgst", "-sha256", "-verify", public, "-signature", signature, document)
        assert (done.returncode == 0) is accepted


def test_cookies_hold_only_characters_that_cookies_may_hold() -> None:
    value = cloudfront_base64(bytes(range(256)))
    assert decode(value) == bytes(range(256))
    assert not set(value) & set("+/=; ,")


@pytest.mark.parametrize(
    "arguments",
    [
        ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
        ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"],
        ["-algorithm", "ED25519"],
    ],
)
def test_a_key_that_cloudfront_does_not_know_is_refused(arguments: list[str], tmp_path: Path) -> None:
    assert openssl("genpkey", *arguments, "-out", tmp_path / "key.pem").returncode == 0
    with pytest.raises(ValueError, match="neither ECDSA P-256 nor RSA 2048"):
        CloudFrontSigner("KTEST", (tmp_path / "key.pem").read_text(), "https://cdn.example.com")


class CountingSigner:
    def __init__(self) -> None:
        self.calls = 0

    def sign(self, media_root: str, expire_time: datetime) -> Grant:
        self.calls += 1
        return Grant({"for": f"{media_root} {expire_time}"})


def test_a_signature_is_made_once_for_a_video_and_time_and_forgotten_when_there_are_too_many() -> None:
    counting = CountingSigner()
    cached = CachedSigner(counting, capacity=2)
    assert cached.sign("v/a", EXPIRES) is cached.sign("v/a", EXPIRES)
    assert cached.sign("v/b", EXPIRES) != cached.sign("v/a", EXPIRES)
    assert counting.calls == 2
    cached.sign("v/c", EXPIRES)
    cached.sign("v/b", EXPIRES)
    assert counting.calls == 4
