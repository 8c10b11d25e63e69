# SPDX-License-Identifier: Apache-2.0
"""The platform's gRPC API for programs without asyncio: `AsyncClient`, run in a thread of its own."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Iterator
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from streamify.catalog.v1 import catalog_service_pb2 as catalog
from streamify.upload.v1 import upload_service_pb2 as upload

from streamify_client.aio import PATIENCE_SECONDS, AsyncClient
from streamify_client.channel import Connection
from streamify_client.resume import Memory
from streamify_client.transfer import PARALLEL
from streamify_client.upload import Progress, send_media, upload_source

_END_SECONDS = 5.0


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """One for all clients of this process: grpc.aio polls for one loop best."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="streamify-client", daemon=True).start()
    return loop


def _run[T](work: Coroutine[Any, Any, T]) -> T:
    """The coroutine's result; Ctrl-C here cancels it there, and waits until it has cleaned up."""
    ended = threading.Event()

    async def watched() -> T:
        try:
            return await work
        finally:
            ended.set()

    future = asyncio.run_coroutine_threadsafe(watched(), _loop())
    try:
        return future.result()
    except KeyboardInterrupt:
        future.cancel()
        ended.wait(_END_SECONDS)
        raise


def _each[T](items: AsyncIterator[T]) -> Iterator[T]:
    async def step() -> tuple[T] | None:
        try:
            return (await anext(items),)
        except StopAsyncIteration:
            return None

    while (found := _run(step())) is not None:
        yield found[0]


class Client:
    """`AsyncClient` without asyncio: the same methods, the same errors."""

    def __init__(self, connection: Connection) -> None:
        """Raises UsageError when the token or CA file cannot be read."""

        async def make() -> AsyncClient:
            return AsyncClient(connection)

        self._api = _run(make())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection, and what is still running over it."""
        _run(self._api.close())

    def call[**P, T](self, method: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs a coroutine function of the caller's own beside the connection, with `api` to call."""

        async def work() -> T:
            return await method(*args, **kwargs)

        return _run(work())

    @property
    def api(self) -> AsyncClient:
        """The client that does the work, for `call`."""
        return self._api

    def upload_source(
        self,
        path: Path,
        *,
        title: str = "",
        playback_policy: catalog.PlaybackPolicy = catalog.PLAYBACK_POLICY_UNSPECIFIED,
        resume: str = "",
        parallel: int = PARALLEL,
        memory: Memory | None = None,
        progress: Progress | None = None,
    ) -> upload.Upload:
        """As `streamify_client.upload_source`."""
        return _run(
            upload_source(
                self._api,
                path,
                title=title,
                playback_policy=playback_policy,
                resume=resume,
                parallel=parallel,
                memory=memory,
                progress=progress,
            )
        )

    def send_media(
        self,
        video_id: str,
        folder: Path,
        files: Iterable[tuple[str, str]],
        *,
        parallel: int = PARALLEL,
        progress: Progress | None = None,
    ) -> None:
        """As `streamify_client.send_media`."""
        _run(send_media(self._api, video_id, folder, files, parallel=parallel, progress=progress))

    def get_upload(self, upload_id: str) -> upload.Upload:
        """Reads one upload."""
        return _run(self._api.get_upload(upload_id))

    def list_uploads(self, limit: int | None = None) -> Iterator[upload.Upload]:
        """The newest uploads, at most `limit`, all by default."""
        return _each(self._api.list_uploads(limit))

    def list_parts(self, upload_id: str) -> list[upload.StoredPart]:
        """Every part that storage holds, by its number."""
        return _run(self._api.list_parts(upload_id))

    def cancel_upload(self, upload_id: str, *, request_id: str = "") -> upload.Upload:
        """Gives an upload up; its parts are thrown away."""
        return _run(self._api.cancel_upload(upload_id, request_id=request_id))

    def watch_upload(
        self, upload_id: str, after_revision: int = 0, *, patience: float = PATIENCE_SECONDS
    ) -> Iterator[upload.Upload]:
        """Every state of the upload after that revision, until the final one."""
        return _each(self._api.watch_upload(upload_id, after_revision, patience=patience))

    def get_video(self, video_id: str) -> catalog.Video:
        """Reads one video."""
        return _run(self._api.get_video(video_id))

    def list_videos(self, limit: int | None = None) -> Iterator[catalog.Video]:
        """The newest videos, at most `limit`, all by default."""
        return _each(self._api.list_videos(limit))

    def update_video(
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
        return _run(
            self._api.update_video(
                video_id,
                title=title,
                description=description,
                playback_policy=playback_policy,
                etag=etag,
                request_id=request_id,
            )
        )

    def publish_video(
        self,
        video_id: str,
        *,
        seconds: float,
        renditions: Iterable[catalog.Rendition],
        manifest_path: str = "",
        request_id: str = "",
    ) -> catalog.Video:
        """Makes a packaged video watchable; `seconds` is its playing time."""
        return _run(
            self._api.publish_video(
                video_id,
                seconds=seconds,
                renditions=renditions,
                manifest_path=manifest_path,
                request_id=request_id,
            )
        )

    def unpublish_video(self, video_id: str, *, request_id: str = "") -> catalog.Video:
        """Takes a video from its viewers; it can be published again."""
        return _run(self._api.unpublish_video(video_id, request_id=request_id))

    def delete_video(self, video_id: str, *, etag: str = "", request_id: str = "") -> catalog.Video:
        """Takes a video away for good; with an etag only the one that it stands for."""
        return _run(self._api.delete_video(video_id, etag=etag, request_id=request_id))

    def report_progress(self, video_id: str, percent: int, *, request_id: str = "") -> catalog.Video:
        """Says how far packaging is, 0 to 100."""
        return _run(self._api.report_progress(video_id, percent, request_id=request_id))

    def fail_video(self, video_id: str, code: str, message: str, *, request_id: str = "") -> catalog.Video:
        """Gives a video up that cannot be packaged; `code` is a stable word such as SOURCE_UNREADABLE."""
        return _run(self._api.fail_video(video_id, code, message, request_id=request_id))
