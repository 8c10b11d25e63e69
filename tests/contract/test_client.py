# SPDX-License-Identifier: Apache-2.0
"""The shipped client against the running API and storage: parts, checksums, an upload that goes on, a watch."""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from contract.platform_state import UPLOADS, Issuer, aws
from contract.processes import Api
from streamify.catalog.v1 import catalog_service_pb2 as catalog
from streamify.upload.v1 import upload_service_pb2 as upload
from streamify_client import (
    AsyncClient,
    ClientError,
    ConflictError,
    Connection,
    NotAllowedError,
    NotFoundError,
    Silent,
    upload_source,
)

MEBIBYTE = 1024**2
SIZE = 25 * MEBIBYTE + 1


def with_token(details: Any, token: str) -> Any:
    """The call, with a token over a connection without TLS, which the client itself refuses to do."""
    metadata = grpc.aio.Metadata(*(details.metadata or ()), ("authorization", f"Bearer {token}"))
    return details._replace(metadata=metadata)


class _Unary(grpc.aio.UnaryUnaryClientInterceptor):
    def __init__(self, token: str) -> None:
        self.token = token

    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return await continuation(with_token(client_call_details, self.token), request)


class _Stream(grpc.aio.UnaryStreamClientInterceptor):
    def __init__(self, token: str) -> None:
        self.token = token

    async def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return await continuation(with_token(client_call_details, self.token), request)


def connect(api: Api, token: str, monkeypatch: pytest.MonkeyPatch) -> AsyncClient:
    def plain(connection: Connection) -> grpc.aio.Channel:
        return grpc.aio.insecure_channel(connection.target, interceptors=[_Unary(token), _Stream(token)])

    monkeypatch.setattr("streamify_client.aio.open_channel", plain)
    return AsyncClient(Connection(api.grpc_target, Path("unused")))


@pytest.fixture
async def client(api: Api, issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[AsyncClient]:
    async with connect(api, issuer.token(tenant="the-client"), monkeypatch) as opened:
        yield opened


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    path.write_bytes(os.urandom(SIZE))
    return path


class _Interrupted(Silent):
    """Ends the upload once so many bytes are there."""

    def __init__(self, after: int) -> None:
        self.left = after

    def advance(self, amount: float) -> None:
        self.left -= int(amount)
        if self.left <= 0:
            raise ClientError("Interrupted.")


async def test_an_upload_that_stopped_goes_on_and_its_checksums_are_storages(
    client: AsyncClient, file: Path, emulator: str
) -> None:
    with pytest.raises(ClientError, match="Interrupted"):
        await upload_source(client, file, parallel=1, progress=_Interrupted(17 * MEBIBYTE))
    (waiting,) = [item async for item in client.list_uploads(1)]
    held = await client.list_parts(waiting.upload_id)
    assert 1 <= len(held) < waiting.part_count

    done = await upload_source(client, file, resume=waiting.upload_id)
    assert (done.upload_id, done.state) == (waiting.upload_id, upload.UPLOAD_STATE_COMPLETED)
    s3 = aws("s3", emulator)
    objects = s3.list_objects_v2(Bucket=UPLOADS)["Contents"]
    (key,) = [item["Key"] for item in objects if item["Size"] == SIZE]
    answer = s3.get_object(Bucket=UPLOADS, Key=key, ChecksumMode="ENABLED")
    sent = await asyncio.to_thread(file.read_bytes)
    assert hashlib.sha256(answer["Body"].read()).digest() == hashlib.sha256(sent).digest()
    assert answer["ChecksumSHA256"] == done.checksum
    s3.delete_object(Bucket=UPLOADS, Key=key)


async def test_a_watch_sees_every_state(client: AsyncClient) -> None:
    made = await client.create_upload(title="t", filename="f.mp4", content_type="video/mp4", size_bytes=5)
    first = asyncio.Event()

    async def watch() -> list[int]:
        states: list[int] = []
        async for item in client.watch_upload(made.upload_id):
            states.append(item.state)
            first.set()
        return states

    watching = asyncio.create_task(watch())
    await first.wait()
    await client.cancel_upload(made.upload_id)
    assert await watching == [upload.UPLOAD_STATE_WAITING, upload.UPLOAD_STATE_CANCELLED]


async def test_the_platforms_refusals_are_errors_with_its_reason(
    client: AsyncClient, api: Api, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotFoundError) as missing:
        await client.get_upload("upl_01ARZ3NDEKTSV4RRFFQ69G5FAV")
    assert missing.value.reason == "UPLOAD_NOT_FOUND"
    assert missing.value.request_id
    made = await client.create_upload(title="t", filename="f.mp4", content_type="video/mp4", size_bytes=5)
    video = await client.get_video(made.video_id)
    with pytest.raises(ConflictError) as conflict:
        await client.unpublish_video(made.video_id)
    assert conflict.value.reason == "VIDEO_STATE_CONFLICT"
    renamed = await client.update_video(made.video_id, title="new", etag=video.etag)
    assert renamed.title == "new"
    with pytest.raises(ConflictError):
        await client.delete_video(made.video_id, etag=video.etag)
    assert (await client.delete_video(made.video_id)).state == catalog.VIDEO_STATE_DELETED
    async with connect(api, issuer.token(scope="videos:read"), monkeypatch) as reader:
        with pytest.raises(NotAllowedError):
            await reader.cancel_upload(made.upload_id)


async def test_a_repeated_request_id_makes_one_upload(client: AsyncClient) -> None:
    fields = {"title": "t", "filename": "f.mp4", "content_type": "video/mp4", "size_bytes": 5}
    request_id = "01234567-89ab-4cde-8f01-23456789abcd"
    both = [await client.create_upload(**fields, request_id=request_id) for _ in range(2)]  # type: ignore[arg-type]
    assert both[0].upload_id == both[1].upload_id
