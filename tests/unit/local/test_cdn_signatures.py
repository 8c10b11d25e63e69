# SPDX-License-Identifier: Apache-2.0
"""Tests of streamify_local.cdn.signatures."""

import base64
import datetime as dt
import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from streamify_local.cdn.signatures import DeniedError, PublicKey, Request, matches, verify

NOW = 1_800_000_000
URL = "https://localhost:9443/v/one/master.m3u8"
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ECDSA = ec.generate_private_key(ec.SECP256R1())
KEYS: dict[str, PublicKey] = {"KRSA": RSA.public_key(), "KEC": ECDSA.public_key()}
ALGORITHMS: dict[str, hashes.HashAlgorithm] = {"SHA1": hashes.SHA1(), "SHA256": hashes.SHA256()}


def sign(key_id: str, message: bytes, algorithm: str = "SHA256") -> bytes:
    if key_id == "KRSA":
        return RSA.sign(message, padding.PKCS1v15(), ALGORITHMS[algorithm])
    return ECDSA.sign(message, ec.ECDSA(ALGORITHMS[algorithm]))


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode().translate(str.maketrans("+=/", "-_~"))


def policy(resource: str = "https://localhost:9443/v/one/*", **conditions: Any) -> bytes:
    condition = {"DateLessThan": {"AWS:EpochTime": NOW + 60}, **conditions}
    return json.dumps({"Statement": [{"Resource": resource, "Condition": condition}]}).encode()


def cookies(document: bytes, key_id: str = "KEC", algorithm: str = "SHA256") -> dict[str, str]:
    fields = {
        "Policy": encoded(document),
        "Signature": encoded(sign(key_id, document, algorithm)),
        "Key-Pair-Id": key_id,
    }
    if algorithm != "SHA1":
        fields["Hash-Algorithm"] = algorithm
    return {f"CloudFront-{name}": value for name, value in fields.items()}


def judge(url: str, given: dict[str, str] | None = None, keys: dict[str, PublicKey] = KEYS, now: float = NOW) -> str:
    """'' when the request passes, else the error's code."""
    try:
        verify(Request(url, given or {}, "192.0.2.7"), keys, now)
    except DeniedError as denied:
        return denied.code
    return ""


@pytest.mark.parametrize("key_id", ["KRSA", "KEC"])
@pytest.mark.parametrize("algorithm", ["SHA1", "SHA256"])
def test_signed_cookies_pass_with_either_kind_of_key_and_hash(key_id: str, algorithm: str) -> None:
    assert judge(URL, cookies(policy(), key_id, algorithm)) == ""


@pytest.mark.parametrize("key_id", ["KRSA", "KEC"])
@pytest.mark.parametrize("custom", [False, True])
def test_signed_urls_of_the_sdk_pass(key_id: str, custom: bool) -> None:
    signer = CloudFrontSigner(key_id, lambda message: sign(key_id, message, "SHA1"))
    ends = dt.datetime.fromtimestamp(NOW + 60, dt.UTC)
    for url in (URL, f"{URL}?a=1&b=%20"):
        signed = (
            signer.generate_presigned_url(url, policy=signer.build_policy(url, ends))
            if custom
            else signer.generate_presigned_url(url, date_less_than=ends)
        )
        assert judge(signed) == ""
        assert judge(signed, now=NOW + 61) == "AccessDenied"
        assert judge(signed.replace("master", "others")) == "AccessDenied"


def test_a_changed_character_in_the_middle_of_a_signature_is_refused() -> None:
    given = cookies(policy())
    signature = given["CloudFront-Signature"]
    changed = "A" if signature[40] != "A" else "B"
    assert judge(URL, given | {"CloudFront-Signature": signature[:40] + changed + signature[41:]}) == "AccessDenied"
    assert judge(URL, given | {"CloudFront-Signature": "%%%"}) == "AccessDenied"


def test_a_policy_that_was_changed_after_signing_is_refused() -> None:
    given = cookies(policy())
    assert judge(URL, given | {"CloudFront-Policy": encoded(policy("*"))}) == "AccessDenied"


@pytest.mark.parametrize(
    ("conditions", "outcome"),
    [
        ({"DateGreaterThan": {"AWS:EpochTime": NOW - 1}}, ""),
        ({"DateGreaterThan": {"AWS:EpochTime": NOW + 1}}, "AccessDenied"),
        ({"DateLessThan": {"AWS:EpochTime": NOW}}, "AccessDenied"),
        ({"IpAddress": {"AWS:SourceIp": "192.0.2.0/24"}}, ""),
        ({"IpAddress": {"AWS:SourceIp": "192.0.3.0/24"}}, "AccessDenied"),
        ({"DateLessThan": {}}, "MalformedPolicy"),
        ({"Unknown": {}}, "MalformedPolicy"),
    ],
)
def test_conditions(conditions: dict[str, Any], outcome: str) -> None:
    assert judge(URL, cookies(policy(**conditions))) == outcome


def test_a_policy_must_be_one_statement_with_an_end() -> None:
    for document in (
        b"[]",
        b"{}",
        b'{"Statement":[]}',
        b"not json",
        b'{"Statement":[{"Resource":"*","Condition":{}}]}',
    ):
        assert judge(URL, cookies(document)) == "MalformedPolicy"


@pytest.mark.parametrize(
    ("resource", "covered"),
    [
        ("https://localhost:9443/v/one/*", True),
        ("http*://localhost:9443/v/?ne/*.m3u8", True),
        ("*", True),
        ("https://localhost:9443/v/two/*", False),
        ("https://localhost:9443/v/one/", False),
        ("https://localhostx9443/v/one/*", False),
        ("https://elsewhere/v/one/*", False),
    ],
)
def test_resources_are_matched_with_wildcards(resource: str, covered: bool) -> None:
    assert matches(resource, URL) is covered
    assert not matches("https://localhost:9443/v/one/master.m3u8", URL.replace(".m3u8", "_m3u8"))
    assert judge(URL, cookies(policy(resource))) == ("" if covered else "AccessDenied")


def test_only_keys_that_the_behaviour_trusts_count() -> None:
    assert judge(URL, cookies(policy(), "KRSA"), {"KEC": KEYS["KEC"]}) == "InvalidKey"
    assert judge(URL, cookies(policy(), "KRSA"), {"KRSA": KEYS["KEC"]}) == "AccessDenied"


def test_what_is_missing_is_named() -> None:
    given = cookies(policy())
    assert judge(URL) == "MissingKey"
    without_policy = {name: value for name, value in given.items() if name != "CloudFront-Policy"}
    assert judge(URL, without_policy) == "MissingPolicy"
    assert judge(URL, given | {"CloudFront-Hash-Algorithm": "MD5"}) == "AccessDenied"


def test_a_signed_query_wins_over_cookies() -> None:
    good = cookies(policy())
    assert judge(f"{URL}?Key-Pair-Id=KEC&Signature=AAAA&Policy=AAAA", good) == "AccessDenied"
    query = "&".join(f"{name.removeprefix('CloudFront-')}={value}" for name, value in good.items())
    assert judge(f"{URL}?{query}") == ""
    assert dict(parse_qsl(urlsplit(f"{URL}?{query}").query))["Key-Pair-Id"] == "KEC"
