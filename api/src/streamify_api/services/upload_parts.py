# SPDX-License-Identifier: Apache-2.0
"""Parts of an upload: where to send them, and which of them storage holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from streamify_api.domain.callers import Caller
from streamify_api.domain.checksums import check_checksum
from streamify_api.domain.errors import InvalidArgumentError, StateConflictError
from streamify_api.domain.uploads import MAX_PARTS_PER_PAGE, PRESIGNED_LIFETIME, StoredPart
from streamify_api.services.paging import number_token, page_size_of, token_number
from streamify_api.services.ports import Clock, PartsGoneError, PresignedPut, SourceStorage
from streamify_api.services.uploads import Uploads


@dataclass(frozen=True, slots=True)
class PresignedParts:
    """PUTs for parts, in the order asked for, when they stop working, and the token of the page after them."""

    numbers: Sequence[int]
    puts: tuple[PresignedPut, ...]
    expire_time: datetime
    next_token: str


@dataclass(frozen=True, slots=True)
class StoredParts:
    """Parts that storage holds, by their number, and the token of the page after them."""

    parts: tuple[StoredPart, ...]
    next_token: str


class UploadParts:
    """The use cases of parts."""

    def __init__(self, uploads: Uploads, storage: SourceStorage, clock: Clock) -> None:
        self._uploads = uploads
        self._storage = storage
        self._clock = clock

    async def presign(
        self,
        caller: Caller,
        upload_id: str,
        numbers: Sequence[int],
        checksums: Mapping[int, str],
        page_size: int,
        page_token: str,
    ) -> PresignedParts:
        """One PUT for each part of a page; no numbers means all parts.

        Raises:
            InvalidArgumentError: the id, a number, a checksum or the page is out of range.
            NotFoundError: there is no such upload for the caller.
            StateConflictError: the upload is over.
        """
        size = page_size_of(page_size, MAX_PARTS_PER_PAGE, MAX_PARTS_PER_PAGE)
        start = token_number("urls", page_token)
        upload = await self._uploads.get(caller, upload_id)
        upload.require_waiting()
        asked = upload.check_part_numbers(numbers)
        if start and start >= len(asked):
            raise InvalidArgumentError("INVALID_PAGE_TOKEN", "The page token is not one that this list gave.")
        for checksum in checksums.values():
            check_checksum(upload.checksum_algorithm, checksum)
        page, end = asked[start : start + size], start + size
        now = self._clock()
        puts = await self._storage.presign_parts(upload, page, checksums, now, PRESIGNED_LIFETIME)
        return PresignedParts(
            page, puts, now + PRESIGNED_LIFETIME, number_token("urls", end) if end < len(asked) else ""
        )

    async def list(self, caller: Caller, upload_id: str, page_size: int, page_token: str) -> StoredParts:
        """A page of the parts that storage holds.

        Raises:
            InvalidArgumentError: the id or the page is out of range.
            NotFoundError: there is no such upload for the caller.
            StateConflictError: the upload is over, or its parts are gone.
        """
        size = page_size_of(page_size, MAX_PARTS_PER_PAGE, MAX_PARTS_PER_PAGE)
        after = token_number("parts", page_token)
        upload = await self._uploads.get(caller, upload_id)
        upload.require_waiting()
        try:
            parts = await self._storage.list_parts(upload, after, size)
        except PartsGoneError:
            (await self._uploads.get(caller, upload_id)).require_waiting()
            raise StateConflictError(
                "PARTS_GONE", "Storage does not hold the parts any more.", {"upload_id": upload_id}
            ) from None
        more = len(parts) == size and parts[-1].number < upload.part_count
        return StoredParts(parts, number_token("parts", parts[-1].number) if more else "")
