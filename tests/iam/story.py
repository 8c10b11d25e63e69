# SPDX-License-Identifier: Apache-2.0
"""What upload services and players do with the deployed API, in steps that stand alone: which fail, and how."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import httpx
from contract.callers import Service, new_id, publish_request, reason
from streamify.catalog.v1 import catalog_service_pb2 as catalog
from streamify.upload.v1 import upload_service_pb2 as pb

BODY = b"hello world"


class Storage:
    """The platform's bucket of originals and its CDN, as their owner reaches them."""

    def __init__(self, s3: Any, bucket: str, cloudfront: Any, distribution: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._cloudfront = cloudfront
        self._distribution = distribution

    def invalidations(self) -> int:
        """How often the CDN was told to forget something."""
        told = self._cloudfront.get_paginator("list_invalidations").paginate(DistributionId=self._distribution)
        return sum(len(page["InvalidationList"].get("Items", [])) for page in told)

    def lose_parts(self, upload_id: str) -> str:
        """Throw an upload's parts away behind the API's back; returns its key."""
        for each in self._s3.list_multipart_uploads(Bucket=self._bucket, Prefix=f"{upload_id}/")["Uploads"]:
            self._s3.abort_multipart_upload(Bucket=self._bucket, Key=each["Key"], UploadId=each["UploadId"])
        return f"{upload_id}/source"

    def put(self, key: str) -> None:
        """Put the whole object there."""
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=BODY)


def upload_service(outputs: dict[str, Any]) -> AbstractAsyncContextManager[Service]:
    """An internal upload service."""
    token = Path(outputs["grpc_token_file"]).read_text().strip()
    return _connected(outputs["grpc_target"], Path(outputs["ca_file"]).read_bytes(), token)


@asynccontextmanager
async def _connected(target: str, authority: bytes, token: str) -> AsyncIterator[Service]:
    async with grpc.aio.secure_channel(target, grpc.ssl_channel_credentials(authority)) as channel:
        yield Service(channel, token)


class Story:
    """The steps. `without_table` is the address of a task that DynamoDB does not answer."""

    def __init__(self, outputs: dict[str, Any], service: Service, storage: Storage, without_table: str) -> None:
        self._outputs = outputs
        self._service = service
        self._storage = storage
        self._without_table = without_table

    async def failures(self) -> dict[str, str]:
        """Go through all steps; what failed, by step."""
        steps = (
            self.publish_watch_delete,
            self.ask_for_parts,
            self.give_up,
            self.complete_what_was_joined_before,
            self.complete_what_is_lost,
            self.publish_without_manifest,
        )
        found = {}
        for step in steps:
            if failure := await self._failure(step):
                found[step.__name__] = failure
        return found

    async def _failure(self, step: Callable[[], Awaitable[None]]) -> str:
        try:
            await step()
        except grpc.aio.AioRpcError as error:
            return f"{error.code().name}: {error.details()}"
        except (httpx.HTTPError, AssertionError) as error:
            return f"{type(error).__name__}: {error}"
        return ""

    async def publish_watch_delete(self) -> None:
        """A video's life; also at the task that has to do without the table."""
        service = self._service
        video = await service.published()
        tls = ssl.create_default_context(cafile=self._outputs["ca_file"])
        async with httpx.AsyncClient(verify=tls, timeout=20) as http:
            for api in (self._outputs["http_url"], self._without_table):
                (await http.get(f"{api}/v1/videos/{video.video_id}/playback")).raise_for_status()
        listed = await service.video("ListVideos", catalog.ListVideosRequest(page_size=1))
        assert len(listed.videos) == 1
        named, told = {"video_id": video.video_id}, self._storage.invalidations()
        await service.video("UnpublishVideo", catalog.UnpublishVideoRequest(request_id=new_id(), **named))
        await service.video("DeleteVideo", catalog.DeleteVideoRequest(request_id=new_id(), **named))
        assert self._storage.invalidations() > told, "the CDN was told nothing"

    async def ask_for_parts(self) -> None:
        """Which parts of an upload are there."""
        created = await self._service.create()
        await self._service.send_parts(created, BODY)
        listed = await self._service.upload("ListParts", pb.ListPartsRequest(upload_id=created.upload_id))
        assert len(listed.parts) == 1

    async def give_up(self) -> None:
        """Cancel an upload."""
        created = await self._service.create()
        await self._service.send_parts(created, BODY)
        request = pb.CancelUploadRequest(upload_id=created.upload_id, request_id=new_id())
        await self._service.upload("CancelUpload", request)

    async def complete_what_was_joined_before(self) -> None:
        """A task that died after it joined the parts left the object behind."""
        created = await self._service.create()
        parts = await self._service.send_parts(created, BODY)
        self._storage.put(self._storage.lose_parts(created.upload_id))
        await self._service.complete(created.upload_id, parts)

    async def complete_what_is_lost(self) -> None:
        """That the parts are gone, and nothing else, is the answer."""
        created = await self._service.create()
        parts = await self._service.send_parts(created, BODY)
        self._storage.lose_parts(created.upload_id)
        await _refused("PARTS_GONE", self._service.complete(created.upload_id, parts))

    async def publish_without_manifest(self) -> None:
        """That the manifest is missing, and nothing else, is the answer."""
        video_id = (await self._service.uploaded()).video_id
        await _refused("MANIFEST_MISSING", self._service.video("PublishVideo", publish_request(video_id)))


async def _refused(why: str, call: Awaitable[Any]) -> None:
    try:
        await call
    except grpc.aio.AioRpcError as error:
        if reason(error).reason != why:
            raise
    else:
        raise AssertionError(f"not refused with {why}")
