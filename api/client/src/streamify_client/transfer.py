# SPDX-License-Identifier: Apache-2.0
"""Sending bytes to presigned URLs: streamed, in parallel, repeated where that can help."""

import os
import random
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import httpx

from streamify_client.errors import ClientError, UnreachableError

PARALLEL = 4
ATTEMPTS = 5
_CHUNK = 256 * 1024
_WORTH_REPEATING = {408, 429, 500, 502, 503, 504}


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

    def __init__(self, ca_file: Path | None = None, first_wait: float = 0.3) -> None:
        """Args:
        ca_file: an authority to trust besides the system's.
        first_wait: seconds to wait before the second attempt; doubled for every further one.
        """
        tls = ssl.create_default_context()
        if ca_file is not None:
            tls.load_verify_locations(ca_file)
        limits = httpx.Limits(max_connections=PARALLEL, max_keepalive_connections=PARALLEL)
        timeout = httpx.Timeout(60, connect=10, pool=None)
        # Presigned URLs are addresses of storage itself: proxies of the environment are for the outside world.
        self._http = httpx.Client(verify=tls, limits=limits, timeout=timeout, trust_env=False)
        self._first_wait = first_wait
        self._closed = threading.Event()

    def __enter__(self) -> "Sender":
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._http.close()

    def send_all(self, pieces: Iterable[Piece], on_bytes: Callable[[int], None] = lambda _: None) -> dict[str, str]:
        """Sends the pieces in parallel.

        Args:
            pieces: what to send; their labels must differ.
            on_bytes: called with the number of bytes sent, a negative one when a piece starts again.

        Returns:
            ETag by label, as storage gave it.

        Raises:
            UnreachableError: storage did not answer.
            ClientError: storage refused a piece.
        """
        pool = ThreadPoolExecutor(PARALLEL)
        try:
            running = {pool.submit(self.send, piece, on_bytes): piece.label for piece in pieces}
            return {running[done]: done.result() for done in as_completed(running)}
        finally:
            # After a failure or Ctrl-C nothing new starts; what is on its way ends with its connection.
            pool.shutdown(wait=False, cancel_futures=True)

    def send(self, piece: Piece, on_bytes: Callable[[int], None] = lambda _: None) -> str:
        """Sends one piece and returns its ETag; raises what `send_all` does."""
        for attempt in range(ATTEMPTS):
            if attempt:
                wait = self._first_wait * 2 ** (attempt - 1) * random.uniform(0.5, 1.0)
                if self._closed.wait(wait):
                    raise UnreachableError(f"{piece.label} was given up.")
            is_last = attempt == ATTEMPTS - 1
            sent = 0

            def count(size: int) -> None:
                nonlocal sent
                sent += size
                on_bytes(size)

            try:
                answer = self._http.put(
                    piece.url,
                    content=_read(piece, count),
                    headers={
                        "content-length": str(piece.size_bytes),
                        **{k.lower(): v for k, v in piece.headers.items()},
                    },
                )
            except httpx.TransportError as error:
                on_bytes(-sent)
                if is_last:
                    host = httpx.URL(piece.url).netloc.decode()
                    raise UnreachableError(f"Storage at {host} did not take {piece.label}: {error}.") from error
                continue
            if answer.is_success:
                return str(answer.headers.get("etag", ""))
            on_bytes(-sent)
            if answer.status_code not in _WORTH_REPEATING or is_last:
                raise ClientError(f"Storage refused {piece.label}: it answered {answer.status_code}.")
        raise AssertionError("unreachable")


def _read(piece: Piece, count: Callable[[int], None]) -> Iterator[bytes]:
    with piece.path.open("rb") as file:
        file.seek(piece.offset, os.SEEK_SET)
        left = piece.size_bytes
        while left > 0:
            chunk = file.read(min(_CHUNK, left))
            if not chunk:
                raise ClientError(f"{piece.path} became shorter while it was being sent.")
            left -= len(chunk)
            yield chunk
            count(len(chunk))
