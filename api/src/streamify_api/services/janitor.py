# SPDX-License-Identifier: Apache-2.0
"""Cleaning up: uploads that expired or were given up, media of deleted videos, and what the CDN still holds of them.

One pass does what is due, in any order, each of it repeatable; a pass that ends early, or two at once, do no harm. A
chore is an item of the store that was written in the transaction that made it necessary, so none is forgotten.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

from streamify_api.domain.errors import StreamifyError
from streamify_api.domain.uploads import PRESIGNED_LIFETIME, UploadState
from streamify_api.domain.videos import UPLOAD_EXPIRED, VideoState
from streamify_api.services.ports import (
    AlreadyChangedError,
    CdnCache,
    Chore,
    Clock,
    MediaStorage,
    SourceStorage,
    Store,
)

# A completion that began just before the expiry may still be under way; a URL signed just before may still be used.
GRACE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Pass:
    """What a pass of the janitor came to; `errors` are of chores that stay due."""

    done: int
    put_off: int
    errors: tuple[str, ...]


class Janitor:
    """Does chores.

    Args:
        store: knows what is due.
        sources: where source files lie.
        media: where packaged videos lie.
        cdn: holds copies of media; None: there is no CDN that could be told.
        clock: tells the time.
    """

    def __init__(
        self, store: Store, sources: SourceStorage, media: MediaStorage, cdn: CdnCache | None, clock: Clock
    ) -> None:
        self._store = store
        self._sources = sources
        self._media = media
        self._cdn = cdn
        self._clock = clock

    async def run(self, limit: int, lifetime: timedelta) -> Pass:
        """One pass over at most so many chores, beginning none after the lifetime.

        Raises:
            UnavailableError: the store does not say what is due.
        """
        end = self._clock() + lifetime
        done = put_off = 0
        errors: list[str] = []
        for chore in await self._store.due_chores(self._clock(), limit):
            if self._clock() >= end:
                break
            try:
                later = await self._do(chore)
                if later is None:
                    await self._store.remove_chore(chore)
                    done += 1
                else:
                    await self._store.put_chore(later)
                    put_off += 1
            except AlreadyChangedError:
                put_off += 1  # somebody works on it: next time
            except StreamifyError as error:
                errors.append(f"{chore.resource_id}: {error.message}")
            except Exception as error:  # what AWS refuses for one must not keep all the others undone
                errors.append(f"{chore.resource_id}: {error}")
        return Pass(done, put_off, tuple(errors))

    async def _do(self, chore: Chore) -> Chore | None:
        """Do the chore; the one that is left of it, if any."""
        if chore.resource_id.startswith("upl_"):
            return await self._clean_upload(chore)
        if chore.reference:
            await self._clean_edges(chore)
            return None
        return await self._clean_video(chore)

    async def _clean_upload(self, chore: Chore) -> Chore | None:
        upload = await self._store.get_upload(chore.resource_id)
        if upload is None or upload.state is UploadState.COMPLETED:
            return None
        if upload.state is UploadState.WAITING:
            now_is = upload.at(self._clock() - GRACE)
            if now_is.state is UploadState.WAITING:
                return replace(chore, due_time=upload.expire_time + GRACE)
            await self._store.close_upload(now_is, UPLOAD_EXPIRED, None)
        await self._sources.abandon(upload.key, upload.storage_upload_id)
        await self._sources.remove(upload.key)  # joined by a completion that came too late
        return None

    async def _clean_video(self, chore: Chore) -> Chore | None:
        video = await self._store.get_video(chore.resource_id)
        if video is None or video.state is not VideoState.DELETED:
            return None
        now = self._clock()
        if not await self._media.remove_some(video):
            return replace(chore, due_time=now)  # more than a pass should do at once
        if video.upload_id is not None:
            upload = await self._store.get_upload(video.upload_id)
            if upload is not None:
                await self._sources.abandon(upload.key, upload.storage_upload_id)
                await self._sources.remove(upload.key)
        signed_until = (video.update_time or video.create_time) + PRESIGNED_LIFETIME + GRACE
        if now < signed_until:
            return replace(chore, due_time=signed_until)
        if self._cdn is not None and video.renditions:
            # Who could still watch may have had the edges fetch it again before the media were gone.
            await self._cdn.forget(video.media_root, f"{video.video_id}-removed")
        return None

    async def _clean_edges(self, chore: Chore) -> None:
        """What the change that made the chore necessary could not do itself."""
        video = await self._store.get_video(chore.resource_id)
        if video is not None and self._cdn is not None:
            await self._cdn.forget(video.media_root, chore.reference)
