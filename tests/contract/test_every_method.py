# SPDX-License-Identifier: Apache-2.0
"""What must hold for every method alike. A method that is missing from the table fails the first test."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from contract.callers import MANIFEST, MANIFEST_TYPE, Service, create_request, new_id, publish_request, reason
from contract.platform_state import Issuer
from contract.processes import Api, run_api
from contract.stoppable import Mode, StoppableProxy, stoppable
from contract.test_http_limits import read_metrics
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message_factory import GetMessageClass
from streamify.catalog.v1 import catalog_service_pb2 as catalog
from streamify.upload.v1 import upload_service_pb2 as upload_pb

METHODS = {
    method.name: (f"/{service.full_name}/{method.name}", method)
    for file in (upload_pb.DESCRIPTOR, catalog.DESCRIPTOR)
    for service in file.services_by_name.values()
    for method in service.methods
}


async def create_upload(_: Service) -> Any:
    return create_request()


async def complete_upload(service: Service) -> Any:
    upload = await service.create()
    parts = await service.send_parts(upload, b"hello world")
    return upload_pb.CompleteUploadRequest(upload_id=upload.upload_id, parts=parts, request_id=new_id())


async def cancel_upload(service: Service) -> Any:
    return upload_pb.CancelUploadRequest(upload_id=(await service.create()).upload_id, request_id=new_id())


async def publish_video(service: Service) -> Any:
    video_id = (await service.uploaded()).video_id
    await service.send_manifest(video_id)
    return publish_request(video_id)


async def update_video(service: Service) -> Any:
    return catalog.UpdateVideoRequest(
        video_id=(await service.create()).video_id,
        request_id=new_id(),
        title="Another title",
        update_mask=FieldMask(paths=["title"]),
    )


async def unpublish_video(service: Service) -> Any:
    return catalog.UnpublishVideoRequest(video_id=(await service.published()).video_id, request_id=new_id())


async def delete_video(service: Service) -> Any:
    return catalog.DeleteVideoRequest(video_id=(await service.create()).video_id, request_id=new_id())


async def report_progress(service: Service) -> Any:
    video_id = (await service.uploaded()).video_id
    return catalog.ReportProgressRequest(video_id=video_id, request_id=new_id(), progress_percent=40)


async def fail_video(service: Service) -> Any:
    failure = catalog.VideoFailure(code="ENCODER_FAILED", message="It stopped.")
    video_id = (await service.uploaded()).video_id
    return catalog.FailVideoRequest(video_id=video_id, request_id=new_id(), failure=failure)


async def get_upload(service: Service) -> Any:
    return upload_pb.GetUploadRequest(upload_id=(await service.create()).upload_id)


async def list_uploads(_: Service) -> Any:
    return upload_pb.ListUploadsRequest()


async def list_parts(service: Service) -> Any:
    return upload_pb.ListPartsRequest(upload_id=(await service.create()).upload_id)


async def create_part_urls(service: Service) -> Any:
    return upload_pb.CreatePartUrlsRequest(upload_id=(await service.create()).upload_id)


async def watch_upload(service: Service) -> Any:
    return upload_pb.WatchUploadRequest(upload_id=(await service.create()).upload_id)


async def get_video(service: Service) -> Any:
    return catalog.GetVideoRequest(video_id=(await service.create()).video_id)


async def list_videos(_: Service) -> Any:
    return catalog.ListVideosRequest()


async def create_media_urls(service: Service) -> Any:
    file = catalog.MediaFile(path="master.m3u8", content_type=MANIFEST_TYPE, size_bytes=len(MANIFEST))
    return catalog.CreateMediaUrlsRequest(video_id=(await service.uploaded()).video_id, files=[file])


@dataclass(frozen=True)
class Case:
    """A request that succeeds; for a change also what makes it another request under the same id."""

    prepare: Callable[[Service], Awaitable[Any]]
    other: dict[str, Any] | None = None


UNKNOWN_VIDEO = "vid_01ARZ3NDEKTSV4RRFFQ69G5FAV"
UNKNOWN_UPLOAD = "upl_01ARZ3NDEKTSV4RRFFQ69G5FAV"
TABLE: dict[str, Case] = {
    "CreateUpload": Case(create_upload, {"title": "Other"}),
    "CompleteUpload": Case(complete_upload, {"parts": [upload_pb.CompletedPart(part_number=1, etag="0" * 32)]}),
    "CancelUpload": Case(cancel_upload, {"upload_id": ""}),
    "PublishVideo": Case(publish_video, {"manifest_path": "other.m3u8"}),
    "UpdateVideo": Case(update_video, {"title": "Other"}),
    "UnpublishVideo": Case(unpublish_video, {"video_id": ""}),
    "DeleteVideo": Case(delete_video, {"etag": "other"}),
    "ReportProgress": Case(report_progress, {"progress_percent": 41}),
    "FailVideo": Case(fail_video, {"failure": catalog.VideoFailure(code="OTHER", message="Other.")}),
    "GetUpload": Case(get_upload),
    "ListUploads": Case(list_uploads),
    "ListParts": Case(list_parts),
    "CreatePartUrls": Case(create_part_urls),
    "WatchUpload": Case(watch_upload),
    "GetVideo": Case(get_video),
    "ListVideos": Case(list_videos),
    "CreateMediaUrls": Case(create_media_urls),
}
CHANGES = sorted(name for name, (_, method) in METHODS.items() if "request_id" in method.input_type.fields_by_name)
OF_ONE_RESOURCE = sorted(set(METHODS) - {"CreateUpload", "ListUploads", "ListVideos"})


def call(service: Service, name: str, request: Any) -> Any:
    """The call, or for a stream its first message."""
    path, method = METHODS[name]
    multi = service.channel.unary_stream if method.server_streaming else service.channel.unary_unary
    stub: Any = multi(
        path,
        request_serializer=lambda message: message if isinstance(message, bytes) else message.SerializeToString(),
        response_deserializer=GetMessageClass(method.output_type).FromString,
    )
    return stub(request, metadata=service.metadata, timeout=service.timeout)


async def answer(service: Service, name: str, request: Any) -> Any:
    """What comes of it: for a stream, its first message."""
    begun = call(service, name, request)
    if METHODS[name][1].server_streaming:
        first = await anext(aiter(begun))
        begun.cancel()
        return first
    return await begun


async def refusal(service: Service, name: str, request: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await answer(service, name, request)
    return caught.value


def test_every_method_is_in_the_table() -> None:
    assert set(TABLE) == set(METHODS)
    assert sorted(name for name, case in TABLE.items() if case.other is not None) == CHANGES


@pytest.mark.parametrize("name", sorted(TABLE))
async def test_it_succeeds(service: Service, name: str) -> None:
    assert await answer(service, name, await TABLE[name].prepare(service)) is not None


@pytest.mark.parametrize("name", CHANGES)
async def test_32_at_once_and_once_more_are_one_effect(service: Service, name: str) -> None:
    request = await TABLE[name].prepare(service)
    answers = await asyncio.gather(*(answer(service, name, request) for _ in range(32)))
    assert all(other == answers[0] for other in answers)
    assert await answer(service, name, request) == answers[0]
    resource = getattr(answers[0], answers[0].DESCRIPTOR.fields[0].name)
    if isinstance(resource, upload_pb.Upload):
        read = await service.upload("GetUpload", upload_pb.GetUploadRequest(upload_id=resource.upload_id))
        assert read.upload == resource
    elif name != "DeleteVideo":
        assert (await service.video("GetVideo", catalog.GetVideoRequest(video_id=resource.video_id))).video == resource


@pytest.mark.parametrize("name", CHANGES)
async def test_another_body_under_the_same_request_id_is_refused(service: Service, name: str) -> None:
    request = await TABLE[name].prepare(service)
    await answer(service, name, request)
    again = await TABLE[name].prepare(service)  # of another resource, where there is nothing else to change
    fields = TABLE[name].other or {}
    other = type(request)()
    other.CopyFrom(again if "" in fields.values() else request)
    for field, value in fields.items():
        if value == "":
            continue
        other.ClearField(field)
        other.MergeFrom(type(request)(**{field: value}))
    other.request_id = request.request_id
    error = await refusal(service, name, other)
    assert (error.code(), reason(error).reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")


@pytest.mark.parametrize("name", OF_ONE_RESOURCE)
async def test_another_tenants_is_not_there_and_an_unknown_one_is_the_same(
    as_tenant: Callable[..., Service], name: str
) -> None:
    request = await TABLE[name].prepare(as_tenant(tenant="acme"))
    other = as_tenant(tenant="other")
    foreign = await refusal(other, name, request)
    field = "upload_id" if "upload_id" in request.DESCRIPTOR.fields_by_name else "video_id"
    setattr(request, field, UNKNOWN_UPLOAD if field == "upload_id" else UNKNOWN_VIDEO)
    missing = await refusal(other, name, request)
    assert foreign.code() is missing.code() is grpc.StatusCode.NOT_FOUND
    assert reason(foreign).reason == reason(missing).reason
    assert foreign.details() == missing.details()


@pytest.mark.parametrize("name", sorted(TABLE))
async def test_an_oversized_message_is_refused(service: Service, name: str) -> None:
    padding = b"\xfa\x3f" + b"\x80\x80\xc0\x01" + bytes(3 * 1024**2)  # field 1023, which nobody knows, of 3 MiB
    error = await refusal(service, name, padding)
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.fixture(scope="module")
def dynamodb(emulator: str) -> Iterator[StoppableProxy]:
    with stoppable(emulator) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def task(environment: dict[str, str], dynamodb: StoppableProxy) -> Iterator[Api]:
    with run_api(environment | {"AWS_ENDPOINT_URL_DYNAMODB": dynamodb.url}) as running:
        yield running


@pytest.fixture
async def held_up(task: Api, issuer: Issuer, dynamodb: StoppableProxy) -> AsyncIterator[Service]:
    """A caller of a task whose DynamoDB can be stalled."""
    async with grpc.aio.insecure_channel(task.grpc_target) as channel:
        yield Service(channel, issuer.token(), timeout=60)
    dynamodb.set(Mode.OPEN)


async def running(task: Api) -> float:
    metrics = await read_metrics(task)
    return sum(value for name, value in metrics.items() if name.startswith('streamify_running{work="grpc_'))


@pytest.mark.parametrize("name", sorted(TABLE))
async def test_a_deadline_or_a_cancelled_caller_ends_it_and_the_repetition_succeeds(
    task: Api, held_up: Service, service: Service, dynamodb: StoppableProxy, name: str
) -> None:
    request = await TABLE[name].prepare(service)
    dynamodb.set(Mode.STALLED)
    hurried = Service(held_up.channel, held_up.token, timeout=0.3)
    assert (await refusal(hurried, name, request)).code() is grpc.StatusCode.DEADLINE_EXCEEDED
    left = asyncio.create_task(answer(held_up, name, request))
    while await running(task) < 1:
        pass
    left.cancel()
    await asyncio.gather(left, return_exceptions=True)
    while await running(task):  # nothing goes on for a caller who has left
        pass
    dynamodb.set(Mode.OPEN)
    assert await answer(held_up, name, request) is not None
