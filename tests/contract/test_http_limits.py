# SPDX-License-Identifier: Apache-2.0
"""Limits, metrics and traces of the HTTP face."""

import asyncio
import re
from collections.abc import Iterator

import httpx
import pytest
from contract.callers import Service
from contract.processes import Api, run_api, wait_for
from contract.stoppable import Mode, stoppable
from contract.test_http import UNKNOWN_VIDEO, problem

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture(scope="module")
def limited(environment: dict[str, str]) -> Iterator[Api]:
    with run_api(environment | {"STREAMIFY_REQUESTS_PER_SECOND": "1", "STREAMIFY_REQUEST_BURST": "3"}) as running:
        yield running


async def test_who_asks_too_often_is_told_when_to_come_back(limited: Api) -> None:
    async with httpx.AsyncClient(base_url=limited.http_url) as http:

        async def ask(forwarded: str) -> httpx.Response:
            return await http.get("/v1/videos?page_size=-1", headers={"X-Forwarded-For": forwarded})

        # Only the last hop counts: the balancer wrote it, the rest anybody can.
        answers = [await ask(f"10.9.9.{number}, 192.0.2.1") for number in range(8)]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert [answer.status_code for answer in answers[:3]] == [400] * 3
        assert len(refused) >= 3
        problem(refused[0], 429, "RATE_LIMITED")
        assert int(refused[0].headers["Retry-After"]) >= 1
        assert (await ask("192.0.2.1, 192.0.2.2")).status_code == 400
        for _ in range(10):
            assert (await http.get("/health/ready")).status_code == 200
            assert (await http.get("/nowhere")).status_code == 404


async def test_more_work_than_a_task_can_do_is_turned_away_at_once(emulator: str, environment: dict[str, str]) -> None:
    with stoppable(emulator) as dynamodb:
        settings = environment | {
            "AWS_ENDPOINT_URL_DYNAMODB": dynamodb.url,
            "STREAMIFY_HTTP_CONCURRENCY": "4",
            "STREAMIFY_DYNAMODB_ATTEMPT_SECONDS": "2",
            "STREAMIFY_REQUESTS_PER_SECOND": "0",
        }
        with run_api(settings) as api:
            async with httpx.AsyncClient(base_url=api.http_url, timeout=20) as http:
                dynamodb.set(Mode.STALLED)
                answers = await asyncio.gather(*(http.get("/v1/videos") for _ in range(16)))
                shed = [answer for answer in answers if answer.json()["code"] == "OVERLOADED"]
                assert len(shed) == 12
                for answer in shed:
                    problem(answer, 503, "OVERLOADED")
                    assert answer.headers["Retry-After"]
                    assert answer.elapsed.total_seconds() < 2
                # Another kind of work has its own room.
                assert (await http.get(f"/v1/videos/{UNKNOWN_VIDEO}/playback")).json()["code"] != "OVERLOADED"
                dynamodb.set(Mode.OPEN)
                await asyncio.wait_for(back(http), 20)
                metrics = await read_metrics(api)
                assert metrics['streamify_refused_total{reason="overloaded",work="catalogue"}'] == 12


async def back(http: httpx.AsyncClient) -> None:
    """Until the task has noticed that DynamoDB answers again."""
    while (await http.get("/v1/videos")).status_code != 200:
        pass


async def read_metrics(api: Api) -> dict[str, float]:
    started = api.event("started")
    assert started is not None
    async with httpx.AsyncClient() as client:
        text = (await client.get(f"http://127.0.0.1:{started['metrics_port']}/metrics")).text
    return {name: float(value) for name, value in re.findall(r"^([^#\s]+(?:\{.*\})?) (\S+)$", text, re.MULTILINE)}


async def test_metrics_tell_rate_errors_and_duration_of_every_route_and_method(
    api: Api, http: httpx.AsyncClient, service: Service
) -> None:
    video = await service.published()
    before = await read_metrics(api)
    for _ in range(3):
        await http.get(f"/v1/videos/{video.video_id}/playback")
    await http.get(f"/v1/videos/{UNKNOWN_VIDEO}/playback")
    await http.get("/no/such/path")
    after = await read_metrics(api)

    def grown(name: str) -> float:
        return after[name] - before.get(name, 0)

    route = 'route="/v1/videos/<video_id>/playback"'
    counted = "streamify_http_request_seconds_count"
    assert grown(f'{counted}{{method="GET",{route},status="200"}}') == 3
    assert grown(f'{counted}{{method="GET",{route},status="404"}}') == 1
    assert grown(f'{counted}{{method="GET",route="(unknown)",status="404"}}') == 1
    assert grown('streamify_video_cache_total{outcome="fresh"}') >= 2
    assert grown('streamify_video_cache_total{outcome="missing"}') == 1
    publish = 'method="/streamify.catalog.v1.VideoService/PublishVideo"'
    assert after[f'streamify_grpc_call_seconds_count{{code="OK",{publish}}}'] >= 1
    assert after['streamify_dependency_seconds_count{outcome="ok",service="DynamoDB"}'] >= 1
    assert after["streamify_store_down"] == 0
    assert after["streamify_draining"] == 0
    assert after["streamify_video_cache_entries"] >= 1
    assert any(name.startswith("streamify_build_info{") for name in after)
    assert not any(video.video_id in name or "/no/such/path" in name for name in after)


async def test_a_callers_trace_goes_into_the_log_and_on(api: Api, http: httpx.AsyncClient) -> None:
    headers = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01", "X-Request-Id": "traced-1"}
    await http.get("/v1/videos", headers=headers)
    await http.get("/v1/videos", headers={"traceparent": "00-nonsense", "X-Request-Id": "untraced-1"})

    def line(request_id: str) -> dict[str, str] | None:
        return next((event for event in api.events() if event.get("request_id") == request_id), None)

    wait_for("both are logged", lambda: line("traced-1") and line("untraced-1"))
    traced, untraced = line("traced-1"), line("untraced-1")
    assert traced is not None
    assert untraced is not None
    assert traced["trace_id"] == TRACE
    assert traced["span_id"] != "00f067aa0ba902b7"
    assert "trace_id" not in untraced
