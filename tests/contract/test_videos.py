# SPDX-License-Identifier: Apache-2.0
"""VideoService against the emulator."""

import asyncio
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from contract.callers import MANIFEST, MANIFEST_TYPE, Service, publish_request, refused
from contract.platform_state import MEDIA, PUBLIC_URL, aws
from google.protobuf.duration_pb2 import Duration
from streamify.catalog.v1 import catalog_service_pb2 as pb

UNKNOWN_VIDEO = "vid_01ARZ3NDEKTSV4RRFFQ69G5FAV"


async def test_a_packaged_video_is_published(service: Service) -> None:
    video = await service.published(title="Published")
    assert video.state == pb.VIDEO_STATE_PUBLISHED
    assert video.duration == Duration(seconds=20, nanos=500_000_000)
    assert video.watch_url == f"{PUBLIC_URL}/watch/{video.video_id}"
    assert [item.name for item in video.renditions] == ["360p"]
    assert (await service.video("GetVideo", pb.GetVideoRequest(video_id=video.video_id))).video == video


async def test_media_lie_under_a_path_that_is_not_the_id(service: Service, emulator: str) -> None:
    video = await service.published()
    keys = [item["Key"] for item in aws("s3", emulator).list_objects_v2(Bucket=MEDIA, Prefix="v/")["Contents"]]
    assert all(len(key.split("/")[1]) >= 26 for key in keys)
    assert not any(video.video_id.removeprefix("vid_").lower() in key.lower() for key in keys)


async def test_media_urls_sign_length_type_and_caching(service: Service) -> None:
    video_id = (await service.uploaded()).video_id
    file = pb.MediaFile(path="360p/segment-1.m4s", content_type="video/iso.segment", size_bytes=5)
    answer = await service.video("CreateMediaUrls", pb.CreateMediaUrlsRequest(video_id=video_id, files=[file]))
    (url,) = answer.urls
    assert url.path == file.path
    assert "X-Amz-SignedHeaders=cache-control%3Bcontent-length%3Bcontent-type%3Bhost" in url.url
    assert url.headers["Content-Length"] == "5"
    assert url.headers["Content-Type"] == "video/iso.segment"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ([], "INVALID_FILES"),
        ([("master.m3u8", MANIFEST_TYPE, 1)] * 2, "INVALID_FILES"),
        ([("../other/master.m3u8", MANIFEST_TYPE, 1)], "INVALID_PATH"),
        ([("/master.m3u8", MANIFEST_TYPE, 1)], "INVALID_PATH"),
        ([("a//b.m3u8", MANIFEST_TYPE, 1)], "INVALID_PATH"),
        ([("page.html", "text/html", 1)], "INVALID_CONTENT_TYPE"),
        ([("master.m3u8", MANIFEST_TYPE, 0)], "INVALID_SIZE"),
    ],
)
async def test_create_media_urls_refuses_bad_files(
    service: Service, files: list[tuple[str, str, int]], expected: str
) -> None:
    video_id = (await service.create()).video_id
    request = pb.CreateMediaUrlsRequest(
        video_id=video_id, files=[pb.MediaFile(path=p, content_type=t, size_bytes=s) for p, t, s in files]
    )
    code, why = await refused(service.video("CreateMediaUrls", request))
    # Each file is judged before the video is looked at, the list of them after.
    assert (code, why) in {
        (grpc.StatusCode.INVALID_ARGUMENT, expected),
        (grpc.StatusCode.FAILED_PRECONDITION, "VIDEO_STATE_CONFLICT"),
    }
    assert expected == "INVALID_FILES" or why == expected


async def test_media_are_not_taken_before_the_upload_or_after_the_publication(service: Service) -> None:
    waiting = (await service.create()).video_id
    published = (await service.published()).video_id
    file = pb.MediaFile(path="master.m3u8", content_type=MANIFEST_TYPE, size_bytes=len(MANIFEST))
    for video_id in (waiting, published):
        request = pb.CreateMediaUrlsRequest(video_id=video_id, files=[file])
        assert await refused(service.video("CreateMediaUrls", request)) == (
            grpc.StatusCode.FAILED_PRECONDITION,
            "VIDEO_STATE_CONFLICT",
        )


async def test_publish_video_without_a_manifest_is_refused(service: Service) -> None:
    video_id = (await service.uploaded()).video_id
    assert await refused(service.video("PublishVideo", publish_request(video_id))) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "MANIFEST_MISSING",
    )


async def test_publish_video_before_the_upload_is_refused(service: Service) -> None:
    video_id = (await service.create()).video_id
    assert await refused(service.video("PublishVideo", publish_request(video_id))) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "VIDEO_STATE_CONFLICT",
    )


async def test_publish_video_repeated_gives_the_same_answer(service: Service) -> None:
    video_id = (await service.uploaded()).video_id
    await service.send_manifest(video_id)
    request = publish_request(video_id)
    answers = await asyncio.gather(*(service.video("PublishVideo", request) for _ in range(8)))
    later = await service.video("PublishVideo", request)
    assert all(answer == later for answer in answers)


async def test_publish_video_with_a_used_request_id_and_another_body_is_refused(service: Service) -> None:
    video_id = (await service.uploaded()).video_id
    await service.send_manifest(video_id)
    request = publish_request(video_id)
    await service.video("PublishVideo", request)
    other = publish_request(video_id, request_id=request.request_id, duration=Duration(seconds=1))
    assert await refused(service.video("PublishVideo", other)) == (
        grpc.StatusCode.ALREADY_EXISTS,
        "REQUEST_ID_REUSED",
    )


async def test_publish_video_again_under_a_new_request_id_is_refused(service: Service) -> None:
    video = await service.published()
    assert await refused(service.video("PublishVideo", publish_request(video.video_id))) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "VIDEO_STATE_CONFLICT",
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"request_id": "x"}, "INVALID_REQUEST_ID"),
        ({"duration": Duration()}, "INVALID_DURATION"),
        ({"duration": Duration(seconds=10**13)}, "INVALID_DURATION"),
        ({"renditions": []}, "INVALID_RENDITIONS"),
        ({"renditions": [pb.Rendition(name="360p", width=0, height=1, bandwidth_bps=1)]}, "INVALID_RENDITION"),
        ({"manifest_path": "../x.m3u8"}, "INVALID_PATH"),
    ],
)
async def test_publish_video_refuses_bad_fields(service: Service, fields: dict[str, Any], expected: str) -> None:
    call = service.video("PublishVideo", publish_request(UNKNOWN_VIDEO, **fields))
    assert await refused(call) == (grpc.StatusCode.INVALID_ARGUMENT, expected)


async def test_list_videos_pages_through_the_tenants_own(as_tenant: Callable[..., Service]) -> None:
    lister = as_tenant(tenant="lister")
    made = [(await lister.create()).video_id for _ in range(3)]
    first = await lister.video("ListVideos", pb.ListVideosRequest(page_size=2))
    second = await lister.video("ListVideos", pb.ListVideosRequest(page_size=2, page_token=first.next_page_token))
    assert [video.video_id for video in (*first.videos, *second.videos)] == sorted(made, reverse=True)
    assert not second.next_page_token


@pytest.mark.parametrize(
    ("fields", "expected"), [({"page_size": -1}, "INVALID_PAGE_SIZE"), ({"page_token": "é!"}, "INVALID_PAGE_TOKEN")]
)
async def test_list_videos_refuses_bad_pages(service: Service, fields: dict[str, Any], expected: str) -> None:
    call = service.video("ListVideos", pb.ListVideosRequest(**fields))
    assert await refused(call) == (grpc.StatusCode.INVALID_ARGUMENT, expected)


async def test_another_tenants_video_is_not_there(as_tenant: Callable[..., Service]) -> None:
    video = await as_tenant(tenant="acme").published()
    other = as_tenant(tenant="other")
    calls = (
        ("GetVideo", pb.GetVideoRequest(video_id=video.video_id)),
        ("GetVideo", pb.GetVideoRequest(video_id=UNKNOWN_VIDEO)),
        ("PublishVideo", publish_request(video.video_id)),
        (
            "CreateMediaUrls",
            pb.CreateMediaUrlsRequest(
                video_id=video.video_id,
                files=[pb.MediaFile(path="a.m3u8", content_type=MANIFEST_TYPE, size_bytes=1)],
            ),
        ),
    )
    for method, request in calls:
        assert await refused(other.video(method, request)) == (grpc.StatusCode.NOT_FOUND, "VIDEO_NOT_FOUND")
