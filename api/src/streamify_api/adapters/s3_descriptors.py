# SPDX-License-Identifier: Apache-2.0
"""Copies of published videos as JSON objects, under a prefix that the CDN may not read."""

from functools import partial

import msgspec
from botocore.exceptions import ClientError

from streamify_api.adapters.aws import Client, error_code
from streamify_api.adapters.dependency import Dependency
from streamify_api.domain.videos import Video, VideoState
from streamify_api.telemetry import log

PREFIX = "playback/"


class S3Descriptors:
    """Implements services.ports.Descriptors on the media bucket. The format is Video's own fields."""

    def __init__(self, client: Client, dependency: Dependency, bucket: str) -> None:
        self._client = client
        self._call = dependency.call
        self._bucket = bucket

    async def put(self, video: Video) -> None:
        """Write or replace the object."""
        if video.state is not VideoState.PUBLISHED:
            raise ValueError("only a published video has a descriptor")
        write = partial(
            self._client.put_object,
            Bucket=self._bucket,
            Key=_key(video.video_id),
            Body=msgspec.json.encode(video),
            ContentType="application/json",
            CacheControl="no-store",
        )
        await self._call(write)

    async def get(self, video_id: str) -> Video | None:
        """Read the object. One that cannot be read counts as missing."""

        async def get_object() -> bytes:
            answer = await self._client.get_object(Bucket=self._bucket, Key=_key(video_id))
            async with answer["Body"] as stream:
                body: bytes = await stream.read()
                return body

        try:
            body = await self._call(get_object)
        except ClientError as error:
            if error_code(error) in {"404", "NoSuchKey", "NotFound"}:
                return None
            raise
        try:
            video = msgspec.json.decode(body, type=Video)
        except msgspec.MsgspecError as error:
            log.error("a descriptor cannot be read", video_id=video_id, error=str(error))
            return None
        return video if video.video_id == video_id and video.state is VideoState.PUBLISHED else None

    async def remove(self, video_id: str) -> None:
        """Delete the object."""
        await self._call(partial(self._client.delete_object, Bucket=self._bucket, Key=_key(video_id)))


def _key(video_id: str) -> str:
    return f"{PREFIX}{video_id}.json"
