# SPDX-License-Identifier: Apache-2.0
"""Sessions, renewal and signed queries."""

import asyncio
import base64
import json
import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl

import httpx
import pytest
from contract.callers import Service
from contract.platform_state import CDN_URL, ORIGIN, Issuer
from contract.processes import run_api
from contract.test_http import problem
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat


def decode(value: str) -> bytes:
    return base64.b64decode(value.translate(str.maketrans("-_~", "+=/")), validate=True)


async def test_a_player_on_another_site_gets_a_query_for_every_request_and_no_cookies(
    http: httpx.AsyncClient, service: Service, signing_key: ec.EllipticCurvePrivateKey, tmp_path: Path
) -> None:
    video = await service.published()
    response = await http.get(f"/v1/videos/{video.video_id}/playback", params={"delivery": "query"})
    body = response.json()
    assert "Set-Cookie" not in response.headers
    assert body["delivery"] == "query"
    fields = dict(parse_qsl(body["query"], strict_parsing=True))
    assert fields["Hash-Algorithm"] == "SHA256"
    policy = decode(fields["Policy"])
    (statement,) = json.loads(policy)["Statement"]
    root = body["manifest_url"].removesuffix("/master.m3u8")
    assert root.startswith(f"{CDN_URL}/v/")
    assert statement["Resource"] == f"{root}/*"
    expires = statement["Condition"]["DateLessThan"]["AWS:EpochTime"]
    assert datetime.fromisoformat(body["expires_at"]).timestamp() == expires
    # Judged by openssl.
    public = signing_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for name, content in (("key", public), ("signature", decode(fields["Signature"])), ("policy", policy)):
        (tmp_path / name).write_bytes(content)
    command = ["openssl", "dgst", "-sha256", "-verify", "key", "-signature", "signature", "policy"]
    await asyncio.to_thread(subprocess.run, command, cwd=tmp_path, check=True, capture_output=True)


@pytest.mark.parametrize("delivery", ["cookies", "query"])
async def test_a_session_is_renewed_in_the_way_it_was_opened(
    http: httpx.AsyncClient, service: Service, delivery: str
) -> None:
    video = await service.published()
    first = (await http.get(f"/v1/videos/{video.video_id}/playback", params={"delivery": delivery})).json()
    response = await http.post("/v1/playback/renew", json={"session_token": first["session_token"]})
    renewed = response.json()
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    assert ("Set-Cookie" in response.headers) is (delivery == "cookies")
    for name in ("video_id", "manifest_url", "delivery", "session_ends_at"):
        assert renewed[name] == first[name]
    assert renewed["expires_at"] >= first["expires_at"]
    again = await http.post("/v1/playback/renew", json={"session_token": renewed["session_token"]})
    assert again.status_code == 200


async def test_another_task_renews_also_after_its_key_was_exchanged(
    http: httpx.AsyncClient, service: Service, environment: dict[str, str]
) -> None:
    video = await service.published()
    token = (await http.get(f"/v1/videos/{video.video_id}/playback")).json()["session_token"]
    key = rsa.generate_private_key(65537, 2048)
    made = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    exchanged = environment | {
        "STREAMIFY_SIGNING_KEY": made,
        "STREAMIFY_SIGNING_KEY_ID": "KNEW",
        "STREAMIFY_PREVIOUS_SIGNING_KEY": environment["STREAMIFY_SIGNING_KEY"],
    }
    with run_api(exchanged) as other:
        async with httpx.AsyncClient(base_url=other.http_url) as there:
            renewed = await there.post("/v1/playback/renew", json={"session_token": token})
    assert renewed.status_code == 200
    assert "CloudFront-Key-Pair-Id=KNEW" in renewed.headers["Set-Cookie"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "INVALID_BODY"),
        (b"\xff\xfe", "INVALID_BODY"),
        (b"[]", "INVALID_BODY"),
        (b'{"session_token": 1}', "INVALID_BODY"),
        (b'{"session_token": "a", "more": 1}', "INVALID_BODY"),
        (b'{"session_token": "a.b.c"}', "INVALID_SESSION_TOKEN"),
    ],
)
async def test_bad_renewals_are_refused(http: httpx.AsyncClient, body: bytes, code: str) -> None:
    problem(await http.post("/v1/playback/renew", content=body), 400, code)


async def test_a_body_that_is_too_long_is_refused(http: httpx.AsyncClient) -> None:
    problem(await http.post("/v1/playback/renew", content=b"x" * 100_000), 413, "CONTENT_TOO_LARGE")


async def test_the_hot_path_takes_only_reads(http: httpx.AsyncClient) -> None:
    path = "/v1/videos/vid_01ARZ3NDEKTSV4RRFFQ69G5FAV/playback"
    refused = await http.post(path)
    problem(refused, 405, "METHOD_NOT_ALLOWED")
    assert refused.headers["Allow"] == "GET, HEAD, OPTIONS"
    problem(await http.get("/v1/videos//playback"), 404, "NOT_FOUND")
    problem(await http.get("/v1/videos/a/b/playback"), 404, "NOT_FOUND")


async def test_an_unknown_delivery_is_refused(http: httpx.AsyncClient, service: Service) -> None:
    video = await service.published()
    answer = await http.get(f"/v1/videos/{video.video_id}/playback?delivery=pigeon")
    problem(answer, 400, "INVALID_DELIVERY")


async def test_a_browser_may_post_a_renewal_from_a_listed_origin(http: httpx.AsyncClient) -> None:
    asked = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    preflight = await http.options("/v1/playback/renew", headers=asked)
    assert preflight.status_code == 200
    assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
    assert "Content-Type" in preflight.headers["Access-Control-Allow-Headers"]


async def test_no_token_is_needed_and_a_bad_one_is_refused(
    http: httpx.AsyncClient, service: Service, issuer: Issuer
) -> None:
    path = f"/v1/videos/{(await service.published()).video_id}/playback"
    good = await http.get(path, headers={"Authorization": f"Bearer {issuer.token()}"})
    assert good.status_code == (await http.get(path)).status_code == 200
    expired = issuer.token(lifetime=timedelta(minutes=-5))
    bad = (("Bearer a.b.c", "TOKEN_INVALID"), (f"Bearer {expired}", "TOKEN_EXPIRED"), ("x", "TOKEN_INVALID"))
    for header, code in bad:
        refused = await http.get(path, headers={"Authorization": header})
        problem(refused, 401, code)
        assert refused.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_renewal_is_posted(http: httpx.AsyncClient) -> None:
    refused = await http.get("/v1/playback/renew")
    problem(refused, 405, "METHOD_NOT_ALLOWED")
    assert refused.headers["Allow"] == "POST, OPTIONS"
