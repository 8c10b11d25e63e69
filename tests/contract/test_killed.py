# SPDX-License-Identifier: Apache-2.0
"""A task dies (SIGKILL) between its two writes, or between a write and its answer; repeated elsewhere: one effect."""

import asyncio
import re
from typing import Any

import grpc
import pytest
from contract.callers import Service, create_request, new_id, publish_request
from contract.platform_state import MEDIA, UPLOADS, Issuer, aws
from contract.processes import run_api, wait_for
from contract.throttling import throttling
from streamify.catalog.v1 import catalog_service_pb2 as catalog
from streamify.upload.v1 import upload_service_pb2 as upload_pb

POINTS = ["before", "after"]  # the write reaches DynamoDB


async def killed_at_its_write(
    emulator: str, environment: dict[str, str], issuer: Issuer, point: str, method: str, request: Any
) -> None:
    """Send the request to a task of its own, and kill that task at its transaction."""
    with throttling(emulator) as dynamodb:
        dynamodb.hold("TransactWriteItems", point)
        try:
            with run_api(environment | {"AWS_ENDPOINT_URL_DYNAMODB": dynamodb.url}) as doomed:
                async with grpc.aio.insecure_channel(doomed.grpc_target) as channel:
                    caller = Service(channel, issuer.token())
                    ask = caller.video if method == "PublishVideo" else caller.upload
                    asking = asyncio.create_task(ask(method, request))
                    await asyncio.to_thread(wait_for, "the task is at its write", dynamodb.held.is_set)
                    doomed.process.kill()
                    with pytest.raises(grpc.aio.AioRpcError) as caught:
                        await asking
                    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        finally:
            dynamodb.go_on.set()


@pytest.mark.parametrize("point", POINTS)
async def test_complete_upload(
    emulator: str, environment: dict[str, str], issuer: Issuer, service: Service, point: str
) -> None:
    upload = await service.create()
    parts = await service.send_parts(upload, b"hello world")
    request = upload_pb.CompleteUploadRequest(upload_id=upload.upload_id, parts=parts, request_id=new_id())
    await killed_at_its_write(emulator, environment, issuer, point, "CompleteUpload", request)
    stored = aws("s3", emulator).get_object(Bucket=UPLOADS, Key=f"{upload.upload_id}/source")
    assert stored["Body"].read() == b"hello world"  # S3 had done its part
    now = (await service.upload("GetUpload", upload_pb.GetUploadRequest(upload_id=upload.upload_id))).upload
    assert now.revision == (1 if point == "before" else 2)
    answers = await asyncio.gather(*(service.upload("CompleteUpload", request) for _ in range(8)))
    assert all(answer == answers[0] for answer in answers)
    assert (answers[0].upload.state, answers[0].upload.revision) == (upload_pb.UPLOAD_STATE_COMPLETED, 2)
    video = (await service.video("GetVideo", catalog.GetVideoRequest(video_id=upload.video_id))).video
    assert video.state == catalog.VIDEO_STATE_PROCESSING


@pytest.mark.parametrize("point", POINTS)
async def test_create_upload(
    emulator: str, environment: dict[str, str], issuer: Issuer, service: Service, point: str
) -> None:
    request = create_request(title=f"Killed {point} {new_id()}")
    await killed_at_its_write(emulator, environment, issuer, point, "CreateUpload", request)
    answers = await asyncio.gather(*(service.upload("CreateUpload", request) for _ in range(8)))
    assert all(answer == answers[0] for answer in answers)
    listed, token = [], ""
    while True:
        page = await service.video("ListVideos", catalog.ListVideosRequest(page_size=100, page_token=token))
        listed += [video.video_id for video in page.videos if video.title == request.title]
        if not (token := page.next_page_token):
            break
    assert listed == [answers[0].upload.video_id]


@pytest.mark.parametrize("point", POINTS)
async def test_publish_video(
    emulator: str, environment: dict[str, str], issuer: Issuer, service: Service, point: str
) -> None:
    video_id = (await service.uploaded()).video_id
    await service.send_manifest(video_id)
    request = publish_request(video_id)
    await killed_at_its_write(emulator, environment, issuer, point, "PublishVideo", request)
    answers = [await service.video("PublishVideo", request) for _ in range(2)]
    assert answers[0] == answers[1]
    assert answers[0].video.state == catalog.VIDEO_STATE_PUBLISHED
    # What players live on while the store is down is there too, although its writer died before it.
    descriptor = aws("s3", emulator).get_object(Bucket=MEDIA, Key=f"playback/{video_id}.json")
    assert re.search(rb'"state":"published"', descriptor["Body"].read(), re.IGNORECASE)
