# SPDX-License-Identifier: Apache-2.0
"""The platform's gRPC API for asyncio: one method a call, repeated where that is safe, errors in words."""

import asyncio
import random
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Self

from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from streamify.catalog.v1 import catalog_service_pb2 as catalog
from streamify.catalog.v1.catalog_service_pb2_grpc import VideoServiceStub
from streamify.upload.v1 import upload_service_pb2 as upload
from streamify.upload.v1.upload_service_pb2_grpc import UploadServiceStub

from streamify_client.channel import CALL_SECONDS, Connection, explained, open_channel
from streamify_client.errors import UnreachableError

PATIENCE_SECONDS = 60.0
"""How long what is under way, an upload or a watch, goes on trying while the platform cannot be reached, in seconds."""

_COMPLETE_SECONDS = 90.0  # joining thousands of parts takes storage a while
_HEARTBEAT_SECONDS = 5
_PAGE = 100
_LONGEST_WAIT = 5.0


def new_request_id() -> str:
    """The id of a mutation: made once, sent again with every repetition."""
    return str(uuid.uuid4())


async def patiently[T](call: Callable[[], Awaitable[T]], seconds: float = PATIENCE_SECONDS) -> T:
    """Repeats what must bear repetition while the platform cannot be reached.

    Args:
        call: makes the attempt; mutations must send one request_id in all of them.
        seconds: how long to go on.

    Raises:
        ClientError: that of the last attempt.
    """
    give_up = time.monotonic() + seconds
    wait = 0.25
    while True:
        try:
            return await call()
        except UnreachableError as error:
            if not error.temporary or time.monotonic() + wait > give_up:
                raise
        await asyncio.sleep(wait * random.uniform(0.5, 1.0))
        wait = min(_LONGEST_WAIT, wait * 2)


class AsyncClient:
    """The API over one connection. Every method raises ClientError in one of its subclasses.

    Mutations take a request_id: give the same one to repeat a call whose answer was lost; by default each call has one
    of its own, which the connection's retries share.
    """

    def __init__(self, connection: Connection) -> None:
        """Raises UsageError when the token or CA file cannot be read."""
        self.connection = connection
        self._channel = open_channel(connection)
        self._uploads = UploadServiceStub(self._channel)
        self._videos = VideoServiceStub(self._channel)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends the connection, and what is still running over it."""
        await self._channel.close()

    # --- uploads ---

    async def create_upload(
        self,
        *,
        title: str,
        filename: str,
        content_type: str,
        size_bytes: int,
        checksum_algorithm: upload.ChecksumAlgorithm = upload.CHECKSUM_ALGORITHM_SHA256,
        playback_policy: catalog.PlaybackPolicy = catalog.PLAYBACK_POLICY_UNSPECIFIED,
        request_id: str = "",
    ) -> upload.Upload:
        """Announces a file of so many bytes."""
        request = upload.CreateUploadRequest(
            request_id=request_id or new_request_id(),
            title=title,
            filename=filename,
            content_type=content_type,
            size_bytes=size_bytes,
            checksum_algorithm=checksum_algorithm,
            playback_policy=playback_policy,
        )
        with explained(self.connection):
            return (await self._uploads.CreateUpload(request, timeout=CALL_SECONDS)).upload

    async def get_upload(self, upload_id: str) -> upload.Upload:
        """Reads one upload."""
        request = upload.GetUploadRequest(upload_id=upload_id)
        with explained(self.connection):
            return (await self._uploads.GetUpload(request, timeout=CALL_SECONDS)).upload

    async def list_uploads(self, limit: int | None = None) -> AsyncIterator[upload.Upload]:
        """The newest uploads, at most `limit`, all by default."""
        token, left = "", limit
        while left is None or left > 0:
            request = upload.ListUploadsRequest(page_size=min(left or _PAGE, _PAGE), page_token=token)
            with explained(self.connection):
                page = await self._uploads.ListUploads(request, timeout=CALL_SECONDS)
            for item in page.uploads[:left]:
                yield item
            left = None if left is None else left - len(page.uploads)
            if not (token := page.next_page_token):
                return

    async def list_parts(self, upload_id: str) -> list[upload.StoredPart]:
        """Every part that storage holds, by its number."""
        parts: list[upload.StoredPart] = []
        token = ""
        while True:
            request = upload.ListPartsRequest(upload_id=upload_id, page_token=token)
            with explained(self.connection):
                page = await self._uploads.ListParts(request, timeout=CALL_SECONDS)
            parts += page.parts
            if not (token := page.next_page_token):
                return parts

    async def create_part_urls(
        self, upload_id: str, part_numbers: Sequence[int], checksums: Mapping[int, str] | None = None
    ) -> list[upload.PartUrl]:
        """A presigned PUT for each of at most 1000 parts; a checksum given here is signed."""
        request = upload.CreatePartUrlsRequest(
            upload_id=upload_id, part_numbers=part_numbers, checksums=dict(checksums or {})
        )
        with explained(self.connection):
            return list((await self._uploads.CreatePartUrls(request, timeout=CALL_SECONDS)).urls)

    async def complete_upload(
        self, upload_id: str, parts: Iterable[upload.CompletedPart], *, checksum: str = "", request_id: str = ""
    ) -> upload.Upload:
        """Joins the parts."""
        request = upload.CompleteUploadRequest(
            upload_id=upload_id, request_id=request_id or new_request_id(), parts=parts, checksum=checksum
        )
        with explained(self.connection):
            return (await self._uploads.CompleteUpload(request, timeout=_COMPLETE_SECONDS)).upload

    async def cancel_upload(self, upload_id: str, *, request_id: str = "") -> upload.Upload:
        """Gives an upload up; its parts are thrown away."""
        request = upload.CancelUploadRequest(upload_id=upload_id, request_id=request_id or new_request_id())
        with explained(self.connection):
            return (await self._uploads.CancelUpload(request, timeout=CALL_SECONDS)).upload

    async def watch_upload(
        self, upload_id: str, after_revision: int = 0, *, patience: float = PATIENCE_SECONDS
    ) -> AsyncIterator[upload.Upload]:
        """Every state of the upload after that revision, until the final one; goes on by itself where a stream broke.

        Args:
            upload_id: the upload.
            after_revision: the last one that the caller has seen.
            patience: seconds without a stream after which it gives up.
        """
        seen = after_revision
        alive = time.monotonic()
        wait = 0.25
        while True:
            try:
                async for event in self._one_stream(upload_id, seen):
                    alive, wait = time.monotonic(), 0.25
                    if event.HasField("upload") and event.upload.revision > seen:
                        seen = event.upload.revision
                        yield event.upload
            except UnreachableError as error:
                if not error.temporary or time.monotonic() - alive > patience:
                    raise
            else:
                return
            await asyncio.sleep(wait * random.uniform(0.5, 1.0))
            wait = min(_LONGEST_WAIT, wait * 2)

    async def _one_stream(self, upload_id: str, after: int) -> AsyncIterator[upload.WatchUploadResponse]:
        interval = Duration(seconds=_HEARTBEAT_SECONDS)
        request = upload.WatchUploadRequest(upload_id=upload_id, after_revision=after, heartbeat_interval=interval)
        call = self._uploads.WatchUpload(request)
        try:
            while True:
                # A balancer forwards no PINGs: three heartbeats missed are a dead stream.
                try:
                    async with asyncio.timeout(3 * _HEARTBEAT_SECONDS):
                        with explained(self.connection):
                            event = await call.read()
                except TimeoutError:
                    raise UnreachableError(f"The platform at {self.connection.target} fell silent.") from None
                if not isinstance(event, upload.WatchUploadResponse):
                    return
                yield event
        finally:
            call.cancel()

    # --- videos ---

    async def get_video(self, video_id: str) -> catalog.Video:
        """Reads one video."""
        request = catalog.GetVideoRequest(video_id=video_id)
        with explained(self.connection):
            return (await self._videos.GetVideo(request, timeout=CALL_SECONDS)).video

    async def list_videos(self, limit: int | None = None) -> AsyncIterator[catalog.Video]:
        """The newest videos, at most `limit`, all by default."""
        token, left = "", limit
        while left is None or left > 0:
            request = catalog.ListVideosRequest(page_size=min(left or _PAGE, _PAGE), page_token=token)
            with explained(self.connection):
                page = await self._videos.ListVideos(request, timeout=CALL_SECONDS)
            for item in page.videos[:left]:
                yield item
            left = None if left is None else left - len(page.videos)
            if not (token := page.next_page_token):
                return

    async def update_video(
        self,
        video_id: str,
        *,
        title: str | None = None,
        description: str | None = None,
        playback_policy: catalog.PlaybackPolicy | None = None,
        etag: str = "",
        request_id: str = "",
    ) -> catalog.Video:
        """Changes what is not None; with an etag only the video that it stands for."""
        changes = {"title": title, "description": description, "playback_policy": playback_policy}
        paths = [name for name, value in changes.items() if value is not None]
        request = catalog.UpdateVideoRequest(
            video_id=video_id,
            request_id=request_id or new_request_id(),
            update_mask=FieldMask(paths=paths),
            title=title or "",
            description=description or "",
            playback_policy=playback_policy or catalog.PLAYBACK_POLICY_UNSPECIFIED,
            etag=etag,
        )
        with explained(self.connection):
            return (await self._videos.UpdateVideo(request, timeout=CALL_SECONDS)).video

    async def create_media_urls(self, video_id: str, files: Iterable[catalog.MediaFile]) -> list[catalog.MediaUrl]:
        """A presigned PUT for each of at most 100 files of the packaged video."""
        request = catalog.CreateMediaUrlsRequest(video_id=video_id, files=files)
        with explained(self.connection):
            return list((await self._videos.CreateMediaUrls(request, timeout=CALL_SECONDS)).urls)

    async def publish_video(
        self,
        video_id: str,
        *,
        seconds: float,
        renditions: Iterable[catalog.Rendition],
        manifest_path: str = "",
        request_id: str = "",
    ) -> catalog.Video:
        """Makes a packaged video watchable; `seconds` is its playing time."""
        duration = Duration()
        duration.FromMilliseconds(max(1, round(seconds * 1000)))
        request = catalog.PublishVideoRequest(
            video_id=video_id,
            request_id=request_id or new_request_id(),
            manifest_path=manifest_path,
            duration=duration,
            renditions=renditions,
        )
        with explained(self.connection):
            return (await self._videos.PublishVideo(request, timeout=CALL_SECONDS)).video

    async def unpublish_video(self, video_id: str, *, request_id: str = "") -> catalog.Video:
        """Takes a video from its viewers; it can be published again."""
        request = catalog.UnpublishVideoRequest(video_id=video_id, request_id=request_id or new_request_id())
        with explained(self.connection):
            return (await self._videos.UnpublishVideo(request, timeout=CALL_SECONDS)).video

    async def delete_video(self, video_id: str, *, etag: str = "", request_id: str = "") -> catalog.Video:
        """Takes a video away for good; with an etag only the one that it stands for."""
        request = catalog.DeleteVideoRequest(video_id=video_id, request_id=request_id or new_request_id(), etag=etag)
        with explained(self.connection):
            return (await self._videos.DeleteVideo(request, timeout=CALL_SECONDS)).video

    async def report_progress(self, video_id: str, percent: int, *, request_id: str = "") -> catalog.Video:
        """Says how far packaging is, 0 to 100."""
        request = catalog.ReportProgressRequest(
            video_id=video_id, request_id=request_id or new_request_id(), progress_percent=percent
        )
        with explained(self.connection):
            return (await self._videos.ReportProgress(request, timeout=CALL_SECONDS)).video

    async def fail_video(self, video_id: str, code: str, message: str, *, request_id: str = "") -> catalog.Video:
        """Gives a video up that cannot be packaged; `code` is a stable word such as SOURCE_UNREADABLE."""
        request = catalog.FailVideoRequest(
            video_id=video_id,
            request_id=request_id or new_request_id(),
            failure=catalog.VideoFailure(code=code, message=message),
        )
        with explained(self.connection):
            return (await self._videos.FailVideo(request, timeout=CALL_SECONDS)).video
