# SPDX-License-Identifier: Apache-2.0
"""Published videos are remembered: fresh, stale while the store is down, from a descriptor on a cold task."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import cast

import pytest
from streamify_api.adapters.cache_videos import CachedVideos, CacheLimits
from streamify_api.domain.errors import UnavailableError
from streamify_api.domain.videos import Video, VideoState
from streamify_api.services.ports import Descriptors, Store

LIMITS = CacheLimits(
    fresh_seconds=5,
    stale_seconds=60,
    patience_seconds=60,  # no test that is not about a stuck store ends because the machine was busy
    cold_patience_seconds=60,
    probe_seconds=1,
    capacity=3,
)


def video(video_id: str, title: str = "A walk", state: VideoState = VideoState.PUBLISHED) -> Video:
    return Video(video_id, "acme", title, state, "prefix", datetime(2030, 1, 1, tzinfo=UTC))


@dataclass
class World:
    """A store and descriptors that can be stopped, and a clock that is moved by hand."""

    videos: dict[str, Video] = field(default_factory=dict)
    descriptors: dict[str, Video] = field(default_factory=dict)
    now: float = 1000.0
    down: bool = False
    stuck: bool = False
    reads: int = 0
    gate: asyncio.Event | None = None
    outcomes: list[str] = field(default_factory=list)

    async def get_video(self, video_id: str) -> Video | None:
        self.reads += 1
        if self.down:
            raise UnavailableError("DEPENDENCY_UNAVAILABLE", "down")
        if self.stuck:
            await asyncio.sleep(3600)
        answer = self.videos.get(video_id)
        if self.gate is not None:
            await self.gate.wait()
        return answer

    async def get(self, video_id: str) -> Video | None:
        return self.descriptors.get(video_id)


@pytest.fixture
def world() -> World:
    return World({name: video(name) for name in "abcde"})


def cached(world: World, limits: CacheLimits) -> CachedVideos:
    return CachedVideos(
        cast(Store, world),
        cast(Descriptors, world),
        limits,
        clock=lambda: world.now,
        observe=world.outcomes.append,
    )


@pytest.fixture
def cache(world: World) -> CachedVideos:
    return cached(world, LIMITS)


@pytest.fixture
def impatient(world: World) -> CachedVideos:
    return cached(world, replace(LIMITS, patience_seconds=0.5, cold_patience_seconds=0.5))


async def title(cache: CachedVideos, video_id: str = "a") -> tuple[str, bool]:
    found = await cache.get(video_id)
    assert found is not None
    return found.video.title, found.stale


async def test_a_fresh_answer_asks_nobody(cache: CachedVideos, world: World) -> None:
    for _ in range(3):
        assert await title(cache) == ("A walk", False)
    assert world.reads == 1
    assert world.outcomes == ["refreshed", "fresh", "fresh"]


async def test_a_change_is_seen_once_the_answer_is_not_fresh(cache: CachedVideos, world: World) -> None:
    await title(cache)
    world.videos["a"] = video("a", "A run")
    world.now += LIMITS.fresh_seconds
    assert await title(cache) == ("A run", False)


async def test_what_is_not_published_any_more_is_gone(cache: CachedVideos, world: World) -> None:
    await title(cache)
    world.videos["a"] = video("a", state=VideoState.PROCESSING)
    world.now += LIMITS.fresh_seconds
    assert await cache.get("a") is None
    world.down = True
    with pytest.raises(UnavailableError):
        await cache.get("a")


async def test_many_who_ask_at_once_are_one_read(cache: CachedVideos, world: World) -> None:
    world.gate = asyncio.Event()
    asking = [asyncio.create_task(title(cache)) for _ in range(32)]
    await asyncio.sleep(0)
    world.gate.set()
    assert set(await asyncio.gather(*asking)) == {("A walk", False)}
    assert world.reads == 1


async def test_somebody_who_leaves_takes_nobody_elses_answer_away(cache: CachedVideos, world: World) -> None:
    world.gate = asyncio.Event()
    leaving, staying = asyncio.create_task(title(cache)), asyncio.create_task(title(cache))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.sleep(0)
    world.gate.set()
    assert await staying == ("A walk", False)


async def test_a_publication_during_somebody_elses_read_is_seen(cache: CachedVideos, world: World) -> None:
    world.gate = asyncio.Event()
    early = asyncio.create_task(cache.get("new"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)  # the read is a task of its own
    assert world.reads == 1
    world.videos["new"] = video("new")  # acknowledged now
    late = asyncio.create_task(title(cache, "new"))
    await asyncio.sleep(0)
    world.gate.set()
    assert await late == ("A walk", False)
    assert await early is None


async def test_nothing_is_never_remembered(cache: CachedVideos, world: World) -> None:
    assert await cache.get("new") is None
    world.videos["new"] = video("new")
    assert await title(cache, "new") == ("A walk", False)


@pytest.mark.parametrize("trouble", ["down", "stuck"])
async def test_while_the_store_is_down_the_old_answer_is_marked(
    impatient: CachedVideos, world: World, trouble: str
) -> None:
    await title(impatient)
    setattr(world, trouble, True)
    world.now += LIMITS.fresh_seconds
    for _ in range(20):
        assert await title(impatient) == ("A walk", True)
    assert world.reads == 2  # no more than one probe a second
    world.now += LIMITS.probe_seconds
    assert await title(impatient) == ("A walk", True)
    world.now += LIMITS.stale_seconds
    with pytest.raises(UnavailableError):
        await impatient.get("a")


async def test_a_store_that_is_back_is_noticed_by_a_probe(cache: CachedVideos, world: World) -> None:
    await title(cache)
    world.down = True
    world.now += LIMITS.fresh_seconds
    assert await title(cache) == ("A walk", True)
    world.down = False
    world.videos["a"] = video("a", "A run")
    world.now += LIMITS.probe_seconds
    assert await title(cache) == ("A walk", True)  # at once; the probe runs meanwhile
    async with asyncio.timeout(60):
        while cache.store_is_down:  # noqa: ASYNC110 - the cache offers nothing to wait for
            await asyncio.sleep(0)
    assert await title(cache) == ("A run", False)


@pytest.mark.parametrize("trouble", ["down", "stuck"])
async def test_a_cold_task_plays_from_the_descriptor(impatient: CachedVideos, world: World, trouble: str) -> None:
    world.descriptors["a"] = video("a", "From S3")
    setattr(world, trouble, True)
    assert await title(impatient) == ("From S3", True)
    world.descriptors.clear()
    assert await title(impatient) == ("From S3", True)
    # Nobody can tell whether the others exist.
    with pytest.raises(UnavailableError):
        await impatient.get("b")


async def test_memory_is_bounded_and_keeps_what_is_watched(cache: CachedVideos, world: World) -> None:
    for name in ("a", "b", "c", "a", "d"):
        await title(cache, name)
    assert len(cache) == LIMITS.capacity
    reads = world.reads
    await title(cache, "a")
    assert world.reads == reads
    await title(cache, "b")
    assert world.reads == reads + 1
