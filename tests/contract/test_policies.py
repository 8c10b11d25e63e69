# SPDX-License-Identifier: Apache-2.0
"""Who may see and watch a published video: public, signed, private; listed, by its address, in playback, renewed."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import grpc
import httpx
import pytest
from contract.callers import Service, create_request, new_id, refused
from contract.platform_state import MEDIA, Issuer, aws
from contract.processes import run_api
from contract.stoppable import Mode, stoppable
from contract.test_http import UNKNOWN_VIDEO, problem
from google.protobuf.field_mask_pb2 import FieldMask
from streamify.catalog.v1 import catalog_service_pb2 as pb

PUBLIC, SIGNED, PRIVATE = pb.PLAYBACK_POLICY_PUBLIC, pb.PLAYBACK_POLICY_SIGNED, pb.PLAYBACK_POLICY_PRIVATE
POLICIES: dict[int, str] = {PUBLIC: "public", SIGNED: "signed", PRIVATE: "private"}
OK, MISSING, NO_TOKEN, NO_SCOPE = (200, ""), (404, "VIDEO_NOT_FOUND"), (401, "TOKEN_MISSING"), (403, "SCOPE_MISSING")
# What each viewer of a video of the tenant "acme" is answered, by its policy.
VIEWERS: dict[str, tuple[dict[str, Any] | None, dict[int, tuple[int, str]]]] = {
    "anybody": (None, {PUBLIC: OK, SIGNED: NO_TOKEN, PRIVATE: MISSING}),
    "its own": ({"tenant": "acme", "scope": "videos:watch"}, {PUBLIC: OK, SIGNED: OK, PRIVATE: OK}),
    "another's": ({"tenant": "other", "scope": "videos:watch"}, {PUBLIC: OK, SIGNED: OK, PRIVATE: MISSING}),
    "its own without scope": (
        {"tenant": "acme", "scope": "videos:read"},
        {PUBLIC: OK, SIGNED: NO_SCOPE, PRIVATE: NO_SCOPE},
    ),
    "another's without scope": (
        {"tenant": "other", "scope": "videos:read"},
        {PUBLIC: OK, SIGNED: NO_SCOPE, PRIVATE: MISSING},
    ),
}
CASES = [(viewer, policy) for viewer in VIEWERS for policy in POLICIES]


@pytest.fixture
def headers(issuer: Issuer) -> Callable[[str], dict[str, str]]:
    def of(viewer: str) -> dict[str, str]:
        claims = VIEWERS[viewer][0]
        return {} if claims is None else {"Authorization": f"Bearer {issuer.token(**claims)}"}

    return of


async def change(service: Service, video_id: str, policy: Any, **fields: Any) -> pb.Video:
    request = pb.UpdateVideoRequest(
        video_id=video_id,
        request_id=new_id(),
        update_mask=FieldMask(paths=["playback_policy"]),
        playback_policy=policy,
        **fields,
    )
    return (await service.video("UpdateVideo", request)).video  # type: ignore[no-any-return]


def judged(response: httpx.Response, expected: tuple[int, str]) -> None:
    if expected == OK:
        assert response.status_code == 200, response.text
    else:
        problem(response, *expected)


@pytest.mark.parametrize(("viewer", "policy"), CASES, ids=[f"{viewer} {POLICIES[policy]}" for viewer, policy in CASES])
async def test_who_may_watch(
    http: httpx.AsyncClient, service: Service, headers: Callable[[str], dict[str, str]], viewer: str, policy: int
) -> None:
    video = await service.published(playback_policy=policy)
    assert video.playback_policy == policy
    expected = VIEWERS[viewer][1][policy]
    path = f"/v1/videos/{video.video_id}"
    shown = await http.get(path, headers=headers(viewer))
    judged(shown, expected)
    if expected == OK:
        assert shown.json()["playback_policy"] == POLICIES[policy]
    for delivery in ("cookies", "query"):
        opened = await http.get(f"{path}/playback", params={"delivery": delivery}, headers=headers(viewer))
        judged(opened, expected)
        if expected == OK:
            token = opened.json()["session_token"]
            # The session stands for the viewer: renewing needs no token.
            judged(await http.post("/v1/playback/renew", json={"session_token": token}), OK)
        else:
            assert "Set-Cookie" not in opened.headers
            assert "Policy=" not in opened.text


async def test_anothers_private_video_is_answered_like_one_that_never_was(
    http: httpx.AsyncClient, service: Service, headers: Callable[[str], dict[str, str]]
) -> None:
    private = (await service.published(playback_policy=PRIVATE)).video_id
    for viewer in ("anybody", "another's", "another's without scope"):
        for suffix in ("", "/playback"):
            answers = []
            for video_id in (private, UNKNOWN_VIDEO):
                asked = headers(viewer) | {"X-Request-Id": "the-same-one"}
                response = await http.get(f"/v1/videos/{video_id}{suffix}", headers=asked)
                kept = {name: value for name, value in response.headers.items() if name != "date"}
                answers.append((response.status_code, kept, response.text.replace(video_id, "")))
            assert answers[0] == answers[1]


async def walked(http: httpx.AsyncClient, headers: dict[str, str], page_size: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = (await http.get("/v1/videos", params={"page_size": page_size, "cursor": cursor}, headers=headers)).json()
        assert len(page["videos"]) <= page_size
        found += page["videos"]
        if not (cursor := page["next_cursor"]):
            return found


@pytest.mark.parametrize("page_size", [1, 2, 100])
async def test_the_list_shows_what_the_viewer_may_watch_newest_first(
    http: httpx.AsyncClient,
    as_tenant: Callable[..., Service],
    headers: Callable[[str], dict[str, str]],
    page_size: int,
) -> None:
    made: dict[str, tuple[str, int]] = {}
    for tenant, policy in (
        ("acme", PRIVATE),
        ("other", SIGNED),
        ("acme", PUBLIC),
        ("other", PRIVATE),
        ("acme", SIGNED),
    ):
        video = await as_tenant(tenant=tenant).published(playback_policy=policy)
        made[video.video_id] = (tenant, policy)
    for viewer, seen_by in (("anybody", ""), ("its own", "acme"), ("another's", "other")):
        may_see = [
            video_id
            for video_id, (owner, policy) in made.items()
            if policy == PUBLIC or (seen_by and (policy == SIGNED or owner == seen_by))
        ]
        found = await walked(http, headers(viewer), page_size)
        assert [item["video_id"] for item in found if item["video_id"] in made] == may_see[::-1]
        times = [item["publish_time"] for item in found]
        assert times == sorted(times, reverse=True)
        assert len({item["video_id"] for item in found}) == len(found)
    without_scope = await walked(http, headers("its own without scope"), page_size)
    assert {item["playback_policy"] for item in without_scope} == {"public"}


async def test_what_a_token_shows_is_kept_by_its_caller_only(
    http: httpx.AsyncClient, service: Service, headers: Callable[[str], dict[str, str]]
) -> None:
    video_id = (await service.published()).video_id
    for path in ("/v1/videos", f"/v1/videos/{video_id}"):
        for viewer, scope in (("anybody", "public"), ("its own", "private")):
            response = await http.get(path, headers=headers(viewer))
            assert response.headers["Cache-Control"].startswith(f"{scope}, max-age=")
            assert "Authorization" in response.headers["Vary"]
        judged(await http.get(path, headers={"Authorization": "Bearer a.b.c"}), (401, "TOKEN_INVALID"))


async def test_a_stricter_policy_ends_renewals_and_a_wider_one_shows_the_video(
    environment: dict[str, str], service: Service, headers: Callable[[str], dict[str, str]]
) -> None:
    video = await service.published()
    with run_api(environment | {"STREAMIFY_CACHE_SECONDS": "0"}) as task:
        async with httpx.AsyncClient(base_url=task.http_url) as http:
            path = f"/v1/videos/{video.video_id}/playback"
            anybody = (await http.get(path)).json()["session_token"]
            member = (await http.get(path, headers=headers("its own"))).json()["session_token"]
            for policy, refusal in ((SIGNED, NO_TOKEN), (PRIVATE, MISSING)):
                changed = await change(service, video.video_id, policy)
                assert changed.playback_policy == policy
                judged(await http.get(path), refusal)
                judged(await http.post("/v1/playback/renew", json={"session_token": anybody}), refusal)
                judged(await http.post("/v1/playback/renew", json={"session_token": member}), OK)
            await change(service, video.video_id, PUBLIC)
            judged(await http.post("/v1/playback/renew", json={"session_token": anybody}), OK)
            listed = (await http.get("/v1/videos", params={"page_size": 100})).json()["videos"]
            assert video.video_id in {item["video_id"] for item in listed}


async def test_a_page_cannot_show_a_token_so_it_shows_public_videos_only(
    http: httpx.AsyncClient, service: Service
) -> None:
    signed = (await service.published(playback_policy=SIGNED)).video_id
    private = (await service.published(playback_policy=PRIVATE)).video_id
    judged(await http.get(f"/watch/{signed}"), NO_TOKEN)
    judged(await http.get(f"/watch/{private}"), MISSING)


async def test_the_policy_holds_while_dynamodb_is_down(
    emulator: str, environment: dict[str, str], service: Service, headers: Callable[[str], dict[str, str]]
) -> None:
    video_id = (await service.published(playback_policy=PRIVATE)).video_id
    body = aws("s3", emulator).get_object(Bucket=MEDIA, Key=f"playback/{video_id}.json")["Body"].read()
    assert json.loads(body)["playback_policy"] == "private"
    with stoppable(emulator) as dynamodb:
        dynamodb.set(Mode.CLOSED)
        settings = environment | {
            "AWS_ENDPOINT_URL_DYNAMODB": dynamodb.url,
            "STREAMIFY_DYNAMODB_ATTEMPT_SECONDS": "2",
        }
        with run_api(settings) as cold:
            async with httpx.AsyncClient(base_url=cold.http_url, timeout=20) as http:
                for viewer in VIEWERS:
                    response = await http.get(f"/v1/videos/{video_id}/playback", headers=headers(viewer))
                    judged(response, VIEWERS[viewer][1][PRIVATE])
                    if response.status_code == 200:
                        assert response.json()["stale"] is True


async def test_a_policy_that_is_none_is_refused(service: Service) -> None:
    invalid = (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_PLAYBACK_POLICY")
    assert await refused(service.upload("CreateUpload", create_request(playback_policy=9))) == invalid
    video_id = (await service.create()).video_id
    assert await refused(change(service, video_id, 9)) == invalid
    assert await refused(change(service, video_id, pb.PLAYBACK_POLICY_UNSPECIFIED)) == invalid


async def test_a_request_id_is_bound_to_the_policy(service: Service) -> None:
    request = create_request(playback_policy=PRIVATE)
    created = await service.upload("CreateUpload", request)
    answers = await asyncio.gather(*(service.upload("CreateUpload", request) for _ in range(8)))
    assert all(answer == created for answer in answers)
    request.playback_policy = SIGNED
    reused = (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")
    assert await refused(service.upload("CreateUpload", request)) == reused


async def test_who_does_not_say_makes_public_videos(service: Service) -> None:
    video_id = (await service.create()).video_id
    video = (await service.video("GetVideo", pb.GetVideoRequest(video_id=video_id))).video
    assert video.playback_policy == PUBLIC
