# SPDX-License-Identifier: Apache-2.0
"""Too much of one kind of work over gRPC is shed at once; other kinds and health are not touched."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import grpc
import pytest
from contract.callers import Service, create_request, reason
from contract.platform_state import Issuer
from contract.processes import Api, run_api
from contract.stoppable import Mode, StoppableProxy, stoppable
from contract.test_http_limits import read_metrics
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from grpc_health.v1 import health_pb2, health_pb2_grpc
from streamify.catalog.v1 import catalog_service_pb2 as catalog
from streamify.health.v1 import health_service_pb2 as health
from streamify.health.v1 import health_service_pb2_grpc as health_grpc
from streamify.upload.v1 import upload_service_pb2 as upload_pb
from streamify.upload.v1 import upload_service_pb2_grpc as upload_grpc

LIMIT = 3
UNKNOWN_VIDEO = "vid_01ARZ3NDEKTSV4RRFFQ69G5FAV"


@pytest.fixture(scope="module")
def dynamodb(emulator: str) -> Iterator[StoppableProxy]:
    with stoppable(emulator) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def task(environment: dict[str, str], dynamodb: StoppableProxy) -> Iterator[Api]:
    limits = {f"STREAMIFY_GRPC_{work}": str(LIMIT) for work in ("READS", "CHANGES", "STREAMS", "PRESIGNING")}
    with run_api(environment | limits | {"AWS_ENDPOINT_URL_DYNAMODB": dynamodb.url}) as running:
        yield running


@pytest.fixture
async def caller(task: Api, issuer: Issuer, dynamodb: StoppableProxy) -> AsyncIterator[Service]:
    async with grpc.aio.insecure_channel(task.grpc_target) as channel:
        try:
            yield Service(channel, issuer.token(), timeout=60)
        finally:
            dynamodb.set(Mode.OPEN)


async def running(task: Api, work: str) -> float:
    return (await read_metrics(task))[f'streamify_running{{work="{work}"}}']


async def at_least(task: Api, work: str, number: int) -> None:
    while await running(task, work) < number:
        pass


def shed(error: grpc.aio.AioRpcError, work: str) -> None:
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    info = reason(error)
    assert (info.reason, info.metadata["work"]) == ("OVERLOADED", work)
    details = Status.FromString(dict(error.trailing_metadata() or ())["grpc-status-details-bin"]).details
    retry = RetryInfo()
    assert details[1].Unpack(retry)
    assert retry.retry_delay.seconds == 1


@pytest.mark.parametrize("work", ["grpc_reads", "grpc_changes", "grpc_presigning"])
async def test_what_is_too_much_of_one_kind_is_shed_at_once(
    work: str, task: Api, caller: Service, dynamodb: StoppableProxy
) -> None:
    upload_id = (await caller.create()).upload_id

    def ask(kind: str) -> Any:
        if kind == "grpc_reads":
            return caller.video("ListVideos", catalog.ListVideosRequest())
        if kind == "grpc_changes":
            return caller.upload("CreateUpload", create_request())
        return caller.upload("CreatePartUrls", upload_pb.CreatePartUrlsRequest(upload_id=upload_id))

    before = await read_metrics(task)
    dynamodb.set(Mode.STALLED)
    held = [asyncio.create_task(ask(work)) for _ in range(LIMIT)]
    await at_least(task, work, LIMIT)
    for _ in range(10):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await ask(work)
        shed(caught.value, work)
    # Whoever runs the task is answered whatever the load is.
    for _ in range(10):
        await health_grpc.ReadinessServiceStub(caller.channel).CheckReadiness(health.CheckReadinessRequest())
        answer = await health_pb2_grpc.HealthStub(caller.channel).Check(health_pb2.HealthCheckRequest())
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    # Another kind has its own room: it waits for DynamoDB like the ones that were let in.
    other = "grpc_changes" if work == "grpc_reads" else "grpc_reads"
    held.append(asyncio.create_task(ask(other)))
    await at_least(task, other, 1)
    dynamodb.set(Mode.OPEN)
    await asyncio.gather(*held)  # who was let in is served
    await ask(work)
    shed_calls = f'streamify_refused_total{{reason="overloaded",work="{work}"}}'
    assert (await read_metrics(task))[shed_calls] == before.get(shed_calls, 0) + 10


async def test_streams_count_as_long_as_they_last(task: Api, caller: Service) -> None:
    upload_id = (await caller.create()).upload_id
    request = upload_pb.WatchUploadRequest(
        upload_id=upload_id, after_revision=1, heartbeat_interval=Duration(seconds=30)
    )

    def watch() -> Any:
        return upload_grpc.UploadServiceStub(caller.channel).WatchUpload(request, metadata=caller.metadata, timeout=60)

    open_streams = [watch() for _ in range(LIMIT)]
    reading = [asyncio.create_task(stream.read()) for stream in open_streams]
    await at_least(task, "grpc_streams", LIMIT)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await watch().read()
    shed(caught.value, "grpc_streams")
    open_streams[0].cancel()
    while await running(task, "grpc_streams") == LIMIT:
        pass
    again = watch()
    reading.append(asyncio.create_task(again.read()))
    await at_least(task, "grpc_streams", LIMIT)
    for stream in (*open_streams, again):
        stream.cancel()
    await asyncio.gather(*reading, return_exceptions=True)
    while await running(task, "grpc_streams"):
        pass
