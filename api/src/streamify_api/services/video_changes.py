# SPDX-License-Identifier: Apache-2.0
"""Changes of the catalogue. Each is one conditional write with the memory of its request, and can be repeated."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Set
from dataclasses import asdict, dataclass, replace
from datetime import timedelta

from streamify_api.domain.callers import Caller
from streamify_api.domain.errors import InvalidArgumentError, StateConflictError, StreamifyError, video_not_found
from streamify_api.domain.ids import parse_video_id
from streamify_api.domain.videos import (
    DEFAULT_MANIFEST_PATH,
    Failure,
    PlaybackPolicy,
    Rendition,
    Video,
    VideoState,
    check_media_path,
    check_publication,
)
from streamify_api.services.ports import (
    AlreadyChangedError,
    CdnCache,
    Chore,
    Clock,
    Descriptors,
    MediaStorage,
    RequestRecord,
    Store,
)
from streamify_api.services.requests import conflict, earlier_outcome, record_for, remember
from streamify_api.telemetry import log

UPDATABLE = frozenset({"title", "description", "playback_policy"})
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Publication:
    """What a caller says about a packaged video."""

    request_id: str
    manifest_path: str
    duration: timedelta
    renditions: tuple[Rendition, ...]


@dataclass(frozen=True, slots=True)
class _Request:
    """A mutation: who, which method, under which id, with which other fields."""

    caller: Caller
    method: str
    request_id: str
    fields: Mapping[str, object]


class VideoChanges:
    """The use cases that change a video. Each raises

    InvalidArgumentError if an id or a field is out of range, NotFoundError if there is no such video for the caller,
    RequestIdReusedError if the request_id was used with other fields, and StateConflictError if the video is in a state
    that does not allow it. Without a `cdn` there are no copies of media that had to be forgotten.
    """

    def __init__(
        self, store: Store, media: MediaStorage, descriptors: Descriptors, cdn: CdnCache | None, clock: Clock
    ) -> None:
        self._store = store
        self._media = media
        self._descriptors = descriptors
        self._cdn = cdn
        self._clock = clock

    async def publish(self, caller: Caller, video_id: str, publication: Publication) -> Video:
        """Make a packaged video watchable. Its manifest must have been uploaded."""
        manifest_path = check_media_path(publication.manifest_path or DEFAULT_MANIFEST_PATH)
        check_publication(publication.duration, publication.renditions)
        fields = {
            "manifest_path": manifest_path,
            "duration": publication.duration.total_seconds(),
            "renditions": [asdict(rendition) for rendition in publication.renditions],
        }

        async def ready(video: Video) -> None:
            if not await self._media.exists(video, manifest_path):
                raise StateConflictError(
                    "MANIFEST_MISSING",
                    f"{manifest_path} was not uploaded.",
                    {"video_id": video_id, "path": manifest_path},
                )

        now = self._clock()
        return await self._change(
            _Request(caller, "PublishVideo", publication.request_id, fields),
            video_id,
            lambda video: video.published(manifest_path, publication.duration, publication.renditions, now),
            ready=ready,
        )

    async def update(
        self, caller: Caller, video_id: str, request_id: str, changes: Mapping[str, str], mask: Set[str], etag: str
    ) -> Video:
        """Change the fields that the mask names.

        Raises:
            ConflictingChangeError: the video is not what the etag stands for.
        """
        if not mask or not mask <= UPDATABLE:
            raise InvalidArgumentError(
                "INVALID_UPDATE_MASK", f"update_mask must name some of {', '.join(sorted(UPDATABLE))}."
            )
        named = {name: changes[name] for name in mask}
        policy = PlaybackPolicy(named["playback_policy"]) if "playback_policy" in named else None
        now = self._clock()
        return await self._change(
            _Request(caller, "UpdateVideo", request_id, {"changes": named, "etag": etag}),
            video_id,
            lambda video: video.described(named.get("title"), named.get("description"), now, policy),
            etag=etag,
        )

    async def unpublish(self, caller: Caller, video_id: str, request_id: str) -> Video:
        """Take a video from its viewers, and its media from the CDN's edges."""
        now = self._clock()
        return await self._change(
            _Request(caller, "UnpublishVideo", request_id, {}), video_id, lambda video: video.unpublished(now)
        )

    async def delete(self, caller: Caller, video_id: str, request_id: str, etag: str) -> Video:
        """Take a video from everybody for good, and its media from the CDN's edges; the janitor removes them.

        Raises:
            ConflictingChangeError: the video is not what the etag stands for.
        """
        now = self._clock()
        return await self._change(
            _Request(caller, "DeleteVideo", request_id, {"etag": etag}),
            video_id,
            lambda video: video.deleted(now),
            etag=etag,
        )

    async def report_progress(self, caller: Caller, video_id: str, request_id: str, percent: int) -> Video:
        """Say how far packaging is."""
        now = self._clock()
        return await self._change(
            _Request(caller, "ReportProgress", request_id, {"percent": percent}),
            video_id,
            lambda video: video.progressed(percent, now),
        )

    async def fail(self, caller: Caller, video_id: str, request_id: str, failure: Failure) -> Video:
        """Give a video up."""
        now = self._clock()
        return await self._change(
            _Request(caller, "FailVideo", request_id, asdict(failure)),
            video_id,
            lambda video: video.failed(failure, now),
        )

    async def _change(
        self,
        request: _Request,
        video_id: str,
        change: Callable[[Video], Video],
        *,
        etag: str = "",
        ready: Callable[[Video], Awaitable[None]] | None = None,
    ) -> Video:
        fields = {**request.fields, "video_id": parse_video_id(video_id)}
        record = record_for(request.caller, request.method, request.request_id, fields, self._clock())
        for _ in range(_ATTEMPTS):
            # The video before the record: if the record is not there yet, this video is from before the change.
            before = await self._store.get_video(video_id)
            outcome = await earlier_outcome(self._store, record)
            if isinstance(outcome, Video):
                await self._describe(before)
                return outcome
            if before is None or before.tenant != request.caller.tenant:
                raise video_not_found(video_id)
            before.require_etag(etag)
            after = change(before)
            if after is before:
                await remember(self._store, replace(record, outcome=after))
                return after
            if ready is not None:
                await ready(before)
            withdrawal = self._withdrawal(before, after, record)
            try:
                await self._store.change_video(before, after, replace(record, outcome=after), withdrawal)
            except AlreadyChangedError:
                continue  # somebody was faster: the same request on another task, or another change
            if VideoState.PUBLISHED in {before.state, after.state}:
                await self._describe(after)
            if withdrawal is not None:
                await self._withdraw(after, withdrawal)
            return after
        raise conflict()

    def _withdrawal(self, before: Video, after: Video, record: RequestRecord) -> Chore | None:
        """What the CDN has to be told of a video that is not published any more.

        It is written with the change, so that whatever happens to this task, the janitor makes up for it. Its name
        comes from the request, so that both together are one invalidation.
        """
        if self._cdn is None or before.state is not VideoState.PUBLISHED or after.state is VideoState.PUBLISHED:
            return None
        reference = hashlib.sha256(f"{record.key}\0{after.video_id}".encode()).hexdigest()[:32]
        return Chore(after.video_id, self._clock(), reference)

    async def _withdraw(self, video: Video, chore: Chore) -> None:
        """Tell the CDN now. The change is done already: what fails here is left to the janitor."""
        if self._cdn is None:
            return
        try:
            await self._cdn.forget(video.media_root, chore.reference)
            await self._store.remove_chore(chore)
        except StreamifyError as error:
            log.warning("the CDN is told later", video_id=video.video_id, error=error.message)

    async def _describe(self, video: Video | None) -> None:
        """Keep the copy that players live on while the store is down. A change is acknowledged only with it."""
        if video is None:
            return
        if video.state is VideoState.PUBLISHED:
            await self._descriptors.put(video)
        elif video.state in {VideoState.UNPUBLISHED, VideoState.DELETED}:
            await self._descriptors.remove(video.video_id)
