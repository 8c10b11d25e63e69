# SPDX-License-Identifier: Apache-2.0
"""The workload: an open loop. Arrivals come when they are due, whatever became of those before; within bounds.

One arrival in ten is an upload, two are internal reads, the rest are players, every fifth of which also fetches media.
Each arrival is one kind of client: without retry, with one, with back-off, in turn.
"""

import asyncio
import itertools
import random
import threading
import uuid
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from chaos.clients import Caller, channel
from chaos.history import UploadHistory
from chaos.platform import ChaosError, Platform
from chaos.players import Player, Reader
from chaos.records import Client, Recorder
from chaos.uploads import Uploader

LONGEST_SECONDS = 1200.0
HIGHEST_RATE = 400.0  # arrivals a second
_LAST_ANSWERS_SECONDS = 60.0
_BODY_BYTES = 2048


@dataclass(frozen=True)
class Cast:
    """The callers of one kind."""

    player: Player
    reader: Reader
    uploader: Uploader


class Workload:
    """Runs in a thread of its own.

    Args:
        rate: arrivals a second; may be changed while it runs.
        patience: seconds after which a caller without back-off gives an attempt up.
        seed: of what is random.
        storage: see Uploader.
    """

    def __init__(
        self, platform: Platform, rate: float, patience: float, seed: int = 1, storage: str | None = None
    ) -> None:
        self.platform, self.rate, self.patience = platform, rate, patience
        self.recorder = Recorder()
        self.histories: list[UploadHistory] = []
        self.run_id = uuid.uuid4().hex[:8]
        self.tenant = f"chaos-{self.run_id}"
        self.token = platform.token(self.tenant)
        self.lateness = 0.0  # seconds by which the latest arrival came too late
        self.worst_lateness = 0.0
        self.clients: tuple[Client, ...] = tuple(Client)
        self._random = random.Random(seed)
        self._storage = storage
        self._ca = Path(platform.outputs["ca_file"]).read_bytes()
        self._stopping = threading.Event()
        self._problem: BaseException | None = None

    @contextmanager
    def running(self) -> Iterator[Recorder]:
        """Arrivals while the body runs; afterwards waits for the last answers.

        Raises:
            ChaosError: the generator itself broke.
        """
        thread = threading.Thread(target=self._main, name="workload", daemon=True)
        thread.start()
        try:
            yield self.recorder
        finally:
            self._stopping.set()
            thread.join(_LAST_ANSWERS_SECONDS + 15)
        if self._problem is not None or thread.is_alive():
            raise ChaosError(f"the workload broke: {self._problem!r}") from self._problem

    def is_broken(self) -> bool:
        """Whether the generator itself ended before its time."""
        return self._problem is not None

    def _main(self) -> None:
        try:
            asyncio.run(self._run())
        except BaseException as error:
            self._problem = error

    async def _run(self) -> None:
        async with AsyncExitStack() as stack:
            connector = aiohttp.TCPConnector(ssl=self.platform.tls, limit=0)
            jar = aiohttp.DummyCookieJar()  # players do not share cookies
            session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector, cookie_jar=jar))
            casts = {}
            for client in Client:
                caller = Caller(client, self.recorder, self.patience)
                opened = await stack.enter_async_context(
                    channel(self.platform.outputs["grpc_target"], self._ca, client)
                )
                casts[client] = Cast(
                    Player(self.platform, session, caller),
                    Reader(self.platform, opened, caller, self.platform.token("local")),
                    Uploader(opened, session, caller, self.token, self._storage),
                )
            await self._arrivals(casts)

    async def _arrivals(self, casts: dict[Client, Cast]) -> None:
        running: set[asyncio.Task[None]] = set()
        due = self.recorder.now()
        for number in itertools.count():
            if self._stopping.is_set() or due > LONGEST_SECONDS:
                break
            await asyncio.sleep(max(0.0, due - self.recorder.now()))
            self.lateness = max(0.0, self.recorder.now() - due)
            self.worst_lateness = max(self.worst_lateness, self.lateness)
            task = asyncio.create_task(self._arrival(number, due, casts[self.clients[number % len(self.clients)]]))
            running.add(task)
            task.add_done_callback(running.discard)
            due += 1 / min(self.rate, HIGHEST_RATE)
        if running:
            _done, late = await asyncio.wait(running, timeout=_LAST_ANSWERS_SECONDS)
            for task in late:
                task.cancel()

    async def _arrival(self, number: int, due: float, cast: Cast) -> None:
        kind = number // len(self.clients) % 10
        if kind == 0:
            history = UploadHistory(f"{self.run_id}-{number}", self._random.randbytes(_BODY_BYTES))
            self.histories.append(history)
            await cast.uploader.upload(due, history)
        elif kind in (3, 6):
            await cast.reader.read(due)
        else:
            await cast.player.watch(due, media=kind == 5)
