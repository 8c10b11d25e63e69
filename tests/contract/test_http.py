# SPDX-License-Identifier: Apache-2.0
"""The HTTP face against the emulator."""

import base64
import json
import time
from datetime import datetime

import httpx
import pytest
from contract.callers import Service
from contract.platform_state import CDN_URL, ORIGIN, PUBLIC_URL
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

UNKNOWN_VIDEO = "vid_01ARZ3NDEKTSV4RRFFQ69G5FAV"


def problem(response: httpx.Response, status: int, code: str) -> None:
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/problem+json"
    body = response.json()
    assert (body["status"], body["code"]) == (status, code)
    assert body["type"]
    assert body["title"]
    assert body["request_id"] == response.headers["X-Request-Id"]


async def test_a_published_video_is_listed_and_shown(http: httpx.AsyncClient, service: Service) -> None:
    video = await service.published(title="Seen by everybody")
    listed = (await http.get("/v1/videos")).json()["videos"]
    shown = await http.get(f"/v1/videos/{video.video_id}")
    assert shown.json() in listed
    assert shown.json()["title"] == "Seen by everybody"
    assert shown.json()["duration_seconds"] == 20.5
    assert shown.json()["watch_url"] == f"{PUBLIC_URL}/watch/{video.video_id}"
    assert "media_prefix" not in shown.text
    assert "tenant" not in shown.text


async def test_a_list_is_walked_by_cursor(http: httpx.AsyncClient, service: Service) -> None:
    made = {(await service.published()).video_id for _ in range(3)}
    seen: list[str] = []
    cursor = ""
    while True:
        page = (await http.get("/v1/videos", params={"page_size": 1, "cursor": cursor})).json()
        seen.extend(video["video_id"] for video in page["videos"])
        if not (cursor := page["next_cursor"]):
            break
    assert made <= set(seen)
    assert len(seen) == len(set(seen))


async def test_what_was_seen_already_is_not_sent_again(http: httpx.AsyncClient, service: Service) -> None:
    path = f"/v1/videos/{(await service.published()).video_id}"
    first = await http.get(path)
    again = await http.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert "max-age" in again.headers["Cache-Control"]
    assert (await http.get(path, headers={"If-None-Match": '"other"'})).status_code == 200


async def test_playback_gives_cookies_for_that_video_only(
    http: httpx.AsyncClient, service: Service, signing_key: ec.EllipticCurvePrivateKey
) -> None:
    video = await service.published()
    response = await http.get(f"/v1/videos/{video.video_id}/playback")
    body = response.json()
    assert response.headers["Cache-Control"] == "no-store"
    assert body["manifest_url"].startswith(f"{CDN_URL}/v/")
    root = body["manifest_url"].removesuffix("/master.m3u8")
    cookies = dict(line.split(";")[0].split("=", 1) for line in response.headers.get_list("Set-Cookie"))
    assert set(cookies) == {
        "CloudFront-Policy",
        "CloudFront-Signature",
        "CloudFront-Key-Pair-Id",
        "CloudFront-Hash-Algorithm",
    }
    for line in response.headers.get_list("Set-Cookie"):
        attributes = {part.strip() for part in line.split(";")[1:]}
        assert {"Secure", "HttpOnly", "SameSite=Lax", f"Path={root.removeprefix(CDN_URL)}/"} <= attributes
        assert "Domain" not in line

    def decode(value: str) -> bytes:
        return base64.b64decode(value.translate(str.maketrans("-_~", "+=/")))

    policy = decode(cookies["CloudFront-Policy"])
    (statement,) = json.loads(policy)["Statement"]
    expires = statement["Condition"]["DateLessThan"]["AWS:EpochTime"]
    assert statement["Resource"] == f"{root}/*"
    assert datetime.fromisoformat(body["expires_at"]).timestamp() == expires
    assert 3590 <= expires - time.time() <= 3660
    signing_key.public_key().verify(decode(cookies["CloudFront-Signature"]), policy, ec.ECDSA(hashes.SHA256()))


@pytest.mark.parametrize("suffix", ["", "/playback"])
async def test_videos_that_cannot_be_watched(http: httpx.AsyncClient, service: Service, suffix: str) -> None:
    waiting = (await service.create()).video_id
    problem(await http.get(f"/v1/videos/{UNKNOWN_VIDEO}{suffix}"), 404, "VIDEO_NOT_FOUND")
    problem(await http.get(f"/v1/videos/{waiting}{suffix}"), 404, "VIDEO_NOT_FOUND")
    problem(await http.get(f"/v1/videos/nonsense{suffix}"), 400, "INVALID_VIDEO_ID")
    problem(await http.get(f"/v1/videos/{UNKNOWN_VIDEO.lower()}{suffix}"), 400, "INVALID_VIDEO_ID")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("page_size=-1", "INVALID_PAGE_SIZE"),
        ("page_size=many", "INVALID_PAGE_SIZE"),
        ("cursor=bm90aGluZw", "INVALID_PAGE_TOKEN"),
        ("cursor=%F0%9F", "INVALID_PAGE_TOKEN"),
    ],
)
async def test_bad_pages_are_refused(http: httpx.AsyncClient, query: str, code: str) -> None:
    problem(await http.get(f"/v1/videos?{query}"), 400, code)


async def test_unknown_routes_and_methods_are_problems(http: httpx.AsyncClient) -> None:
    problem(await http.get("/nowhere"), 404, "NOT_FOUND")
    problem(await http.get("/v1/videos/a/b/c"), 404, "NOT_FOUND")
    refused = await http.post("/v1/videos", content=b"{")
    problem(refused, 405, "METHOD_NOT_ALLOWED")
    assert "GET" in refused.headers["Allow"]
    problem(await http.get("/assets/nothing.js"), 404, "NOT_FOUND")
    problem(await http.get("/assets/..%2fwatch.html"), 404, "NOT_FOUND")


async def test_a_callers_request_id_is_kept_if_it_is_harmless(http: httpx.AsyncClient) -> None:
    kept = await http.get("/nowhere", headers={"X-Request-Id": "abc-12345"})
    assert kept.json()["request_id"] == "abc-12345"
    replaced = await http.get("/nowhere", headers={"X-Request-Id": "{bad} id"})
    assert replaced.json()["request_id"] != "{bad} id"


async def test_head_answers_like_get_without_a_body(http: httpx.AsyncClient, service: Service) -> None:
    video_id = (await service.published()).video_id
    for path in ("/v1/videos", f"/v1/videos/{video_id}", f"/v1/videos/{video_id}/playback", "/health/live"):
        response = await http.head(path)
        assert (response.status_code, response.content) == (200, b"")
    assert (await http.head("/nowhere")).status_code == 404


async def test_only_listed_origins_may_read_with_credentials(http: httpx.AsyncClient) -> None:
    path = f"/v1/videos/{UNKNOWN_VIDEO}/playback"
    listed = await http.get(path, headers={"Origin": ORIGIN})
    assert listed.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert listed.headers["Access-Control-Allow-Credentials"] == "true"
    assert "Origin" in listed.headers["Vary"]
    preflight = await http.options(path, headers={"Origin": ORIGIN, "Access-Control-Request-Method": "GET"})
    assert preflight.status_code == 200
    assert "GET" in preflight.headers["Access-Control-Allow-Methods"]
    other = await http.get(path, headers={"Origin": "https://evil.example.com"})
    assert "Access-Control-Allow-Origin" not in other.headers
    assert "Origin" in other.headers["Vary"]


async def test_health(http: httpx.AsyncClient) -> None:
    assert (await http.get("/health/live")).json() == {"status": "live"}
    assert (await http.get("/health/ready")).json() == {"status": "ready"}


async def test_the_watch_page_is_bound_to_itself_and_the_cdn(http: httpx.AsyncClient, service: Service) -> None:
    video = await service.published(title="<b>Bold</b> & brave")
    page = await http.get(f"/watch/{video.video_id}")
    assert page.status_code == 200
    assert page.headers["Content-Type"].startswith("text/html")
    assert video.video_id in page.text
    assert "<b>Bold</b>" not in page.text
    policy = dict(part.strip().split(" ", 1) for part in page.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["connect-src"] == f"'self' {CDN_URL}"
    assert policy["media-src"] == f"'self' blob: {CDN_URL}"
    problem(await http.get(f"/watch/{UNKNOWN_VIDEO}"), 404, "VIDEO_NOT_FOUND")


async def test_a_browser_is_told_in_words_that_there_is_no_such_video(http: httpx.AsyncClient) -> None:
    browser = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
    page = await http.get(f"/watch/{UNKNOWN_VIDEO}", headers=browser)
    assert page.status_code == 404
    assert page.headers["Content-Type"].startswith("text/html")
    assert "There is no such video." in page.text
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert page.headers["Vary"] == "Accept"
    problem(await http.get(f"/v1/videos/{UNKNOWN_VIDEO}", headers=browser), 404, "VIDEO_NOT_FOUND")
