# SPDX-License-Identifier: Apache-2.0
"""DynamoDB and S3 closed, stalled and throttling: changes fail fast and clearly, and go on by themselves after it."""

import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import grpc
import httpx
import pytest
from contract.callers import Service, create_request, reason
from contract.platform_state import Issuer
from contract.processes import Api, run_api
from contract.stoppable import Mode, StoppableProxy, stoppable
from contract.test_http_limits import read_metrics
from contract.throttling import throttling
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from streamify.catalog.v1 import catalog_service_pb2 as catalog
from streamify.upload.v1 import upload_service_pb2 as upload_pb

UNKNOWN_VIDEO = "vid_01ARZ3NDEKTSV4RRFFQ69G5FAV"
# Beside this one everything of ours is short; a time-out of the caller's own would say DEADLINE_EXCEEDED.
CALLER_SECONDS = 30


@pytest.fixture(scope="module")
def dynamodb(emulator: str) -> Iterator[StoppableProxy]:
    with stoppable(emulator) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def s3(emulator: str) -> Iterator[StoppableProxy]:
    with stoppable(emulator) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def task(environment: dict[str, str], dynamodb: StoppableProxy, s3: StoppableProxy) -> Iterator[Api]:
    settings = {
        "AWS_ENDPOINT_URL_DYNAMODB": dynamodb.url,
        "AWS_ENDPOINT_URL_S3": s3.url,
        "STREAMIFY_DYNAMODB_ATTEMPT_SECONDS": "0.5",
        "STREAMIFY_S3_ATTEMPT_SECONDS": "0.5",
    }
    with run_api(environment | settings) as running:
        yield running


@pytest.fixture(autouse=True)
def open_again(dynamodb: StoppableProxy, s3: StoppableProxy) -> Iterator[None]:
    yield
    dynamodb.set(Mode.OPEN)
    s3.set(Mode.OPEN)


@pytest.fixture
async def uploader(task: Api, issuer: Issuer) -> AsyncIterator[Service]:
    async with grpc.aio.insecure_channel(task.grpc_target) as channel:
        yield Service(channel, issuer.token(), timeout=CALLER_SECONDS)


async def unavailable(call: Any, dependency: str) -> float:
    """The call must be refused because of the dependency, and say when to come back; seconds that took."""
    begin = time.monotonic()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    error = caught.value
    assert error.code() is grpc.StatusCode.UNAVAILABLE, error
    info = reason(error)
    assert (info.reason, info.metadata["dependency"]) == ("DEPENDENCY_UNAVAILABLE", dependency)
    details = Status.FromString(dict(error.trailing_metadata() or ())["grpc-status-details-bin"]).details
    retry = RetryInfo()
    assert details[1].Unpack(retry)
    assert retry.retry_delay.seconds == 1
    return time.monotonic() - begin


async def recovered(uploader: Service) -> upload_pb.Upload:
    """An upload, as soon as one can be created: within seconds, asked for by nobody but callers."""
    request, deadline = create_request(), time.monotonic() + 20
    while True:
        try:
            return (await uploader.upload("CreateUpload", request)).upload  # type: ignore[no-any-return]
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE or time.monotonic() > deadline:
                raise


def opened(metrics: dict[str, float], service: str) -> float:
    return metrics.get(f'streamify_breaker_opened_total{{service="{service}"}}', 0)


@pytest.mark.parametrize("mode", [Mode.CLOSED, Mode.STALLED])
async def test_changes_are_refused_at_once_while_dynamodb_is_away(
    mode: Mode, task: Api, uploader: Service, dynamodb: StoppableProxy
) -> None:
    known = await recovered(uploader)
    before = await read_metrics(task)
    dynamodb.set(mode)
    async with httpx.AsyncClient(base_url=task.http_url, timeout=CALLER_SECONDS) as http:
        while (await read_metrics(task))['streamify_breaker_state{service="DynamoDB"}'] == 0:
            await unavailable(uploader.upload("CreateUpload", create_request()), "DynamoDB")
        # Open: nobody waits, whatever they want. A look takes half a second and belongs to one caller at most.
        took = [
            await unavailable(uploader.upload("CreateUpload", create_request()), "DynamoDB"),
            await unavailable(
                uploader.upload("GetUpload", upload_pb.GetUploadRequest(upload_id=known.upload_id)), "DynamoDB"
            ),
            await unavailable(uploader.video("ListVideos", catalog.ListVideosRequest()), "DynamoDB"),
        ]
        listed = await http.get("/v1/videos")
        assert (listed.status_code, listed.json()["code"]) == (503, "DEPENDENCY_UNAVAILABLE")
        assert listed.headers["Retry-After"] == "1"
        assert (await http.get("/health/ready")).status_code == 200
        assert min(took) < 0.5
        after = await read_metrics(task)
        assert opened(after, "DynamoDB") == opened(before, "DynamoDB") + 1
        assert after['streamify_refused_total{reason="breaker_open",work="DynamoDB"}'] >= 1

        dynamodb.set(Mode.OPEN)
        assert (await recovered(uploader)).upload_id
        assert (await http.get("/v1/videos")).status_code == 200
        assert (await read_metrics(task))['streamify_breaker_state{service="DynamoDB"}'] == 0


@pytest.mark.parametrize("mode", [Mode.CLOSED, Mode.STALLED])
async def test_what_needs_no_s3_goes_on_while_s3_is_away(
    mode: Mode, task: Api, uploader: Service, s3: StoppableProxy
) -> None:
    known = await recovered(uploader)
    urls = upload_pb.CreatePartUrlsRequest(upload_id=known.upload_id)
    await uploader.upload("CreatePartUrls", urls)
    s3.set(mode)
    while (await read_metrics(task))['streamify_breaker_state{service="S3"}'] == 0:
        await unavailable(uploader.upload("CreateUpload", create_request()), "S3")
    assert (await uploader.upload("CreatePartUrls", urls)).urls
    assert (await uploader.upload("GetUpload", upload_pb.GetUploadRequest(upload_id=known.upload_id))).upload == known
    s3.set(Mode.OPEN)
    assert (await recovered(uploader)).upload_id


async def test_a_callers_deadline_ends_the_wait_for_a_stalled_dynamodb(
    task: Api, uploader: Service, dynamodb: StoppableProxy
) -> None:
    await recovered(uploader)
    dynamodb.set(Mode.STALLED)
    hurried = Service(uploader.channel, uploader.token, timeout=0.2)
    for _ in range(5):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await hurried.video("GetVideo", catalog.GetVideoRequest(video_id=UNKNOWN_VIDEO))
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert (await read_metrics(task))['streamify_breaker_state{service="DynamoDB"}'] == 0


async def test_thirty_percent_throttling_costs_at_most_half_a_call_more(
    emulator: str, environment: dict[str, str], issuer: Issuer
) -> None:
    with (
        throttling(emulator) as dynamodb,
        run_api(environment | {"AWS_ENDPOINT_URL_DYNAMODB": dynamodb.url}) as task,
    ):
        async with grpc.aio.insecure_channel(task.grpc_target) as channel:
            caller = Service(channel, issuer.token(), timeout=CALLER_SECONDS)
            upload = await caller.create()
            before = await read_metrics(task)
            dynamodb.throttle(0.3)
            answered = 0
            for _ in range(600):
                try:
                    await caller.upload("GetUpload", upload_pb.GetUploadRequest(upload_id=upload.upload_id))
                    answered += 1
                except grpc.aio.AioRpcError as error:
                    if error.code() is not grpc.StatusCode.UNAVAILABLE:
                        raise
            calls = 'streamify_dependency_calls_total{service="DynamoDB"}'
            after = await read_metrics(task)
            assert after[calls] - before[calls] == 600
            assert dynamodb.refused > 150
            assert dynamodb.asked <= 1.5 * 600
            assert answered >= 595  # of five attempts all fail once in 400 calls
            assert after['streamify_breaker_state{service="DynamoDB"}'] == 0

            dynamodb.throttle(1)
            for _ in range(100):
                with pytest.raises(grpc.aio.AioRpcError):
                    await caller.upload("GetUpload", upload_pb.GetUploadRequest(upload_id=upload.upload_id))
            assert dynamodb.asked <= 1.5 * 100 + 50  # what was saved up before
            dynamodb.throttle(0)
            assert await caller.create()
