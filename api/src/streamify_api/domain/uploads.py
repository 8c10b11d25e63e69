# SPDX-License-Identifier: Apache-2.0
"""Uploads: one attempt to bring a source file here, in parts."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from streamify_api.domain.checksums import ChecksumAlgorithm, check_checksum, composite
from streamify_api.domain.errors import InvalidArgumentError, StateConflictError

# S3's limits: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
MAX_UPLOAD_BYTES = 5 * 1024**4
MAX_PARTS = 10_000
SMALLEST_PART_BYTES = 8 * 1024**2
MAX_PARTS_PER_PAGE = 1000
UPLOAD_LIFETIME = timedelta(hours=24)
PRESIGNED_LIFETIME = timedelta(minutes=15)

_MEBIBYTE = 1024**2
_CONTENT_TYPE = re.compile(r"((video|audio)/[a-z0-9][a-z0-9.+-]{0,100}|application/octet-stream)\Z")
_ETAG = re.compile(r'"?[0-9A-Za-z+/=_-]{1,100}"?\Z')


class UploadState(StrEnum):
    """Where an upload stands."""

    WAITING = "waiting"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


TRANSITIONS: dict[UploadState, frozenset[UploadState]] = {
    UploadState.WAITING: frozenset({UploadState.COMPLETED, UploadState.CANCELLED, UploadState.EXPIRED}),
    UploadState.COMPLETED: frozenset(),
    UploadState.CANCELLED: frozenset(),
    UploadState.EXPIRED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Part:
    """A part that storage acknowledged with an ETag; the checksum is base64."""

    number: int
    etag: str
    checksum: str | None = None


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A part as storage lists it; size in bytes."""

    number: int
    size_bytes: int
    etag: str
    checksum: str | None


@dataclass(frozen=True, slots=True)
class Upload:
    """One upload. `storage_upload_id` is S3's id of the multipart upload; sizes are bytes; `revision` counts states."""

    upload_id: str
    video_id: str
    tenant: str
    state: UploadState
    filename: str
    content_type: str
    size_bytes: int
    part_size_bytes: int
    key: str
    storage_upload_id: str
    create_time: datetime
    expire_time: datetime
    revision: int = 1
    checksum_algorithm: ChecksumAlgorithm | None = None
    checksum: str | None = None

    @property
    def part_count(self) -> int:
        """Number of parts."""
        return -(-self.size_bytes // self.part_size_bytes)

    def part_bytes(self, number: int) -> int:
        """Size of one part in bytes; the last one holds the rest."""
        if number < self.part_count:
            return self.part_size_bytes
        return self.size_bytes - self.part_size_bytes * (self.part_count - 1)

    def at(self, now: datetime) -> "Upload":
        """The upload as it stands at this time: expiry is judged on read, whatever is stored."""
        if self.state is UploadState.WAITING and now >= self.expire_time:
            return self.closed(UploadState.EXPIRED)
        return self

    def closed(self, state: UploadState, checksum: str | None = None) -> "Upload":
        """The upload in a final state.

        Raises:
            StateConflictError: it is over.
        """
        self.require_waiting()
        return replace(self, state=state, revision=self.revision + 1, checksum=checksum)

    def states_after(self, revision: int) -> "tuple[Upload, ...]":
        """Every state that the upload has been in since that revision, in order. It waits first and then is over."""
        first = replace(self, state=UploadState.WAITING, revision=1, checksum=None)
        states = (self,) if self.revision == 1 else (first, self)
        return tuple(state for state in states if state.revision > revision)

    def require_waiting(self) -> None:
        """Refuse what only an open upload allows.

        Raises:
            StateConflictError: the upload is over.
        """
        if self.state is not UploadState.WAITING:
            raise StateConflictError(
                f"UPLOAD_{self.state.upper()}",
                f"The upload is over: {self.state.upper()}.",
                {"upload_id": self.upload_id, "state": self.state.upper()},
            )

    def check_part_numbers(self, numbers: Sequence[int]) -> Sequence[int]:
        """The numbers, all of them if none is named.

        Raises:
            InvalidArgumentError: too many, one twice or one out of range.
        """
        if not numbers:
            return range(1, self.part_count + 1)
        if len(numbers) > MAX_PARTS:
            raise InvalidArgumentError("INVALID_PART_NUMBERS", f"part_numbers must be at most {MAX_PARTS}.")
        if len(set(numbers)) != len(numbers):
            raise InvalidArgumentError("INVALID_PART_NUMBERS", "A part number is named twice.")
        if min(numbers) < 1 or max(numbers) > self.part_count:
            raise InvalidArgumentError("INVALID_PART_NUMBERS", f"Part numbers run from 1 to {self.part_count}.")
        return numbers

    def check_parts(self, parts: Sequence[Part]) -> tuple[Part, ...]:
        """The parts in their order, if they are all there once.

        Raises:
            InvalidArgumentError: some are missing, named twice or without a usable ETag or checksum.
        """
        ordered = tuple(sorted(parts, key=lambda part: part.number))
        if len(ordered) != self.part_count or any(part.number != index for index, part in enumerate(ordered, 1)):
            raise InvalidArgumentError("PARTS_MISMATCH", f"Each of the parts 1 to {self.part_count} is needed once.")
        if not all(_ETAG.match(part.etag) for part in ordered):
            raise InvalidArgumentError("INVALID_ETAG", "An etag is not one that storage gives.")
        for part in ordered:
            if part.checksum is not None or self.checksum_algorithm is not None:
                check_checksum(self.checksum_algorithm, part.checksum or "")
        return ordered

    def composite_checksum(self, ordered: Sequence[Part], announced: str | None) -> str | None:
        """The checksum of the parts' checksums, None without an algorithm.

        Raises:
            InvalidArgumentError: another one was announced.
        """
        if self.checksum_algorithm is None:
            if announced is not None:
                check_checksum(None, announced)
            return None
        made = composite(self.checksum_algorithm, [part.checksum or "" for part in ordered])
        if announced not in {None, made}:
            raise InvalidArgumentError(
                "CHECKSUM_MISMATCH", "checksum is not that of the parts' checksums.", {"upload_id": self.upload_id}
            )
        return made


def part_size_for(size_bytes: int) -> int:
    """Part size in bytes for a file of this many bytes: at least 8 MiB, a whole number of MiB, at most 10,000 parts."""
    needed = -(-size_bytes // MAX_PARTS)
    return max(SMALLEST_PART_BYTES, -(-needed // _MEBIBYTE) * _MEBIBYTE)


def check_file(filename: str, content_type: str, size_bytes: int) -> None:
    """Refuse a file that cannot be uploaded.

    Raises:
        InvalidArgumentError: its name, type or size is out of range.
    """
    if not 1 <= len(filename) <= 255 or "/" in filename or not filename.isprintable():
        raise InvalidArgumentError("INVALID_FILENAME", "filename must be 1 to 255 characters without a path.")
    if not _CONTENT_TYPE.match(content_type):
        raise InvalidArgumentError(
            "INVALID_CONTENT_TYPE", "content_type must be video/..., audio/... or application/octet-stream."
        )
    if not 1 <= size_bytes <= MAX_UPLOAD_BYTES:
        raise InvalidArgumentError("INVALID_SIZE", f"size_bytes must be 1 to {MAX_UPLOAD_BYTES}.")
