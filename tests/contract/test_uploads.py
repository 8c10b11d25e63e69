# SPDX-License-Identifier: Apache-2.0
"""UploadService against the emulator."""

import asyncio
from collections.abc import Callable

import grpc
import httpx
import pytest
from contract.callers import Service, create_request, new_id, reason
from contract.platform_state import TABLE, UPLOADS, aws
from streamify.catalog.v1 import catalog_service_pb2 as catalog
from streamify.upload.v1 import upload_service_pb2 as pb

MEBIBYTE = 1024**2
UNKNOWN_UPLOAD = "upl_01ARZ3NDEKTSV4RRFFQ69G5FAV"


async def test_create_upload_answers_with_a_plan_for_the_parts(service: Service) -> None:
    upload = await service.create(size_bytes=20 * MEBIBYTE)
    assert upload.upload_id.startswith("upl_")
    assert upload.video_id.startswith("vid_")
    assert upload.state == pb.UPLOAD_STATE_WAITING
    assert (upload.part_size_bytes, upload.part_count) == (8 * MEBIBYTE, 3)
    assert upload.expire_time.ToDatetime() > upload.create_time.ToDatetime()


async def test_create_upload_repeated_gives_the_same_answer(service: Service) -> None:
    request = create_request()
    first = await service.upload("CreateUpload", request)
    assert await service.upload("CreateUpload", request) == first


async def test_create_upload_repeated_at_once_makes_one_upload(service: Service, emulator: str) -> None:
    request = create_request(title="Only one of these")
    answers = await asyncio.gather(*(service.upload("CreateUpload", request) for _ in range(16)))
    (only,) = {answer.upload.upload_id for answer in answers}
    listed = aws("s3", emulator).list_multipart_uploads(Bucket=UPLOADS).get("Uploads", [])
    assert f"{only}/source" in {item["Key"] for item in listed}
    pages = aws("dynamodb", emulator).get_paginator("scan").paginate(TableName=TABLE)
    rows = [row for page in pages for row in page["Items"]]
    assert len([row for row in rows if row.get("title") == {"S": request.title}]) == 1


async def test_create_upload_with_a_used_request_id_and_another_body_is_refused(service: Service) -> None:
    request = create_request()
    await service.upload("CreateUpload", request)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.upload("CreateUpload", create_request(request_id=request.request_id, title="Another"))
    assert caught.value.code() is grpc.StatusCode.ALREADY_EXISTS
    assert reason(caught.value).reason == "REQUEST_ID_REUSED"


async def test_request_ids_of_other_callers_do_not_collide(as_tenant: Callable[..., Service]) -> None:
    request_id = new_id()
    first = await as_tenant(tenant="acme").create(request_id=request_id)
    second = await as_tenant(tenant="other").create(request_id=request_id, title="Mine")
    assert first.upload_id != second.upload_id


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"request_id": ""}, "INVALID_REQUEST_ID"),
        ({"request_id": "not-a-uuid"}, "INVALID_REQUEST_ID"),
        ({"title": "  "}, "INVALID_TITLE"),
        ({"title": "x" * 201}, "INVALID_TITLE"),
        ({"filename": "../walk.mp4"}, "INVALID_FILENAME"),
        ({"content_type": "text/html"}, "INVALID_CONTENT_TYPE"),
        ({"size_bytes": 0}, "INVALID_SIZE"),
        ({"size_bytes": 6 * 1024**4}, "INVALID_SIZE"),
    ],
)
async def test_create_upload_refuses_bad_fields(service: Service, fields: dict[str, object], expected: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.create(**fields)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert reason(caught.value).reason == expected


async def test_uploaded_bytes_arrive_and_the_video_goes_on(service: Service, emulator: str) -> None:
    body = bytes(range(256)) * (9 * 4096)  # 9 MiB: two parts
    created = await service.create(size_bytes=len(body))
    assert created.part_count == 2
    done = await service.complete(created.upload_id, list(reversed(await service.send_parts(created, body))))
    assert done.state == pb.UPLOAD_STATE_COMPLETED
    stored = aws("s3", emulator).get_object(Bucket=UPLOADS, Key=f"{created.upload_id}/source")["Body"].read()
    assert stored == body
    video = (await service.video("GetVideo", catalog.GetVideoRequest(video_id=created.video_id))).video
    assert video.state == catalog.VIDEO_STATE_PROCESSING


async def test_part_urls_are_signed_with_their_length(service: Service) -> None:
    created = await service.create()
    answer = await service.upload(
        "CreatePartUrls", pb.CreatePartUrlsRequest(upload_id=created.upload_id, part_numbers=[1])
    )
    url = httpx.URL(answer.urls[0].url)
    assert "content-length" in url.params["X-Amz-SignedHeaders"].split(";")
    assert url.params["X-Amz-Expires"] == "900"
    assert dict(answer.urls[0].headers) == {"Content-Length": "11"}


async def test_complete_upload_twice_returns_the_first_answer(service: Service) -> None:
    created = await service.create()
    parts = await service.send_parts(created, b"hello world")
    first = await service.complete(created.upload_id, parts)
    assert await service.complete(created.upload_id, parts) == first


async def test_complete_upload_at_once_has_one_effect(service: Service) -> None:
    created = await service.create()
    parts = await service.send_parts(created, b"hello world")
    answers = await asyncio.gather(*(service.complete(created.upload_id, parts) for _ in range(8)))
    assert {answer.state for answer in answers} == {pb.UPLOAD_STATE_COMPLETED}


async def test_complete_upload_goes_on_when_an_earlier_attempt_died_after_storage_joined_the_parts(
    service: Service, emulator: str
) -> None:
    created = await service.create()
    parts = await service.send_parts(created, b"hello world")
    row = aws("dynamodb", emulator).get_item(
        TableName=TABLE, Key={"pk": {"S": f"UPLOAD#{created.upload_id}"}, "sk": {"S": "UPLOAD"}}
    )["Item"]
    # S3 forgets a multipart upload some time after it was joined; the emulator remembers it, so make it forget.
    s3 = aws("s3", emulator)
    s3.put_object(Bucket=UPLOADS, Key=row["object_key"]["S"], Body=b"hello world")
    s3.abort_multipart_upload(Bucket=UPLOADS, Key=row["object_key"]["S"], UploadId=row["storage_upload_id"]["S"])
    assert (await service.complete(created.upload_id, parts)).state == pb.UPLOAD_STATE_COMPLETED


async def test_complete_upload_whose_parts_were_thrown_away_fails(service: Service, emulator: str) -> None:
    created = await service.create()
    parts = await service.send_parts(created, b"hello world")
    row = aws("dynamodb", emulator).get_item(
        TableName=TABLE, Key={"pk": {"S": f"UPLOAD#{created.upload_id}"}, "sk": {"S": "UPLOAD"}}
    )["Item"]
    aws("s3", emulator).abort_multipart_upload(
        Bucket=UPLOADS, Key=row["object_key"]["S"], UploadId=row["storage_upload_id"]["S"]
    )
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.complete(created.upload_id, parts)
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert reason(caught.value).reason == "PARTS_GONE"


@pytest.mark.parametrize("parts", [[], [(1, "a"), (1, "a")], [(2, "a")], [(1, "not an etag")], [(1, "0" * 32)]])
async def test_complete_upload_with_wrong_parts_is_refused(service: Service, parts: list[tuple[int, str]]) -> None:
    created = await service.create()
    await service.send_parts(created, b"hello world")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.complete(created.upload_id, [pb.CompletedPart(part_number=n, etag=e) for n, e in parts])
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert reason(caught.value).reason in {"PARTS_MISMATCH", "INVALID_ETAG"}
    still = (await service.upload("GetUpload", pb.GetUploadRequest(upload_id=created.upload_id))).upload
    assert still.state == pb.UPLOAD_STATE_WAITING


async def test_an_expired_upload_takes_no_more_parts_whatever_is_stored(service: Service, emulator: str) -> None:
    created = await service.create()
    aws("dynamodb", emulator).update_item(
        TableName=TABLE,
        Key={"pk": {"S": f"UPLOAD#{created.upload_id}"}, "sk": {"S": "UPLOAD"}},
        UpdateExpression="SET expire_time = :then",
        ExpressionAttributeValues={":then": {"S": "2020-01-01T00:00:00.000000Z"}},
    )
    read = (await service.upload("GetUpload", pb.GetUploadRequest(upload_id=created.upload_id))).upload
    assert read.state == pb.UPLOAD_STATE_EXPIRED
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.send_parts(created, b"hello world")
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert reason(caught.value).reason == "UPLOAD_EXPIRED"


@pytest.mark.parametrize("numbers", [[0], [2], [1, 1], list(range(1, 10_002))])
async def test_create_part_urls_refuses_bad_numbers(service: Service, numbers: list[int]) -> None:
    created = await service.create()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.upload(
            "CreatePartUrls", pb.CreatePartUrlsRequest(upload_id=created.upload_id, part_numbers=numbers)
        )
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert reason(caught.value).reason == "INVALID_PART_NUMBERS"


async def test_another_tenants_upload_is_not_there(as_tenant: Callable[..., Service]) -> None:
    created = await as_tenant(tenant="acme").create()
    for upload_id in (created.upload_id, UNKNOWN_UPLOAD):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await as_tenant(tenant="other").upload("GetUpload", pb.GetUploadRequest(upload_id=upload_id))
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND
        assert reason(caught.value).reason == "UPLOAD_NOT_FOUND"


async def test_a_malformed_upload_id_is_refused(service: Service) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.upload("GetUpload", pb.GetUploadRequest(upload_id="upl_nope"))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
