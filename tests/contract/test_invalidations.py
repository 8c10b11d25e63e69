# SPDX-License-Identifier: Apache-2.0
"""CloudFront forgets what is unpublished or deleted, once for each request, also when it could not be told at first."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import grpc
import pytest
from contract.callers import Service, new_id, publish_request
from contract.platform_state import TABLE, Issuer, aws
from contract.processes import Api, run_api
from contract.stoppable import Mode, StoppableProxy, stoppable
from contract.test_janitor import backdate, run_janitor
from streamify.catalog.v1 import catalog_service_pb2 as pb

WITHDRAWALS = {"UnpublishVideo": pb.UnpublishVideoRequest, "DeleteVideo": pb.DeleteVideoRequest}


@pytest.fixture(scope="module")
def distribution(emulator: str) -> str:
    """Id of a distribution."""
    origin = {"Id": "media", "DomainName": "media.example.com", "S3OriginConfig": {"OriginAccessIdentity": ""}}
    behavior = {
        "TargetOriginId": "media",
        "ViewerProtocolPolicy": "https-only",
        "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}},
        "MinTTL": 0,
    }
    config = {
        "CallerReference": "test",
        "Comment": "test",
        "Enabled": True,
        "Origins": {"Quantity": 1, "Items": [origin]},
        "DefaultCacheBehavior": behavior,
    }
    made = aws("cloudfront", emulator).create_distribution(DistributionConfig=config)
    return str(made["Distribution"]["Id"])


@pytest.fixture(scope="module")
def cloudfront(emulator: str) -> Iterator[StoppableProxy]:
    with stoppable(emulator) as proxy:
        yield proxy


@pytest.fixture(autouse=True)
def open_again(cloudfront: StoppableProxy) -> Iterator[None]:
    yield
    cloudfront.set(Mode.OPEN)


@pytest.fixture(scope="module")
def settings(environment: dict[str, str], distribution: str, cloudfront: StoppableProxy) -> dict[str, str]:
    return environment | {
        "STREAMIFY_CDN_DISTRIBUTION_ID": distribution,
        "AWS_ENDPOINT_URL_CLOUDFRONT": cloudfront.url,
    }


@pytest.fixture(scope="module")
def task(settings: dict[str, str]) -> Iterator[Api]:
    with run_api(settings) as running:
        yield running


@pytest.fixture
async def caller(task: Api, issuer: Issuer) -> AsyncIterator[Service]:
    async with grpc.aio.insecure_channel(task.grpc_target) as channel:
        yield Service(channel, issuer.token(), timeout=30)


def video_item(emulator: str, video_id: str, sort: str = "VIDEO") -> dict[str, Any]:
    key = {"pk": {"S": f"VIDEO#{video_id}"}, "sk": {"S": sort}}
    return aws("dynamodb", emulator).get_item(TableName=TABLE, Key=key, ConsistentRead=True).get("Item", {})  # type: ignore[no-any-return]


def invalidations(emulator: str, distribution: str, video_id: str) -> int:
    """How often CloudFront was told to forget this video's media."""
    path = f"/v/{video_item(emulator, video_id)['media_prefix']['S']}/*"
    client = aws("cloudfront", emulator)
    listed = client.list_invalidations(DistributionId=distribution)["InvalidationList"].get("Items", [])
    batches = [
        client.get_invalidation(DistributionId=distribution, Id=item["Id"])["Invalidation"]["InvalidationBatch"]
        for item in listed
    ]
    return sum(batch["Paths"]["Items"] == [path] for batch in batches)


def waits(emulator: str, video_id: str) -> bool:
    """Whether an invalidation is still to be asked for."""
    return bool(video_item(emulator, video_id, "INVALIDATION"))


@pytest.mark.parametrize("method", sorted(WITHDRAWALS))
async def test_32_requests_at_once_and_once_more_are_one_invalidation(
    caller: Service, emulator: str, distribution: str, method: str
) -> None:
    video_id = (await caller.published()).video_id
    assert invalidations(emulator, distribution, video_id) == 0
    request = WITHDRAWALS[method](video_id=video_id, request_id=new_id())
    answers = await asyncio.gather(*(caller.video(method, request) for _ in range(32)))
    assert all(answer == answers[0] for answer in answers)
    await caller.video(method, request)
    assert invalidations(emulator, distribution, video_id) == 1
    assert not waits(emulator, video_id)


@pytest.mark.parametrize("method", sorted(WITHDRAWALS))
@pytest.mark.parametrize("mode", [Mode.CLOSED, Mode.STALLED])
async def test_a_cloudfront_that_does_not_answer_is_told_later(
    caller: Service,
    emulator: str,
    distribution: str,
    settings: dict[str, str],
    cloudfront: StoppableProxy,
    method: str,
    mode: Mode,
) -> None:
    video_id = (await caller.published()).video_id
    cloudfront.set(mode)
    request = WITHDRAWALS[method](video_id=video_id, request_id=new_id())
    first = await caller.video(method, request)
    assert first.video.state in {pb.VIDEO_STATE_UNPUBLISHED, pb.VIDEO_STATE_DELETED}
    assert waits(emulator, video_id)
    cloudfront.set(Mode.OPEN)
    assert await caller.video(method, request) == first
    assert run_janitor(settings)["errors"] == []
    assert not waits(emulator, video_id)
    assert invalidations(emulator, distribution, video_id) == 1
    run_janitor(settings)
    assert invalidations(emulator, distribution, video_id) == 1


async def test_what_the_janitor_repeats_is_the_same_invalidation(
    caller: Service, emulator: str, distribution: str, settings: dict[str, str]
) -> None:
    """As if a task had died between CloudFront's answer and the end of the chore."""
    video_id = (await caller.published()).video_id
    with stoppable(emulator) as nowhere:
        nowhere.set(Mode.CLOSED)
        with run_api(settings | {"AWS_ENDPOINT_URL_CLOUDFRONT": nowhere.url}) as task:
            async with grpc.aio.insecure_channel(task.grpc_target) as channel:
                unlucky = Service(channel, caller.token, timeout=30)
                await unlucky.video("UnpublishVideo", pb.UnpublishVideoRequest(video_id=video_id, request_id=new_id()))
    chore = video_item(emulator, video_id, "INVALIDATION")
    prefix = video_item(emulator, video_id)["media_prefix"]["S"]
    batch = {"Paths": {"Quantity": 1, "Items": [f"/v/{prefix}/*"]}, "CallerReference": chore["reference"]["S"]}
    aws("cloudfront", emulator).create_invalidation(DistributionId=distribution, InvalidationBatch=batch)
    assert run_janitor(settings)["errors"] == []
    assert invalidations(emulator, distribution, video_id) == 1
    assert not waits(emulator, video_id)


async def test_a_refused_invalidation_is_reported_and_stays(
    caller: Service, emulator: str, distribution: str, settings: dict[str, str]
) -> None:
    video_id = (await caller.published()).video_id
    wrong = settings | {"STREAMIFY_CDN_DISTRIBUTION_ID": "ENOSUCHTHING"}
    with run_api(wrong) as task:
        async with grpc.aio.insecure_channel(task.grpc_target) as channel:
            unlucky = Service(channel, caller.token, timeout=30)
            await unlucky.video("UnpublishVideo", pb.UnpublishVideoRequest(video_id=video_id, request_id=new_id()))
        assert task.event("the CDN is told later") is not None
    assert waits(emulator, video_id)
    assert run_janitor(settings)["errors"] == []
    assert invalidations(emulator, distribution, video_id) == 1


async def test_every_withdrawal_is_one_of_its_own(caller: Service, emulator: str, distribution: str) -> None:
    video_id = (await caller.published()).video_id
    for expected in (1, 2):
        await caller.video("UnpublishVideo", pb.UnpublishVideoRequest(video_id=video_id, request_id=new_id()))
        assert invalidations(emulator, distribution, video_id) == expected
        await caller.video("PublishVideo", publish_request(video_id))
    await caller.video("DeleteVideo", pb.DeleteVideoRequest(video_id=video_id, request_id=new_id()))
    assert invalidations(emulator, distribution, video_id) == 3


async def test_a_video_that_nobody_could_watch_needs_none(
    caller: Service, emulator: str, distribution: str, settings: dict[str, str]
) -> None:
    video_id = (await caller.uploaded()).video_id
    await caller.video("DeleteVideo", pb.DeleteVideoRequest(video_id=video_id, request_id=new_id()))
    assert not waits(emulator, video_id)
    backdate(emulator, {"pk": {"S": f"VIDEO#{video_id}"}, "sk": {"S": "VIDEO"}}, "update_time")
    run_janitor(settings)
    assert invalidations(emulator, distribution, video_id) == 0


async def test_once_more_when_the_media_are_gone(
    caller: Service, emulator: str, distribution: str, settings: dict[str, str]
) -> None:
    video_id = (await caller.published()).video_id
    await caller.video("DeleteVideo", pb.DeleteVideoRequest(video_id=video_id, request_id=new_id()))
    backdate(emulator, {"pk": {"S": f"VIDEO#{video_id}"}, "sk": {"S": "VIDEO"}}, "update_time")
    assert run_janitor(settings)["errors"] == []
    assert invalidations(emulator, distribution, video_id) == 2
