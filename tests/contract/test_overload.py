# SPDX-License-Identifier: Apache-2.0
"""A task whose event loop is late turns new work away over HTTP and gRPC, and goes on when it is in time again."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import grpc
import httpx
import pytest
from contract.callers import Service, reason
from contract.platform_state import Issuer
from contract.processes import Api, run_api
from contract.test_http import UNKNOWN_VIDEO, problem
from contract.test_http_limits import read_metrics
from grpc_health.v1 import health_pb2, health_pb2_grpc
from streamify.catalog.v1 import catalog_service_pb2 as catalog
from streamify.health.v1 import health_service_pb2 as health
from streamify.health.v1 import health_service_pb2_grpc as health_grpc
from streamify.upload.v1 import upload_service_pb2 as upload_pb

OVERLOADED = "OVERLOADED"


async def outcome(call: Awaitable[object]) -> str:
    """OVERLOADED where that is the reason, else the status of an error, else nothing."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED:
            return str(reason(error).reason)
        return error.code().name
    return ""


async def healthy(task: Api, channel: grpc.aio.Channel) -> None:
    """Health and readiness must answer, whatever the task has to do."""
    await health_grpc.ReadinessServiceStub(channel).CheckReadiness(health.CheckReadinessRequest(), timeout=60)
    check = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=60)
    assert check.status == health_pb2.HealthCheckResponse.SERVING
    async with httpx.AsyncClient(base_url=task.http_url, timeout=60) as http:
        for path in ("/health/ready", "/health/live"):
            assert (await http.get(path)).status_code == 200


@pytest.fixture(scope="module")
def late(environment: dict[str, str]) -> Iterator[Api]:
    """A task for which every loop is too late: none turns in no time."""
    with run_api(environment | {"STREAMIFY_MOST_LAG_SECONDS": "0"}) as running:
        yield running


PATHS = ("/v1/videos?page_size=x", "/v1/videos/{}", "/v1/videos/{}/playback", "/watch/{}")


@pytest.mark.parametrize("path", [path.format(UNKNOWN_VIDEO) for path in PATHS])
async def test_http_is_turned_away(late: Api, path: str) -> None:
    async with httpx.AsyncClient(base_url=late.http_url, timeout=60) as http:
        while (response := await http.get(path)).json()["code"] != "OVERLOADED":
            pass
    problem(response, 503, "OVERLOADED")
    assert response.headers["Retry-After"] == "1"
    assert any("lagging" in name for name in await read_metrics(late))


@pytest.mark.parametrize(
    ("method", "request_"),
    [("GetVideo", catalog.GetVideoRequest(video_id=UNKNOWN_VIDEO)), ("ListVideos", catalog.ListVideosRequest())],
)
async def test_grpc_is_turned_away(late: Api, issuer: Issuer, method: str, request_: object) -> None:
    async with grpc.aio.insecure_channel(late.grpc_target) as channel:
        service = Service(channel, issuer.token(), timeout=60)
        while await outcome(service.video(method, request_)) != OVERLOADED:
            pass
        await healthy(late, channel)


async def test_too_much_work_is_noticed_and_its_end_too(
    environment: dict[str, str], issuer: Issuer, as_tenant: Callable[..., Service]
) -> None:
    upload = await as_tenant().create(size_bytes=60 * 1024**3)
    settings = {"STREAMIFY_MOST_LAG_SECONDS": "0.01", "STREAMIFY_GRPC_PRESIGNING": "1000"}
    with run_api(environment | settings) as task:
        async with grpc.aio.insecure_channel(task.grpc_target) as channel:
            service = Service(channel, issuer.token(), timeout=60)
            shed = asyncio.Event()

            async def presign() -> None:
                """Work that holds the loop."""
                request = upload_pb.CreatePartUrlsRequest(upload_id=upload.upload_id)
                while not shed.is_set():
                    if await outcome(service.upload("CreatePartUrls", request)) == OVERLOADED:
                        shed.set()

            await asyncio.gather(*(presign() for _ in range(64)), healthy(task, channel))
            assert (await read_metrics(task))['streamify_refused_total{reason="lagging",work="grpc_presigning"}'] >= 1
            while await outcome(service.video("ListVideos", catalog.ListVideosRequest())) == OVERLOADED:
                pass
