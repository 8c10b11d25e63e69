# SPDX-License-Identifier: Apache-2.0
"""Checksums of parts, and the one that S3 makes of them for the whole.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""

import base64
import hashlib
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from streamify.upload.v1 import upload_service_pb2 as upload

from streamify_client.errors import ClientError

_CHUNK = 1024 * 1024


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...


class _Crc32:
    """CRC-32 in the manner of hashlib."""

    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


_HASHES: dict[int, Callable[[], _Hash]] = {
    upload.CHECKSUM_ALGORITHM_SHA256: hashlib.sha256,
    upload.CHECKSUM_ALGORITHM_CRC32: _Crc32,
}


def read_part(path: Path, offset: int, size_bytes: int) -> Iterator[bytes]:
    """The bytes of a part, in chunks.

    Raises:
        ClientError: the file ends before the part does.
    """
    with path.open("rb") as file:
        file.seek(offset)
        left = size_bytes
        while left > 0:
            chunk = file.read(min(_CHUNK, left))
            if not chunk:
                raise ClientError(f"{path} became shorter while it was being sent.")
            left -= len(chunk)
            yield chunk


def _start(algorithm: int) -> _Hash:
    if algorithm not in _HASHES:
        name = upload.ChecksumAlgorithm.Name(upload.ChecksumAlgorithm.ValueType(algorithm))
        raise ClientError(f"The upload wants checksums that this client cannot make: {name}.")
    return _HASHES[algorithm]()


def part_checksum(algorithm: int, path: Path, offset: int, size_bytes: int) -> str:
    """Checksum of a part as base64, "" for an upload without checksums.

    Raises:
        ClientError: the algorithm is not one of ours, or the file ends before the part does.
    """
    if algorithm == upload.CHECKSUM_ALGORITHM_UNSPECIFIED:
        return ""
    made = _start(algorithm)
    for chunk in read_part(path, offset, size_bytes):
        made.update(chunk)
    return base64.b64encode(made.digest()).decode()


def composite(algorithm: int, checksums: Sequence[str]) -> str:
    """Checksum of the parts' checksums as S3 writes it: base64, "-", number of parts; "" without an algorithm.

    Raises:
        ClientError: the algorithm is not one of ours.
    """
    if algorithm == upload.CHECKSUM_ALGORITHM_UNSPECIFIED:
        return ""
    made = _start(algorithm)
    for checksum in checksums:
        made.update(base64.b64decode(checksum))
    return f"{base64.b64encode(made.digest()).decode()}-{len(checksums)}"
