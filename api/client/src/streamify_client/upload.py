# SPDX-License-Identifier: Apache-2.0
"""Bringing a file here in parts, and going on with an upload that stopped, from any machine.

Storage's own list of parts is the truth: a part whose size and checksum are those of the file is not sent again.
"""

import asyncio
import itertools
import math
import mimetypes
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from streamify.catalog.v1 import catalog_service_pb2 as catalog
from streamify.upload.v1 import upload_service_pb2 as upload

from streamify_client.aio import AsyncClient, new_request_id, patiently
from streamify_client.checksums import composite, part_checksum
from streamify_client.errors import ChecksumError, ClientError, ConflictError, NotFoundError, UsageError
from streamify_client.resume import Memory
from streamify_client.transfer import PARALLEL, LinkRefusedError, Piece, Sender

_FILES_AT_ONCE = 100
_LONGEST_TITLE = 200
_LONGEST_NAME = 255
_OVER = {upload.UPLOAD_STATE_CANCELLED, upload.UPLOAD_STATE_EXPIRED}


class Progress(Protocol):
    """Who is told how far it is, perhaps from another thread."""

    def begin(self, step: str, total: float) -> None:
        """A step begins; total is in the unit of its advances."""

    def advance(self, amount: float) -> None:
        """The step came further, or fell back when the amount is negative."""

    def end(self) -> None:
        """The step is done."""

    def note(self, text: str) -> None:
        """Something worth knowing, such as the upload's id."""


class Silent:
    """A Progress that nobody looks at."""

    def begin(self, step: str, total: float) -> None:
        """Nothing."""

    def advance(self, amount: float) -> None:
        """Nothing."""

    def end(self) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """Nothing."""


@dataclass(frozen=True)
class _Source:
    """The file as it was when the upload began."""

    path: Path
    size_bytes: int
    modified_ns: int

    @classmethod
    def of(cls, path: Path) -> "_Source":
        try:
            found = path.stat()
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
        if not found.st_size:
            raise UsageError(f"{path} is empty.")
        return cls(path, found.st_size, found.st_mtime_ns)


async def upload_source(
    client: AsyncClient,
    path: Path,
    *,
    title: str = "",
    playback_policy: catalog.PlaybackPolicy = catalog.PLAYBACK_POLICY_UNSPECIFIED,
    resume: str = "",
    parallel: int = PARALLEL,
    memory: Memory | None = None,
    progress: Progress | None = None,
) -> upload.Upload:
    """Uploads a file, or goes on with an upload of it that stopped.

    Args:
        client: the platform.
        path: the file.
        title: of the video; the file's name by default.
        playback_policy: who may watch it; everybody by default.
        resume: id of the upload to go on with.
        parallel: parts on their way at once.
        memory: what this machine remembers; looked at unless `resume` is given. The caller forgets it.
        progress: is told how far it is.

    Returns:
        The completed upload; its checksum has been compared with the file's.

    Raises:
        UsageError: the file is empty, cannot be read, or is not the one that the upload was created for.
        ConflictError: the upload to go on with is over, or the file changed while it was sent.
        ChecksumError: storage holds something else.
        ClientError: the platform or its storage refused.
    """
    source = _Source.of(path)
    shown = progress or Silent()
    shown_title = (title or path.stem)[:_LONGEST_TITLE]
    made = await _find_or_create(client, source, shown_title, playback_policy, resume, memory)
    if made.size_bytes != source.size_bytes:
        raise UsageError(f"{made.upload_id} is for a file of {made.size_bytes} bytes; {path} has {source.size_bytes}.")
    if made.state in _OVER:
        state = upload.UploadState.Name(made.state).removeprefix("UPLOAD_STATE_").lower()
        raise ConflictError(f"{made.upload_id} is {state}: begin anew, without --resume.")
    if made.part_count != math.ceil(source.size_bytes / made.part_size_bytes):
        raise ClientError("The platform's parts do not add up to the file.")
    shown.note(f"upload {made.upload_id} (after an interruption, also on another machine: --resume {made.upload_id})")
    shown.begin("Uploading", source.size_bytes)
    done = await _Run(client, source, made, shown).complete(parallel)
    shown.end()
    return done


async def _find_or_create(
    client: AsyncClient,
    source: _Source,
    title: str,
    playback_policy: catalog.PlaybackPolicy,
    resume: str,
    memory: Memory | None,
) -> upload.Upload:
    if resume:
        return await patiently(lambda: client.get_upload(resume))
    remembered = memory.recall(title, playback_policy) if memory else None
    if remembered and remembered.upload_id:
        known_id = remembered.upload_id
        try:
            known = await patiently(lambda: client.get_upload(known_id))
        except NotFoundError:
            known = None
        if known is not None and known.state not in _OVER and known.size_bytes == source.size_bytes:
            return known
        remembered = replace(remembered, request_id=new_request_id(), upload_id="")
    if memory and remembered:
        memory.keep(remembered)
    request_id = remembered.request_id if remembered else new_request_id()
    made = await patiently(
        lambda: client.create_upload(
            title=title,
            filename=source.path.name[-_LONGEST_NAME:],
            content_type=content_type_of(source.path),
            size_bytes=source.size_bytes,
            playback_policy=playback_policy,
            request_id=request_id,
        )
    )
    if memory and remembered:
        memory.keep(replace(remembered, upload_id=made.upload_id))
    return made


@dataclass(frozen=True)
class _Ready:
    """A part that is to be sent; its URL has just been made."""

    number: int
    checksum: str
    link: upload.PartUrl


class _Run:
    """One attempt to complete an upload."""

    def __init__(self, client: AsyncClient, source: _Source, made: upload.Upload, progress: Progress) -> None:
        self._client, self._source, self._upload, self._progress = client, source, made, progress
        self._checksums: dict[int, str] = {}
        self._etags: dict[int, str] = {}

    async def complete(self, parallel: int) -> upload.Upload:
        """Send what is missing, join the parts, compare the checksums."""
        made = self._upload
        if made.state == upload.UPLOAD_STATE_COMPLETED:
            for number in range(1, made.part_count + 1):
                await self._checksum(number)
                self._progress.advance(self._span(number)[1])
            done = made
        else:
            stored = {
                part.part_number: part for part in await patiently(lambda: self._client.list_parts(made.upload_id))
            }
            async with Sender(self._client.connection.ca_file, parallel) as sender:
                await self._send(sender, stored, parallel)
            done = await self._join()
        ours = composite(made.checksum_algorithm, [self._checksums[n] for n in range(1, made.part_count + 1)])
        if done.checksum != ours:
            raise ChecksumError(
                f"Storage holds something else than {self._source.path}: its checksum is {done.checksum or 'not known'}"
                f", the file's is {ours}."
            )
        return done

    async def _join(self) -> upload.Upload:
        if _Source.of(self._source.path) != self._source:
            raise ConflictError(f"{self._source.path} changed while it was being sent: run the command again.")
        numbers = range(1, self._upload.part_count + 1)
        parts = [upload.CompletedPart(part_number=n, etag=self._etags[n], checksum=self._checksums[n]) for n in numbers]
        whole = composite(self._upload.checksum_algorithm, [self._checksums[n] for n in numbers])
        request_id = new_request_id()
        return await patiently(
            lambda: self._client.complete_upload(self._upload.upload_id, parts, checksum=whole, request_id=request_id)
        )

    async def _send(self, sender: Sender, stored: dict[int, upload.StoredPart], parallel: int) -> None:
        # Checksums and URLs are made a few parts ahead of those that are on their way.
        ready: asyncio.Queue[_Ready | None] = asyncio.Queue(parallel)

        async def prepare() -> None:
            async for batch in _batched(self._missing(stored), parallel):
                for part in await self._links(dict(batch)):
                    await ready.put(part)
            for _ in range(parallel):
                await ready.put(None)

        async def work() -> None:
            while (part := await ready.get()) is not None:
                self._etags[part.number] = await self._send_part(sender, part)

        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(prepare())
                for _ in range(parallel):
                    group.create_task(work())
        except* ClientError as errors:
            first: BaseException = errors
            while isinstance(first, BaseExceptionGroup):
                first = first.exceptions[0]
            raise first from None

    async def _missing(self, stored: dict[int, upload.StoredPart]) -> AsyncIterator[tuple[int, str]]:
        for number in range(1, self._upload.part_count + 1):
            checksum = await self._checksum(number)
            size = self._span(number)[1]
            held = stored.get(number)
            # Without a checksum nobody can tell whether the bytes are the same.
            if held is not None and checksum and (held.size_bytes, held.checksum) == (size, checksum):
                self._etags[number] = held.etag
                self._progress.advance(size)
            else:
                yield number, checksum

    async def _links(self, checksums: dict[int, str]) -> list[_Ready]:
        signed = {number: checksum for number, checksum in checksums.items() if checksum}
        urls = await patiently(lambda: self._client.create_part_urls(self._upload.upload_id, list(checksums), signed))
        return [_Ready(url.part_number, checksums[url.part_number], url) for url in urls]

    async def _send_part(self, sender: Sender, part: _Ready) -> str:
        try:
            return await sender.send(self._piece(part), self._progress.advance)
        except LinkRefusedError:  # it may have waited for longer than it was good
            (again,) = await self._links({part.number: part.checksum})
            return await sender.send(self._piece(again), self._progress.advance)

    def _piece(self, part: _Ready) -> Piece:
        offset, size = self._span(part.number)
        label = f"part {part.number} of {self._upload.upload_id}"
        return Piece(self._source.path, offset, size, part.link.url, dict(part.link.headers), label)

    def _span(self, number: int) -> tuple[int, int]:
        offset = (number - 1) * self._upload.part_size_bytes
        return offset, min(self._upload.part_size_bytes, self._source.size_bytes - offset)

    async def _checksum(self, number: int) -> str:
        algorithm = self._upload.checksum_algorithm
        made = await asyncio.to_thread(part_checksum, algorithm, self._source.path, *self._span(number))
        self._checksums[number] = made
        return made


async def _batched[T](items: AsyncIterator[T], size: int) -> AsyncIterator[list[T]]:
    batch: list[T] = []
    async for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


async def send_media(
    client: AsyncClient,
    video_id: str,
    folder: Path,
    files: Iterable[tuple[str, str]],
    *,
    parallel: int = PARALLEL,
    progress: Progress | None = None,
) -> None:
    """Uploads the files of a packaged video, the last one, its master manifest, when all others are there.

    Args:
        client: the platform.
        video_id: the video, in the state PROCESSING.
        folder: holds the files.
        files: path below the folder and media type, the master manifest last.
        parallel: files on their way at once.
        progress: is told how far it is.

    Raises:
        ClientError: the platform or its storage refused.
    """
    shown = progress or Silent()
    described = [
        catalog.MediaFile(path=path, content_type=kind, size_bytes=(folder / path).stat().st_size)
        for path, kind in files
    ]
    shown.begin("Sending media", sum(file.size_bytes for file in described))
    async with Sender(client.connection.ca_file, parallel) as sender:
        for batch in [*itertools.batched(described[:-1], _FILES_AT_ONCE, strict=False), described[-1:]]:
            urls = await patiently(lambda batch=batch: client.create_media_urls(video_id, batch))  # type: ignore[misc]
            sizes = {file.path: file.size_bytes for file in batch}
            pieces = [Piece(folder / u.path, 0, sizes[u.path], u.url, dict(u.headers), u.path) for u in urls]
            await sender.send_all(pieces, shown.advance)
    shown.end()


def content_type_of(path: Path) -> str:
    """The media type that the platform shall store, by the file's name."""
    guess = mimetypes.guess_type(path.name)[0] or ""
    return guess if guess.startswith(("video/", "audio/")) else "application/octet-stream"
