# SPDX-License-Identifier: Apache-2.0
"""Watching goes on while DynamoDB is down or hangs, also on a task that started meanwhile."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from contract.callers import Service
from contract.platform_state import CDN_URL, MEDIA, aws
from contract.processes import Api, run_api
from contract.stoppable import Mode, StoppableProxy, stoppable

FRESH_SECONDS = 0.2


@pytest.fixture(scope="module")
def dynamodb(emulator: str) -> Iterator[StoppableProxy]:
    with stoppable(emulator) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def cut_off(environment: dict[str, str], dynamodb: StoppableProxy) -> dict[str, str]:
    """The settings of a task whose DynamoDB can be stopped."""
    return environment | {
        "AWS_ENDPOINT_URL_DYNAMODB": dynamodb.url,
        "STREAMIFY_CACHE_SECONDS": str(FRESH_SECONDS),
        "STREAMIFY_DYNAMODB_ATTEMPT_SECONDS": "2",
    }


@pytest.fixture(scope="module")
def task(cut_off: dict[str, str]) -> Iterator[Api]:
    with run_api(cut_off) as running:
        yield running


@pytest.fixture(autouse=True)
def open_again(dynamodb: StoppableProxy) -> Iterator[None]:
    dynamodb.set(Mode.OPEN)
    yield
    dynamodb.set(Mode.OPEN)


async def playback(http: httpx.AsyncClient, video_id: str) -> dict[str, Any]:
    response = await http.get(f"/v1/videos/{video_id}/playback")
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json() | {"cache_status": response.headers["Cache-Status"]}
    assert answer["manifest_url"].startswith(f"{CDN_URL}/v/")
    return answer


@pytest.mark.parametrize("mode", [Mode.CLOSED, Mode.STALLED])
async def test_playback_goes_on_and_recovers_by_itself(
    mode: Mode, task: Api, cut_off: dict[str, str], dynamodb: StoppableProxy, service: Service
) -> None:
    known, never_asked = (await service.published()).video_id, (await service.published()).video_id
    async with httpx.AsyncClient(base_url=task.http_url, timeout=10) as http:
        before = await playback(http, known)
        assert before["stale"] is False
        dynamodb.set(mode)
        await asyncio.sleep(FRESH_SECONDS)

        await playback(http, known)  # the one that finds out
        begin = time.monotonic()
        for _ in range(20):
            during = await playback(http, known)
            assert during["manifest_url"] == before["manifest_url"]
            assert during["stale"] is True
            assert int(during["cache_status"].rpartition("ttl=")[2]) < 0
        assert time.monotonic() - begin < 2
        # Not asked for here before: the descriptor that publishing left.
        assert (await playback(http, never_asked))["stale"] is True
        renewed = await http.post("/v1/playback/renew", json={"session_token": before["session_token"]})
        assert (renewed.status_code, renewed.json()["stale"]) == (200, True)
        assert (await http.get("/health/ready")).status_code == 200
        page = await http.get(f"/watch/{known}")
        assert page.status_code == 200

        dynamodb.set(Mode.OPEN)
        deadline = time.monotonic() + 10
        while (await playback(http, known))["stale"]:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("mode", [Mode.CLOSED, Mode.STALLED])
async def test_a_task_that_starts_while_dynamodb_is_down_plays_and_is_ready(
    mode: Mode, cut_off: dict[str, str], dynamodb: StoppableProxy, service: Service
) -> None:
    video_id = (await service.published()).video_id
    dynamodb.set(mode)
    with run_api(cut_off) as cold:
        async with httpx.AsyncClient(base_url=cold.http_url, timeout=10) as http:
            assert (await http.get("/health/ready")).status_code == 200
            assert (await playback(http, video_id))["stale"] is True
            unknown = await http.get("/v1/videos/vid_01ARZ3NDEKTSV4RRFFQ69G5FAV/playback")
            assert (unknown.status_code, unknown.json()["code"]) == (503, "DEPENDENCY_UNAVAILABLE")
            assert unknown.headers["Retry-After"]


async def test_the_descriptor_lies_where_the_cdn_may_not_read(emulator: str, service: Service) -> None:
    video = await service.published()
    keys = [item["Key"] for item in aws("s3", emulator).list_objects_v2(Bucket=MEDIA, Prefix="playback/")["Contents"]]
    assert f"playback/{video.video_id}.json" in keys
