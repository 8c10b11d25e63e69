# SPDX-License-Identifier: Apache-2.0
"""UpdateVideo, UnpublishVideo, DeleteVideo, ReportProgress and FailVideo, alone, repeated and all at once."""

import asyncio
import uuid
from collections.abc import Callable
from typing import Any

import grpc
import httpx
import pytest
from contract.callers import Service, new_id, publish_request, refused
from google.protobuf.field_mask_pb2 import FieldMask
from streamify.catalog.v1 import catalog_service_pb2 as pb
from streamify.upload.v1 import upload_service_pb2 as upload_pb

UNKNOWN_VIDEO = "vid_01ARZ3NDEKTSV4RRFFQ69G5FAV"
FAILURE = pb.VideoFailure(code="SOURCE_UNREADABLE", message="No moov atom.")


def update(video_id: str, **fields: Any) -> pb.UpdateVideoRequest:
    usual: dict[str, Any] = {
        "video_id": video_id,
        "request_id": new_id(),
        "update_mask": FieldMask(paths=["title"]),
        "title": "Another title",
    }
    return pb.UpdateVideoRequest(**(usual | fields))


def requests(video_id: str, request_id: str = "") -> dict[str, Any]:
    """A good request of every mutation of a video."""
    common = {"video_id": video_id, "request_id": request_id or new_id()}
    return {
        "UpdateVideo": update(**common),
        "UnpublishVideo": pb.UnpublishVideoRequest(**common),
        "DeleteVideo": pb.DeleteVideoRequest(**common),
        "ReportProgress": pb.ReportProgressRequest(**common, progress_percent=40),
        "FailVideo": pb.FailVideoRequest(**common, failure=FAILURE),
        "PublishVideo": publish_request(**common),
    }


async def ready_for(service: Service, method: str) -> str:
    """A video that the method fits."""
    if method == "UnpublishVideo":
        return (await service.published()).video_id
    video_id = (await service.uploaded()).video_id
    if method == "PublishVideo":
        await service.send_manifest(video_id)
    return video_id


async def get(service: Service, video_id: str) -> pb.Video:
    return (await service.video("GetVideo", pb.GetVideoRequest(video_id=video_id))).video  # type: ignore[no-any-return]


@pytest.mark.parametrize("method", sorted(requests("")))
async def test_a_change_asked_for_32_times_at_once_happens_once(service: Service, method: str) -> None:
    video_id = await ready_for(service, method)
    before = await get(service, video_id)
    request = requests(video_id)[method]
    answers = await asyncio.gather(*(service.video(method, request) for _ in range(32)))
    assert all(answer == answers[0] for answer in answers)
    after = await get(service, video_id)
    assert after == answers[0].video
    assert (int(before.etag[1:]) + 1, before.video_id) == (int(after.etag[1:]), after.video_id)


@pytest.mark.parametrize("method", sorted(requests("")))
async def test_a_request_id_is_bound_to_the_other_fields(service: Service, method: str) -> None:
    video_id = await ready_for(service, method)
    request_id = new_id()
    await service.video(method, requests(video_id, request_id)[method])
    other = requests((await service.create()).video_id, request_id)[method]
    assert await refused(service.video(method, other)) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")


@pytest.mark.parametrize("method", sorted(requests("")))
async def test_what_is_anothers_is_not_there(as_tenant: Callable[..., Service], method: str) -> None:
    mine, other = as_tenant(tenant="acme"), as_tenant(tenant="other")
    for video_id in (await ready_for(mine, method), UNKNOWN_VIDEO):
        call = other.video(method, requests(video_id)[method])
        assert await refused(call) == (grpc.StatusCode.NOT_FOUND, "VIDEO_NOT_FOUND")


@pytest.mark.parametrize("method", sorted(requests("")))
@pytest.mark.parametrize(
    ("fields", "expected"), [({"video_id": "x"}, "INVALID_VIDEO_ID"), ({"request_id": "x"}, "INVALID_REQUEST_ID")]
)
async def test_malformed_ids_are_refused(service: Service, method: str, fields: dict[str, str], expected: str) -> None:
    request = requests(UNKNOWN_VIDEO)[method]
    for name, value in fields.items():
        setattr(request, name, value)
    assert await refused(service.video(method, request)) == (grpc.StatusCode.INVALID_ARGUMENT, expected)


async def test_an_update_changes_what_the_mask_names(service: Service, http: httpx.AsyncClient) -> None:
    video = await service.published(title="Before")
    request = update(
        video.video_id, title="After", description="Two\nlines", update_mask=FieldMask(paths=["title", "description"])
    )
    changed = (await service.video("UpdateVideo", request)).video
    assert (changed.title, changed.description, changed.state) == ("After", "Two\nlines", pb.VIDEO_STATE_PUBLISHED)
    kept = (await service.video("UpdateVideo", update(video.video_id, title="Last", description="No"))).video
    assert (kept.title, kept.description) == ("Last", "Two\nlines")
    listed = (await http.get("/v1/videos", params={"page_size": "100"})).json()["videos"]
    assert next(item["title"] for item in listed if item["video_id"] == video.video_id) == "Last"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"update_mask": FieldMask()}, "INVALID_UPDATE_MASK"),
        ({"update_mask": FieldMask(paths=["state"])}, "INVALID_UPDATE_MASK"),
        ({"title": ""}, "INVALID_TITLE"),
        ({"update_mask": FieldMask(paths=["description"]), "description": "x" * 5001}, "INVALID_DESCRIPTION"),
    ],
)
async def test_update_video_refuses_bad_fields(service: Service, fields: dict[str, Any], expected: str) -> None:
    video_id = (await service.create()).video_id
    assert await refused(service.video("UpdateVideo", update(video_id, **fields))) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        expected,
    )


async def test_of_32_changes_made_for_one_etag_one_is_done(service: Service) -> None:
    video = await get(service, (await service.create()).video_id)
    calls = (service.video("UpdateVideo", update(video.video_id, title=f"No {n}", etag=video.etag)) for n in range(32))
    answers = await asyncio.gather(*calls, return_exceptions=True)
    lost = [answer for answer in answers if isinstance(answer, grpc.aio.AioRpcError)]
    assert len(lost) == 31
    assert {answer.code() for answer in lost} == {grpc.StatusCode.ABORTED}
    stale = pb.DeleteVideoRequest(video_id=video.video_id, request_id=new_id(), etag=video.etag)
    assert await refused(service.video("DeleteVideo", stale)) == (grpc.StatusCode.ABORTED, "ETAG_MISMATCH")


async def test_an_unpublished_video_cannot_be_watched_and_can_be_published_again(
    service: Service, http: httpx.AsyncClient
) -> None:
    video_id = (await service.uploaded()).video_id
    await service.send_manifest(video_id)
    publish = publish_request(video_id)
    published = await service.video("PublishVideo", publish)
    gone = (await service.video("UnpublishVideo", requests(video_id)["UnpublishVideo"])).video
    assert (gone.state, gone.HasField("publish_time")) == (pb.VIDEO_STATE_UNPUBLISHED, False)
    assert (await http.get(f"/v1/videos/{video_id}")).status_code == 404
    assert await service.video("PublishVideo", publish) == published, "the same answer, and no further effect"
    assert (await get(service, video_id)).state == pb.VIDEO_STATE_UNPUBLISHED
    again = (await service.video("PublishVideo", publish_request(video_id))).video
    assert again.state == pb.VIDEO_STATE_PUBLISHED


@pytest.mark.parametrize("state", ["waiting", "processing", "published"])
async def test_a_video_is_deleted_in_every_state(service: Service, http: httpx.AsyncClient, state: str) -> None:
    makers: dict[str, Callable[..., Any]] = {
        "waiting": service.create,
        "processing": service.uploaded,
        "published": service.published,
    }
    video_id = (await makers[state]()).video_id
    request = requests(video_id)["DeleteVideo"]
    first = await service.video("DeleteVideo", request)
    assert first.video.state == pb.VIDEO_STATE_DELETED
    assert await service.video("DeleteVideo", request) == first
    assert (await service.video("DeleteVideo", requests(video_id)["DeleteVideo"])).video == first.video
    assert (await http.get(f"/v1/videos/{video_id}")).status_code == 404
    listed = (await service.video("ListVideos", pb.ListVideosRequest(page_size=100))).videos
    assert video_id not in {video.video_id for video in listed}
    for method in ("UpdateVideo", "PublishVideo", "FailVideo", "ReportProgress", "UnpublishVideo"):
        code, why = await refused(service.video(method, requests(video_id)[method]))
        assert (code, why) == (grpc.StatusCode.FAILED_PRECONDITION, "VIDEO_STATE_CONFLICT")


async def test_deleting_a_video_cancels_its_upload(service: Service) -> None:
    upload = await service.create()
    parts = await service.send_parts(upload, b"hello world")
    await service.video("DeleteVideo", requests(upload.video_id)["DeleteVideo"])
    now = (await service.upload("GetUpload", upload_pb.GetUploadRequest(upload_id=upload.upload_id))).upload
    assert (now.state, now.revision) == (upload_pb.UPLOAD_STATE_CANCELLED, 2)
    assert await refused(service.complete(upload.upload_id, parts)) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "UPLOAD_CANCELLED",
    )


async def test_progress_is_reported_while_a_video_is_processed(service: Service) -> None:
    video_id = (await service.uploaded()).video_id

    async def report(percent: int) -> pb.Video:
        request = pb.ReportProgressRequest(video_id=video_id, request_id=new_id(), progress_percent=percent)
        return (await service.video("ReportProgress", request)).video  # type: ignore[no-any-return]

    assert [(await report(percent)).progress_percent for percent in (10, 50, 30)] == [10, 50, 50]
    assert await refused(report(101)) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_PROGRESS")


async def test_a_failed_video_says_why(service: Service) -> None:
    video_id = (await service.uploaded()).video_id
    failed = (await service.video("FailVideo", requests(video_id)["FailVideo"])).video
    assert (failed.state, failed.failure) == (pb.VIDEO_STATE_FAILED, FAILURE)
    assert await get(service, video_id) == failed


@pytest.mark.parametrize("failure", [pb.VideoFailure(), pb.VideoFailure(code="no", message="x" * 501)])
async def test_fail_video_wants_a_stable_code(service: Service, failure: pb.VideoFailure) -> None:
    request = pb.FailVideoRequest(video_id=UNKNOWN_VIDEO, request_id=str(uuid.uuid4()), failure=failure)
    assert await refused(service.video("FailVideo", request)) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "INVALID_FAILURE",
    )
