# SPDX-License-Identifier: Apache-2.0
"""Viewers and an upload service while DynamoDB refuses every connection, and while it takes requests without answering.

Three tasks, which are processes of their own: two that know the videos, one that starts while DynamoDB is away.
"""

import asyncio
import contextlib
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import grpc
import httpx
from contract.callers import Service, reason
from contract.platform_state import Issuer
from contract.processes import Api, run_api
from contract.stoppable import Mode, StoppableProxy

_VIDEOS = 20
_PLAYBACKS_A_SECOND = 20.0  # of each task
_CHANGES_A_SECOND = 2.0
_LONGEST_SECONDS = 10.0
_RECOVERY_SECONDS = 30.0


@dataclass
class Watched:
    """Playback of known videos on one task.

    Attributes:
        seconds: how long each answer took.
        failures: what was no 200, and when, in seconds since the beginning.
        stale: how many answers said that they are old.
    """

    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    stale: int = 0


@dataclass
class Outage:
    """What was seen.

    Attributes:
        watched: by task.
        refusals: status and reason of the changes that were asked for while DynamoDB was away.
        refusal_seconds: how long each of these took.
        recovery_seconds: until a change succeeds and no task's playback is stale any more; None: not in time.
    """

    watched: dict[str, Watched] = field(default_factory=dict)
    refusals: Counter[str] = field(default_factory=Counter)
    refusal_seconds: list[float] = field(default_factory=list)
    recovery_seconds: float | None = None

    @property
    def problems(self) -> list[str]:
        """What must not be; nothing when all is well."""
        found = [f"{name}: {text}" for name, watched in self.watched.items() for text in watched.failures]
        if set(self.refusals) != {"UNAVAILABLE DEPENDENCY_UNAVAILABLE"}:
            found.append(f"changes were answered {dict(self.refusals)}")
        if self.recovery_seconds is None:
            found.append(f"not all well again within {_RECOVERY_SECONDS:.0f} s")
        return found

    def lines(self) -> list[str]:
        """For people."""
        told = [
            f"{name}: {len(watched.seconds)} playbacks, {len(watched.failures)} failed, {watched.stale} stale;"
            f" median {statistics.median(watched.seconds) * 1000:.0f} ms, longest {max(watched.seconds) * 1000:.0f} ms"
            for name, watched in self.watched.items()
        ]
        told.append(
            f"changes: {dict(self.refusals)}; first refused after {self.refusal_seconds[0] * 1000:.0f} ms,"
            f" median {statistics.median(self.refusal_seconds) * 1000:.0f} ms,"
            f" longest {max(self.refusal_seconds) * 1000:.0f} ms"
        )
        if self.recovery_seconds is not None:
            told.append(f"all well {self.recovery_seconds:.1f} s after DynamoDB was back, with nobody's help")
        return told


@contextlib.asynccontextmanager
async def _repeated(work: Callable[[int], Awaitable[None]], per_second: float) -> AsyncIterator[None]:
    """Begin `work` so often, whether or not the one before has ended; leaves when all have."""
    running: set[asyncio.Task[None]] = set()

    async def begin() -> None:
        number, start = 0, time.monotonic()
        while True:
            running.add(asyncio.ensure_future(work(number)))
            number += 1
            await asyncio.sleep(max(0.0, start + number / per_second - time.monotonic()))

    beginning = asyncio.create_task(begin())
    try:
        yield
    finally:
        beginning.cancel()
        await asyncio.gather(beginning, *running, return_exceptions=True)


@contextlib.asynccontextmanager
async def _viewers(api: Api, videos: list[str], told: Watched) -> AsyncIterator[httpx.AsyncClient]:
    """People who watch, all the time."""
    async with httpx.AsyncClient(base_url=api.http_url, timeout=_LONGEST_SECONDS) as http:

        async def watch(number: int) -> None:
            begin = time.monotonic()
            try:
                answer = await http.get(f"/v1/videos/{videos[number % len(videos)]}/playback")
            except httpx.HTTPError as error:
                told.failures.append(f"{type(error).__name__} after {time.monotonic() - begin:.1f} s")
                return
            told.seconds.append(time.monotonic() - begin)
            if answer.status_code != 200:
                told.failures.append(f"{answer.status_code}: {answer.text}")
            elif answer.json()["stale"]:
                told.stale += 1

        async with _repeated(watch, _PLAYBACKS_A_SECOND):
            yield http


async def _change(service: Service) -> str:
    """Ask for one; "" when it was made."""
    try:
        await service.create()
    except grpc.aio.AioRpcError as error:
        return f"{error.code().name} {reason(error).reason}"
    return ""


async def _is_fresh(http: httpx.AsyncClient, video_id: str) -> bool:
    return (await http.get(f"/v1/videos/{video_id}/playback")).json().get("stale") is False


async def _recovered(service: Service, viewers: list[httpx.AsyncClient], video_id: str) -> float | None:
    begin = time.monotonic()
    while time.monotonic() < begin + _RECOVERY_SECONDS:
        fresh = [await _is_fresh(http, video_id) for http in viewers]
        if all(fresh) and not await _change(service):
            return time.monotonic() - begin
        await asyncio.sleep(0.1)
    return None


async def watch_an_outage(
    environment: dict[str, str], dynamodb: StoppableProxy, issuer: Issuer, mode: Mode, seconds: float
) -> Outage:
    """What viewers and an upload service see while DynamoDB is away for so long.

    Args:
        environment: settings of a task; its DynamoDB is the proxy.
        dynamodb: open when this begins and when it ends.
        issuer: makes the upload service's token.
        mode: how it is away.
        seconds: how long.
    """
    outage = Outage()
    async with contextlib.AsyncExitStack() as stack:
        tasks = [stack.enter_context(run_api(environment)) for _ in range(2)]
        channel = await stack.enter_async_context(grpc.aio.insecure_channel(tasks[0].grpc_target))
        service = Service(channel, issuer.token())
        videos = [(await service.published()).video_id for _ in range(_VIDEOS)]
        viewers = []
        for number, task in enumerate(tasks, 1):
            told = outage.watched[f"task {number}, which knows the videos"] = Watched()
            viewers.append(await stack.enter_async_context(_viewers(task, videos, told)))
        for http in viewers:
            for video_id in videos:  # every task has been asked for every video
                await http.get(f"/v1/videos/{video_id}/playback")

        async def change(_: int) -> None:
            begin = time.monotonic()
            outage.refusals[await _change(service)] += 1
            outage.refusal_seconds.append(time.monotonic() - begin)

        dynamodb.set(mode)
        end = time.monotonic() + seconds
        async with _repeated(change, _CHANGES_A_SECOND):
            await asyncio.sleep(seconds / 4)
            starting = run_api(environment)
            late = await asyncio.to_thread(starting.__enter__)
            stack.push(starting)
            told = outage.watched["task 3, which started meanwhile"] = Watched()
            viewers.append(await stack.enter_async_context(_viewers(late, videos, told)))
            await asyncio.sleep(max(0.0, end - time.monotonic() - _LONGEST_SECONDS / 2))
        # The last changes have been answered, and nothing else is asked, before it is back.
        await asyncio.sleep(max(0.0, end - time.monotonic()))
        dynamodb.set(Mode.OPEN)
        outage.recovery_seconds = await _recovered(service, viewers, videos[0])
    return outage
