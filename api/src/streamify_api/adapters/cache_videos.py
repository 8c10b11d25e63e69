# SPDX-License-Identifier: Apache-2.0
"""Published videos, remembered, so that watching goes on while the store does not answer.

- Up to `fresh_seconds` old: answered as it is.
- Older: read anew, once for everybody who asks (single flight). A store that takes longer than `patience_seconds` or
  fails is taken for down: until a probe, one each `probe_seconds`, succeeds, what is at most `stale_seconds` old is
  answered at once, marked stale.
- Unknown here while the store is down (a task that just started): the descriptor that
  publishing left in S3, marked stale.
- "There is no such video" is never remembered: a video can be watched as soon as its publication was
  acknowledged.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

from streamify_api.domain.errors import UnavailableError
from streamify_api.domain.videos import Video, VideoState
from streamify_api.services.ports import Descriptors, FoundVideo, Store

type _Question = Callable[[str], Coroutine[object, object, Video | None]]


@dataclass(frozen=True, slots=True)
class CacheLimits:
    """Seconds and entries. An entry takes about 2 KB."""

    fresh_seconds: float = 5.0
    stale_seconds: float = 3600.0
    patience_seconds: float = 0.4
    cold_patience_seconds: float = 1.0
    probe_seconds: float = 1.0
    capacity: int = 20_000


@dataclass(frozen=True, slots=True)
class _Entry:
    video: Video
    read_at: float  # by the cache's clock
    certain: bool  # from the store, not from a descriptor


class CachedVideos:
    """Implements services.ports.PublishedVideos.

    Args:
        store: the truth.
        descriptors: what is asked when the store is down and the video is not remembered.
        limits: how old, how long, how many.
        clock: seconds that never go back.
        observe: told how each question ended: fresh, refreshed, stale, descriptor, missing or unavailable.
    """

    def __init__(
        self,
        store: Store,
        descriptors: Descriptors,
        limits: CacheLimits,
        *,
        clock: Callable[[], float] = time.monotonic,
        observe: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._store = store
        self._descriptors = descriptors
        self._limits = limits
        self._clock = clock
        self._observe = observe
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._reads: dict[str, asyncio.Task[Video | None]] = {}
        self._fallbacks: dict[str, asyncio.Task[Video | None]] = {}
        self._down = False
        self._next_probe = 0.0

    @property
    def store_is_down(self) -> bool:
        """Whether the store failed or was too slow when it was last asked."""
        return self._down

    def __len__(self) -> int:
        return len(self._entries)

    async def get(self, video_id: str) -> FoundVideo | None:
        """A published video, as fresh as can be had in time."""
        entry = self._entries.get(video_id)
        if entry is not None:
            self._entries.move_to_end(video_id)
            age = self._clock() - entry.read_at
            if entry.certain and age < self._limits.fresh_seconds:
                self._observe("fresh")
                return FoundVideo(entry.video, age, stale=False)
            if age < self._limits.stale_seconds:
                return await self._refreshed(video_id, entry)
        return await self._found(video_id)

    async def _refreshed(self, video_id: str, entry: _Entry) -> FoundVideo | None:
        if self._down:
            self._probe(video_id)
        else:
            try:
                return self._certain(await self._read(video_id, self._limits.patience_seconds))
            except UnavailableError:
                pass
        self._observe("stale")
        return FoundVideo(entry.video, self._clock() - entry.read_at, stale=True)

    async def _found(self, video_id: str) -> FoundVideo | None:
        if self._down:
            self._probe(video_id)
        else:
            try:
                return self._certain(await self._read(video_id, self._limits.cold_patience_seconds))
            except UnavailableError:
                pass
        try:
            video = await self._once(self._fallbacks, video_id, self._descriptors.get)
        except UnavailableError:
            self._observe("unavailable")
            raise
        if video is None:
            self._observe("unavailable")
            raise UnavailableError("DEPENDENCY_UNAVAILABLE", "The catalogue does not answer; try again later.")
        self._remember(video, certain=False)
        self._observe("descriptor")
        return FoundVideo(video, 0.0, stale=True)

    def _certain(self, video: Video | None) -> FoundVideo | None:
        self._observe("missing" if video is None else "refreshed")
        return None if video is None else FoundVideo(video, 0.0, stale=False)

    def _probe(self, video_id: str) -> None:
        """Ask the store in the background, now and then."""
        if self._clock() >= self._next_probe:
            self._next_probe = self._clock() + self._limits.probe_seconds
            self._start(self._reads, video_id, self._load)

    async def _read(self, video_id: str, patience: float) -> Video | None:
        """What the store says, if it says it in time.

        Raises:
            UnavailableError: it does not.
        """
        joined = video_id in self._reads
        try:
            async with asyncio.timeout(patience):
                video = await self._once(self._reads, video_id, self._load)
                if video is None and joined:
                    # That read may have begun before the video was published: ours begins now.
                    video = await self._once(self._reads, video_id, self._load)
        except TimeoutError:
            self._fail()
            raise UnavailableError("DEPENDENCY_UNAVAILABLE", "The catalogue answers too slowly.") from None
        return video

    async def _load(self, video_id: str) -> Video | None:
        try:
            video = await self._store.get_video(video_id)
        except UnavailableError:
            self._fail()
            raise
        self._down = False
        if video is None or video.state is not VideoState.PUBLISHED:
            self._entries.pop(video_id, None)
            return None
        self._remember(video, certain=True)
        return video

    def _fail(self) -> None:
        if not self._down:
            self._down = True
            self._next_probe = self._clock() + self._limits.probe_seconds

    def _remember(self, video: Video, *, certain: bool) -> None:
        self._entries[video.video_id] = _Entry(video, self._clock(), certain)
        self._entries.move_to_end(video.video_id)
        if len(self._entries) > self._limits.capacity:
            self._entries.popitem(last=False)

    async def _once(
        self, running: dict[str, asyncio.Task[Video | None]], video_id: str, ask: _Question
    ) -> Video | None:
        """Ask, or wait for the answer to the same question; a caller who leaves takes nobody else's answer away."""
        return await asyncio.shield(self._start(running, video_id, ask))

    def _start(
        self, running: dict[str, asyncio.Task[Video | None]], video_id: str, ask: _Question
    ) -> asyncio.Task[Video | None]:
        task = running.get(video_id)
        if task is None:
            task = running[video_id] = asyncio.create_task(ask(video_id))

            def ended(done: asyncio.Task[Video | None]) -> None:
                running.pop(video_id, None)
                if not done.cancelled():
                    done.exception()  # nobody may be waiting for it any more

            task.add_done_callback(ended)
        return task
