# SPDX-License-Identifier: Apache-2.0
"""Sending bytes to presigned URLs: streamed, repeated where that can help."""

import asyncio
import random
import re
import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from streamify_client.checksums import read_part
from streamify_client.errors import ClientError, UnreachableError

PARALLEL = 4
ATTEMPTS = 7
_LONGEST_WAIT = 10.0
_WORTH_REPEATING = {408, 429, 500, 502, 503, 504}
# Bytes that were spoiled or lost on the way: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
_WORTH_SENDING_AGAIN = {"BadDigest", "RequestTimeout", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch"}
_FORBIDDEN = 403


class LinkRefusedError(ClientError):
    """Storage answered 403: the URL has expired, or never fitted."""


@dataclass(frozen=True)
class Piece:
    """A run of bytes of a file and where to send it.

    Attributes:
        path: the file.
        offset: first byte.
        size_bytes: number of bytes.
        url: presigned for PUT.
        headers: to be sent just so, since they are signed.
        label: what to call it in a message.
    """

    path: Path
    offset: int
    size_bytes: int
    url: str
    headers: Mapping[str, str]
    label: str


class Sender:
    """Sends pieces over a few connections that are kept open."""

    def __init__(self, ca_file: Path | None = None, parallel: int = PARALLEL, first_wait: float = 0.3) -> None:
        """Args:
        ca_file: an authority to trust besides the system's.
        parallel: connections at once.
        first_wait: seconds to wait before the second attempt; doubled for every further one, at most 10.
        """
        tls = ssl.create_default_context()
        if ca_file is not None:
            tls.load_verify_locations(ca_file)
        limits = httpx.Limits(max_connections=parallel, max_keepalive_connections=parallel)
        timeout = httpx.Timeout(60, connect=10, pool=None)
        # Presigned URLs are addresses of storage itself: proxies of the environment are for the outside world.
        self._http = httpx.AsyncClient(verify=tls, limits=limits, timeout=timeout, trust_env=False)
        self._first_wait = first_wait

    async def __aenter__(self) -> "Sender":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def send_all(self, pieces: Iterable[Piece], on_bytes: Callable[[int], None] = lambda _: None) -> None:
        """Sends the pieces in parallel, as far as there are connections; raises what `send` does."""
        sending = [asyncio.create_task(self.send(piece, on_bytes)) for piece in pieces]
        try:
            await asyncio.gather(*sending)
        finally:
            for task in sending:
                task.cancel()
            await asyncio.gather(*sending, return_exceptions=True)

    async def send(self, piece: Piece, on_bytes: Callable[[int], None] = lambda _: None) -> str:
        """Sends one piece.

        Args:
            piece: what to send.
            on_bytes: called with the number of bytes sent, a negative one when the piece starts again.

        Returns:
            The ETag that storage gave it.

        Raises:
            UnreachableError: storage did not answer.
            LinkRefusedError: storage answered 403.
            ClientError: storage refused the piece.
        """
        for attempt in range(ATTEMPTS):
            if attempt:
                wait = min(_LONGEST_WAIT, self._first_wait * 2 ** (attempt - 1))
                await asyncio.sleep(wait * random.uniform(0.5, 1.0))
            is_last = attempt == ATTEMPTS - 1
            sent = 0

            def count(size: int) -> None:
                nonlocal sent
                sent += size
                on_bytes(size)

            headers = {"content-length": str(piece.size_bytes)} | {k.lower(): v for k, v in piece.headers.items()}
            try:
                answer = await self._http.put(piece.url, content=_chunks(piece, count), headers=headers)
            except httpx.TransportError as error:
                on_bytes(-sent)
                if is_last:
                    host = httpx.URL(piece.url).netloc.decode()
                    raise UnreachableError(f"Storage at {host} did not take {piece.label}: {error}.") from error
                continue
            if answer.is_success:
                return str(answer.headers.get("etag", ""))
            on_bytes(-sent)
            if is_last or not _can_help(answer):
                raise _refusal(answer, piece)
        raise AssertionError("unreachable")


def _code(answer: httpx.Response) -> str:
    """S3's word for what is wrong, "" if it says none."""
    found = re.search(rb"<Code>([A-Za-z0-9]{1,60})</Code>", answer.content)
    return found[1].decode() if found else ""


def _can_help(answer: httpx.Response) -> bool:
    return answer.status_code in _WORTH_REPEATING or _code(answer) in _WORTH_SENDING_AGAIN


def _refusal(answer: httpx.Response, piece: Piece) -> ClientError:
    kind = LinkRefusedError if answer.status_code == _FORBIDDEN else ClientError
    code = _code(answer)
    return kind(f"Storage refused {piece.label}: it answered {answer.status_code}{f' ({code})' if code else ''}.")


async def _chunks(piece: Piece, count: Callable[[int], None]) -> AsyncIterator[bytes]:
    chunks = read_part(piece.path, piece.offset, piece.size_bytes)
    while (chunk := await asyncio.to_thread(next, chunks, None)) is not None:
        yield chunk
        count(len(chunk))
