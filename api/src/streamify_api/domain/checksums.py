# SPDX-License-Identifier: Apache-2.0
"""Checksums of an upload's parts, and the composite one that S3 makes of them.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""

import base64
import binascii
import hashlib
import zlib
from collections.abc import Callable, Sequence
from enum import StrEnum

from streamify_api.domain.errors import InvalidArgumentError


class ChecksumAlgorithm(StrEnum):
    """How storage checks parts; the values are S3's words."""

    SHA256 = "SHA256"
    CRC32 = "CRC32"
    CRC32C = "CRC32C"


_BYTES = {ChecksumAlgorithm.SHA256: 32, ChecksumAlgorithm.CRC32: 4, ChecksumAlgorithm.CRC32C: 4}
_CASTAGNOLI = 0x82F63B78  # of RFC 3720, reversed


def _castagnoli_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value >> 1) ^ (_CASTAGNOLI if value & 1 else 0)
        table.append(value)
    return tuple(table)


_TABLE = _castagnoli_table()


def _crc32c(data: bytes) -> bytes:
    value = 0xFFFFFFFF
    for byte in data:
        value = (value >> 8) ^ _TABLE[(value ^ byte) & 0xFF]
    return (value ^ 0xFFFFFFFF).to_bytes(4, "big")


_DIGESTS: dict[ChecksumAlgorithm, Callable[[bytes], bytes]] = {
    ChecksumAlgorithm.SHA256: lambda data: hashlib.sha256(data).digest(),
    ChecksumAlgorithm.CRC32: lambda data: zlib.crc32(data).to_bytes(4, "big"),
    ChecksumAlgorithm.CRC32C: _crc32c,
}


def check_checksum(algorithm: ChecksumAlgorithm | None, value: str) -> bytes:
    """The bytes of a part's checksum.

    Raises:
        InvalidArgumentError: there is no algorithm, or this is not base64 of as many bytes as it gives.
    """
    if algorithm is None:
        raise InvalidArgumentError("INVALID_CHECKSUM", "The upload was created without a checksum_algorithm.")
    try:
        digest = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if len(digest) != _BYTES[algorithm] or base64.b64encode(digest).decode() != value:
        raise InvalidArgumentError(
            "INVALID_CHECKSUM", f"A checksum of {algorithm} is {_BYTES[algorithm]} bytes as base64."
        )
    return digest


def composite(algorithm: ChecksumAlgorithm, checksums: Sequence[str]) -> str:
    """The checksum of the parts' checksums as S3 writes it: base64, "-" and the number of parts."""
    joined = b"".join(base64.b64decode(value) for value in checksums)
    return f"{base64.b64encode(_DIGESTS[algorithm](joined)).decode()}-{len(checksums)}"
