# SPDX-License-Identifier: Apache-2.0
"""What the running API answers is what its OpenAPI document promises, whatever is asked."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from contract.callers import Service
from contract.platform_state import PUBLIC_URL, Issuer
from contract.processes import Api
from contract.test_http import UNKNOWN_VIDEO
from fuzz import http_calls
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped]

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
CASES = settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def viewer(api: Api) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=api.http_url) as client:
        yield client


@pytest.fixture(scope="module")
def document(viewer: httpx.Client) -> dict[str, Any]:
    answer: dict[str, Any] = viewer.get("/v1/openapi.json").json()
    return answer


def check(document: dict[str, Any], operation: tuple[str, str], response: httpx.Response) -> None:
    """The status is promised, and so are the body and the headers."""
    path, method = operation
    promised = document["paths"][path][method]["responses"]
    assert str(response.status_code) in promised, response.text
    promise = promised[str(response.status_code)]
    for name, header in promise.get("headers", {}).items():
        assert name in response.headers or not header.get("required"), name
    if "content" not in promise:
        assert response.content == b""
        return
    ((content_type, content),) = promise["content"].items()
    assert response.headers["Content-Type"].partition(";")[0] == content_type
    if content_type.endswith("json"):
        schema = {"components": document["components"], **content["schema"]}
        Draft202012Validator(schema, format_checker=FormatChecker()).validate(response.json())


async def test_what_is_published_is_answered_as_promised(
    http: httpx.AsyncClient, service: Service, document: dict[str, Any]
) -> None:
    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": PUBLIC_URL}]
    video = (await service.published()).video_id
    path = f"/v1/videos/{video}"
    listed = await http.get("/v1/videos")
    shown = await http.get(path)
    again = await http.get(path, headers={"If-None-Match": shown.headers["ETag"]})
    opened = await http.get(f"{path}/playback", params={"delivery": "query"})
    renewed = await http.post("/v1/playback/renew", json={"session_token": opened.json()["session_token"]})
    for operation, response, status in (
        (("/v1/videos", "get"), listed, 200),
        (("/v1/videos/{video_id}", "get"), shown, 200),
        (("/v1/videos/{video_id}", "get"), again, 304),
        (("/v1/videos/{video_id}/playback", "get"), opened, 200),
        (("/v1/videos/{video_id}/playback", "get"), await http.get(f"{path}/playback"), 200),
        (("/v1/playback/renew", "post"), renewed, 200),
        (("/health/ready", "get"), await http.get("/health/ready"), 200),
        (("/health/live", "get"), await http.get("/health/live"), 200),
        (("/v1/docs", "get"), await http.get("/v1/docs"), 200),
    ):
        assert response.status_code == status
        check(document, operation, response)


@CASES
@given(page_size=st.one_of(st.integers(), TEXT), cursor=TEXT, header=st.text(st.characters(codec="ascii"), max_size=20))
def test_any_list_is_answered_as_promised(
    viewer: httpx.Client, document: dict[str, Any], page_size: object, cursor: str, header: str
) -> None:
    headers = {"If-None-Match": header.encode("unicode_escape").decode().strip()}
    asked = {"page_size": str(page_size), "cursor": cursor}
    response = viewer.get("/v1/videos", params=asked, headers=headers)
    assert response.status_code < 500
    check(document, ("/v1/videos", "get"), response)


@CASES
@given(delivery=TEXT, suffix=st.sampled_from(["", "/playback"]), known=st.booleans(), other=st.text("vid_01ARZaé%"))
def test_any_video_is_answered_as_promised(
    viewer: httpx.Client, document: dict[str, Any], delivery: str, suffix: str, known: bool, other: str
) -> None:
    video_id = UNKNOWN_VIDEO if known or not other else other.replace("%", "%25")
    response = viewer.get(f"/v1/videos/{video_id}{suffix}", params={"delivery": delivery})
    assert response.status_code in {400, 404}
    check(document, (f"/v1/videos/{{video_id}}{suffix}", "get"), response)


@CASES
@given(body=st.one_of(st.binary(max_size=200), TEXT.map(lambda text: f'{{"session_token": "{text}"}}'.encode())))
def test_any_renewal_is_answered_as_promised(viewer: httpx.Client, document: dict[str, Any], body: bytes) -> None:
    response = viewer.post("/v1/playback/renew", content=body)
    assert response.status_code == 400
    check(document, ("/v1/playback/renew", "post"), response)


async def test_the_page_for_people_needs_nothing_from_elsewhere(http: httpx.AsyncClient) -> None:
    page = await http.get("/v1/docs")
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "http://" not in page.text
    assert "<script" not in page.text
    for path in ("/v1/videos/{video_id}/playback", "/v1/playback/renew", "SESSION_EXPIRED"):
        assert path in page.text


async def test_schemathesis_finds_nothing(api: Api, issuer: Issuer, service: Service, tmp_path: Path) -> None:
    """The short form of `make fuzz`."""
    await service.published()
    token = issuer.token(scope="videos:watch", lifetime=timedelta(hours=1))
    run = await asyncio.to_thread(http_calls.call_many, api, token, 25, 1, tmp_path, 280)
    assert run.passed, run.output
