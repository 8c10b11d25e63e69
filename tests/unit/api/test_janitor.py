# SPDX-License-Identifier: Apache-2.0
"""A pass of the janitor goes on past what it cannot do."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

from streamify_api.domain.uploads import Upload
from streamify_api.services.janitor import Janitor
from streamify_api.services.ports import Chore, MediaStorage, SourceStorage, Store

NOW = datetime(2030, 1, 1, tzinfo=UTC)


class Uploads:
    """A store of chores of uploads that are gone already, but for one that is refused."""

    def __init__(self, refused: str, *others: str) -> None:
        self._refused = refused
        self.chores = [refused, *others]

    async def due_chores(self, now: datetime, limit: int) -> tuple[Chore, ...]:
        return tuple(Chore(name, now) for name in self.chores[:limit])

    async def get_upload(self, upload_id: str) -> Upload | None:
        if upload_id == self._refused:
            raise PermissionError("AccessDenied")
        return None

    async def remove_chore(self, chore: Chore) -> None:
        self.chores.remove(chore.resource_id)


async def test_a_chore_that_is_refused_keeps_no_other_undone() -> None:
    store = Uploads("upl_refused", "upl_gone", "upl_gone_too")
    nothing = cast(Any, None)
    sources, media = cast(SourceStorage, nothing), cast(MediaStorage, nothing)
    janitor = Janitor(cast(Store, store), sources, media, cdn=None, clock=lambda: NOW)
    done = await janitor.run(limit=10, lifetime=timedelta(minutes=1))
    assert (done.done, done.errors) == (2, ("upl_refused: AccessDenied",))
    assert store.chores == ["upl_refused"]
