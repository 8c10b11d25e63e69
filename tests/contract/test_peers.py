# SPDX-License-Identifier: Apache-2.0
"""Programs of others against the running API: gRPC from Node and from buf, AWS's signer, openssl."""

import asyncio
import base64
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from contract.callers import Service, new_id
from contract.platform_state import Issuer
from contract.processes import Api, run_api
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from support import openssl
from support.node import run_node

UNKNOWN = "vid_01ARZ3NDEKTSV4RRFFQ69G5FAV"
UPLOADS, VIDEOS = "streamify.upload.v1.UploadService", "streamify.catalog.v1.VideoService"
KEYS: dict[str, Callable[[], ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey]] = {
    "ecdsa": lambda: ec.generate_private_key(ec.SECP256R1()),
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
}


def test_grpc_js_uploads_by_reflection_alone(api: Api, issuer: Issuer) -> None:
    seen = run_node("grpc_by_reflection.js", api.grpc_target, environment={"TOKEN": issuer.token()})
    assert {UPLOADS, VIDEOS, "grpc.health.v1.Health"} <= set(seen["services"])
    assert seen["created"]["state"] == "UPLOAD_STATE_WAITING"
    assert seen["repeated"] == seen["created"]
    assert seen["put_status"] == 200
    assert seen["completed"]["state"] == "UPLOAD_STATE_COMPLETED"
    assert seen["watched"][0] == "UPLOAD_STATE_WAITING"
    assert seen["watched"][-1] == "UPLOAD_STATE_COMPLETED"
    assert seen["video"]["state"] == "VIDEO_STATE_PROCESSING"
    for name, code in (
        ("other_body", "ALREADY_EXISTS"),
        ("unknown", "NOT_FOUND"),
        ("without_token", "UNAUTHENTICATED"),
    ):
        assert seen[name] == {"code": code, "has_details": True}, name


def buf_curl(api: Api, method: str, request: dict[str, Any], token: str) -> subprocess.CompletedProcess[str]:
    """One call, by reflection."""
    command = [
        str(Path(sys.executable).with_name("buf")), "curl", "--protocol", "grpc", "--http2-prior-knowledge",
        "-H", f"Authorization: Bearer {token}", "-d", json.dumps(request), f"http://{api.grpc_target}/{method}",
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_buf_curl_calls_by_reflection_alone(api: Api, issuer: Issuer) -> None:
    asked = {"requestId": new_id(), "title": "curl", "filename": "a.mp4", "contentType": "video/mp4", "sizeBytes": "11"}
    created = buf_curl(api, f"{UPLOADS}/CreateUpload", asked, issuer.token())
    assert created.returncode == 0, created.stderr
    upload = json.loads(created.stdout)["upload"]
    assert (upload["state"], upload["partCount"]) == ("UPLOAD_STATE_WAITING", 1)
    refused = buf_curl(api, f"{VIDEOS}/GetVideo", {"videoId": UNKNOWN}, issuer.token())
    assert refused.returncode != 0
    error = json.loads(refused.stderr)
    assert error["code"] == "not_found"
    assert error["details"][0]["type"] == "google.rpc.ErrorInfo"


@dataclass
class Signed:
    """An API and the key that it signs playback with."""

    api: Api
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    private_pem: str


@pytest.fixture(scope="module", params=KEYS)
def signed(request: pytest.FixtureRequest, environment: dict[str, str]) -> Iterator[Signed]:
    key = KEYS[request.param]()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    with run_api(environment | {"STREAMIFY_SIGNING_KEY": pem, "STREAMIFY_SIGNING_KEY_ID": "KPEER"}) as running:
        yield Signed(running, key, pem)


def decode(value: str) -> bytes:
    return base64.b64decode(value.translate(str.maketrans("-_~", "+=/")), validate=True)


async def grants(api: Api, video_id: str) -> tuple[str, dict[str, str], dict[str, str]]:
    """The media's address without the manifest's name, and the grant as a query and as cookies."""
    async with httpx.AsyncClient(base_url=api.http_url) as viewer:
        opened = await viewer.get(f"/v1/videos/{video_id}/playback", params={"delivery": "query"})
        with_cookies = await viewer.get(f"/v1/videos/{video_id}/playback")
    query = dict(parse_qsl(opened.json()["query"], strict_parsing=True))
    cookies = (line.partition(";")[0].partition("=")[::2] for line in with_cookies.headers.get_list("set-cookie"))
    return opened.json()["manifest_url"].removesuffix("master.m3u8"), query, dict(cookies)


async def test_awss_signer_and_ours_agree_and_openssl_accepts_both(
    signed: Signed, service: Service, tmp_path: Path
) -> None:
    root, query, cookies = await grants(signed.api, (await service.published()).video_id)
    for grant in (query, {name.removeprefix("CloudFront-"): value for name, value in cookies.items()}):
        policy = decode(grant["Policy"])
        (statement,) = json.loads(policy)["Statement"]
        theirs = await asyncio.to_thread(
            run_node,
            "cloudfront_signer.js",
            text=json.dumps(
                {
                    "resource": f"{root}*",
                    "expires": statement["Condition"]["DateLessThan"]["AWS:EpochTime"],
                    "key_id": "KPEER",
                    "private_key": signed.private_pem,
                    "policy": policy.decode(),
                }
            ),
        )
        as_query = dict(parse_qsl(theirs["custom_query"], strict_parsing=True))
        as_cookies = {name.removeprefix("CloudFront-"): value for name, value in theirs["custom_cookies"].items()}
        own = [dict(parse_qsl(theirs["own_query"], strict_parsing=True))["Signature"]]
        own.append(theirs["own_cookies"]["CloudFront-Signature"])
        # The document that their signer writes for the same resource and time is ours, byte for byte: their signature
        # of theirs is one of ours.
        signatures = [grant["Signature"], as_query["Signature"], as_cookies["Signature"], *own]
        for signature in signatures:
            assert openssl.accepts(signed.key.public_key(), decode(signature), policy, tmp_path)
            assert not openssl.accepts(signed.key.public_key(), decode(signature), policy + b" ", tmp_path)
        if isinstance(signed.key, rsa.RSAPrivateKey):  # ECDSA signatures differ each time
            assert len(set(signatures)) == 1
        for made in (as_query, as_cookies):
            assert made | {"Signature": ""} == grant | {"Signature": ""}
