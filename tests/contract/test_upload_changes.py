# SPDX-License-Identifier: Apache-2.0
"""ListUploads, ListParts, CancelUpload, WatchUpload, pages of part URLs, and checksums."""

import asyncio
import base64
import hashlib
from collections.abc import Callable
from typing import Any

import grpc
import httpx
import pytest
from contract.callers import Service, new_id, refused
from contract.platform_state import UPLOADS, aws
from google.protobuf.duration_pb2 import Duration
from streamify.catalog.v1 import catalog_service_pb2 as catalog
from streamify.upload.v1 import upload_service_pb2 as pb
from streamify.upload.v1 import upload_service_pb2_grpc as pb_grpc

MEBIBYTE = 1024**2
TEN_THOUSAND_PARTS = 10_000 * 8 * MEBIBYTE
BODY = b"hello world"


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def as_base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def watching(service: Service, upload_id: str, **fields: Any) -> Any:
    request = pb.WatchUploadRequest(upload_id=upload_id, **fields)
    return pb_grpc.UploadServiceStub(service.channel).WatchUpload(request, metadata=service.metadata, timeout=20)


async def seen(call: Any) -> list[tuple[int, int]]:
    """Revision and state of every state until the stream ends."""
    return [(event.upload.revision, event.upload.state) async for event in call if event.HasField("upload")]


async def test_ten_thousand_parts_are_presigned_page_by_page(service: Service) -> None:
    upload = await service.create(size_bytes=TEN_THOUSAND_PARTS)
    numbers, token = [], ""
    while True:
        page = await service.upload(
            "CreatePartUrls", pb.CreatePartUrlsRequest(upload_id=upload.upload_id, page_token=token)
        )
        numbers += [url.part_number for url in page.urls]
        assert len(page.urls) <= 1000
        if not (token := page.next_page_token):
            break
    assert numbers == list(range(1, 10_001))


@pytest.mark.parametrize("token", ["x", "dXJsczoxMDAw", "cGFydHM6MQ"])
async def test_page_tokens_of_other_lists_are_refused(service: Service, token: str) -> None:
    upload = await service.create()
    request = pb.CreatePartUrlsRequest(upload_id=upload.upload_id, page_token=token)
    assert await refused(service.upload("CreatePartUrls", request)) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "INVALID_PAGE_TOKEN",
    )


async def test_list_uploads_pages_through_the_tenants_own(as_tenant: Callable[..., Service]) -> None:
    lister = as_tenant(tenant="upload-lister")
    made = [(await lister.create()).upload_id for _ in range(3)]
    first = await lister.upload("ListUploads", pb.ListUploadsRequest(page_size=2))
    second = await lister.upload("ListUploads", pb.ListUploadsRequest(page_size=2, page_token=first.next_page_token))
    assert [item.upload_id for item in (*first.uploads, *second.uploads)] == sorted(made, reverse=True)
    assert not second.next_page_token
    assert not (await as_tenant(tenant="nobody").upload("ListUploads", pb.ListUploadsRequest())).uploads


async def test_list_parts_tells_what_storage_holds(service: Service) -> None:
    body = bytes(9 * MEBIBYTE)
    upload = await service.create(size_bytes=len(body))
    empty = await service.upload("ListParts", pb.ListPartsRequest(upload_id=upload.upload_id))
    sent = await service.send_parts(upload, body)
    first = await service.upload("ListParts", pb.ListPartsRequest(upload_id=upload.upload_id, page_size=1))
    second = await service.upload(
        "ListParts", pb.ListPartsRequest(upload_id=upload.upload_id, page_token=first.next_page_token)
    )
    listed = [*first.parts, *second.parts]
    assert not empty.parts
    assert [(part.part_number, part.size_bytes, part.etag) for part in listed] == [
        (part.part_number, size, part.etag) for part, size in zip(sent, (8 * MEBIBYTE, MEBIBYTE), strict=True)
    ]


async def test_checksums_are_signed_and_verified_by_storage(service: Service, emulator: str) -> None:
    upload = await service.create(checksum_algorithm=pb.CHECKSUM_ALGORITHM_SHA256)
    checksum = as_base64(sha256(BODY))
    (url,) = (
        await service.upload(
            "CreatePartUrls", pb.CreatePartUrlsRequest(upload_id=upload.upload_id, checksums={1: checksum})
        )
    ).urls
    assert "x-amz-checksum-sha256" in httpx.URL(url.url).params["X-Amz-SignedHeaders"].split(";")
    async with httpx.AsyncClient() as client:
        spoiled = await client.put(url.url, content=b"hello_world", headers=dict(url.headers))
        good = await client.put(url.url, content=BODY, headers=dict(url.headers))
    assert (spoiled.status_code, good.status_code) == (400, 200)
    listed = (await service.upload("ListParts", pb.ListPartsRequest(upload_id=upload.upload_id))).parts
    assert [part.checksum for part in listed] == [checksum]

    def part(value: str) -> list[pb.CompletedPart]:
        return [pb.CompletedPart(part_number=1, etag=good.headers["ETag"], checksum=value)]

    other = as_base64(sha256(b"other"))
    composite = as_base64(sha256(sha256(BODY))) + "-1"
    for wrong, why in (
        ({"parts": part("")}, "INVALID_CHECKSUM"),
        ({"parts": part(other)}, "PARTS_MISMATCH"),
        ({"parts": part(checksum), "checksum": as_base64(sha256(sha256(b"other"))) + "-1"}, "CHECKSUM_MISMATCH"),
    ):
        call = service.complete(upload.upload_id, wrong.pop("parts"), **wrong)  # type: ignore[arg-type]
        assert await refused(call) == (grpc.StatusCode.INVALID_ARGUMENT, why)
    done = await service.complete(upload.upload_id, part(checksum), checksum=composite)
    assert done.checksum == composite
    head = aws("s3", emulator).head_object(Bucket=UPLOADS, Key=f"{upload.upload_id}/source", ChecksumMode="ENABLED")
    assert head["ChecksumSHA256"] == composite


async def test_a_checksum_without_an_algorithm_is_refused(service: Service) -> None:
    upload = await service.create()
    request = pb.CreatePartUrlsRequest(upload_id=upload.upload_id, checksums={1: as_base64(sha256(BODY))})
    assert await refused(service.upload("CreatePartUrls", request)) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "INVALID_CHECKSUM",
    )


async def test_cancel_upload_at_once_has_one_effect(service: Service, emulator: str) -> None:
    upload = await service.create()
    request = pb.CancelUploadRequest(upload_id=upload.upload_id, request_id=new_id())
    answers = await asyncio.gather(*(service.upload("CancelUpload", request) for _ in range(32)))
    assert all(answer == answers[0] for answer in answers)
    assert (answers[0].upload.state, answers[0].upload.revision) == (pb.UPLOAD_STATE_CANCELLED, 2)
    again = await service.upload(
        "CancelUpload", pb.CancelUploadRequest(upload_id=upload.upload_id, request_id=new_id())
    )
    assert again == answers[0]
    video = (await service.video("GetVideo", catalog.GetVideoRequest(video_id=upload.video_id))).video
    assert (video.state, video.failure.code) == (catalog.VIDEO_STATE_FAILED, "UPLOAD_CANCELLED")
    listed = aws("s3", emulator).list_multipart_uploads(Bucket=UPLOADS).get("Uploads", [])
    assert f"{upload.upload_id}/source" not in {item["Key"] for item in listed}
    for method, over in (
        ("CreatePartUrls", pb.CreatePartUrlsRequest(upload_id=upload.upload_id)),
        ("ListParts", pb.ListPartsRequest(upload_id=upload.upload_id)),
    ):
        assert await refused(service.upload(method, over)) == (
            grpc.StatusCode.FAILED_PRECONDITION,
            "UPLOAD_CANCELLED",
        )


async def test_a_completed_upload_cannot_be_cancelled(service: Service) -> None:
    upload = await service.uploaded()
    request = pb.CancelUploadRequest(upload_id=upload.upload_id, request_id=new_id())
    assert await refused(service.upload("CancelUpload", request)) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "UPLOAD_COMPLETED",
    )


async def test_complete_upload_32_times_at_once_is_one_completion(service: Service) -> None:
    upload = await service.create()
    parts = await service.send_parts(upload, BODY)
    request_id = new_id()
    answers = await asyncio.gather(
        *(service.complete(upload.upload_id, parts, request_id=request_id) for _ in range(32))
    )
    assert {(answer.state, answer.revision) for answer in answers} == {(pb.UPLOAD_STATE_COMPLETED, 2)}
    other = [pb.CompletedPart(part_number=1, etag="0" * 32)]
    assert await refused(service.complete(upload.upload_id, other, request_id=request_id)) == (
        grpc.StatusCode.ALREADY_EXISTS,
        "REQUEST_ID_REUSED",
    )


async def test_a_watcher_sees_every_state_and_the_end(service: Service) -> None:
    upload = await service.create()
    call = watching(service, upload.upload_id)
    first = await anext(aiter(call))
    assert (first.upload.revision, first.upload.state) == (1, pb.UPLOAD_STATE_WAITING)
    await service.complete(upload.upload_id, await service.send_parts(upload, BODY))
    assert await seen(call) == [(2, pb.UPLOAD_STATE_COMPLETED)]
    assert await call.code() is grpc.StatusCode.OK


async def test_a_watcher_who_comes_back_misses_nothing_and_sees_nothing_twice(service: Service) -> None:
    upload = await service.uploaded()
    assert await seen(watching(service, upload.upload_id)) == [
        (1, pb.UPLOAD_STATE_WAITING),
        (2, pb.UPLOAD_STATE_COMPLETED),
    ]
    assert await seen(watching(service, upload.upload_id, after_revision=1)) == [(2, pb.UPLOAD_STATE_COMPLETED)]
    assert await seen(watching(service, upload.upload_id, after_revision=2)) == []


async def test_a_quiet_stream_has_heartbeats_and_ends_with_its_caller(service: Service) -> None:
    upload = await service.create()
    call = watching(service, upload.upload_id, after_revision=1, heartbeat_interval=Duration(seconds=1))
    assert (await call.read()).HasField("heartbeat")
    call.cancel()
    short = pb_grpc.UploadServiceStub(service.channel).WatchUpload(
        pb.WatchUploadRequest(upload_id=upload.upload_id, after_revision=1), metadata=service.metadata, timeout=0.3
    )
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await seen(short)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"after_revision": -1}, "INVALID_REVISION"),
        ({"heartbeat_interval": Duration(seconds=31)}, "INVALID_HEARTBEAT_INTERVAL"),
        ({"heartbeat_interval": Duration(seconds=10**13)}, "INVALID_HEARTBEAT_INTERVAL"),
    ],
)
async def test_watch_upload_refuses_bad_fields(service: Service, fields: dict[str, Any], expected: str) -> None:
    upload = await service.create()
    assert await refused(seen(watching(service, upload.upload_id, **fields))) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        expected,
    )


async def test_another_tenants_upload_is_not_there_for_any_call(as_tenant: Callable[..., Service]) -> None:
    upload_id = (await as_tenant(tenant="acme").create()).upload_id
    other = as_tenant(tenant="other")
    calls = [
        other.upload("CreatePartUrls", pb.CreatePartUrlsRequest(upload_id=upload_id)),
        other.upload("ListParts", pb.ListPartsRequest(upload_id=upload_id)),
        other.upload("CancelUpload", pb.CancelUploadRequest(upload_id=upload_id, request_id=new_id())),
        other.complete(upload_id, []),
        seen(watching(other, upload_id)),
    ]
    for call in calls:
        assert await refused(call) == (grpc.StatusCode.NOT_FOUND, "UPLOAD_NOT_FOUND")
