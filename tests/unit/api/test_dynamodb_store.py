# SPDX-License-Identifier: Apache-2.0
"""What the store makes of answers that end early: a Query stops at 1 MB, however many items were asked for.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from streamify_api.adapters.aws import judge
from streamify_api.adapters.dependency import Dependency
from streamify_api.adapters.dynamodb_items import Item, publication_item
from streamify_api.adapters.dynamodb_store import DynamoDBStore
from streamify_api.domain.videos import Video, VideoState
from streamify_api.domain.viewers import Viewer

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
VIDEO = Video("vid_01ARZ3NDEKTSV4RRFFQ69G5FA0", "acme", "A walk", VideoState.PUBLISHED, "m" * 32, NOW, publish_time=NOW)
PUBLISHED = [
    replace(VIDEO, video_id=f"{VIDEO.video_id[:-1]}{number}", publish_time=NOW - timedelta(hours=number))
    for number in range(7)
]


class TwoAtATime:
    """A DynamoDB whose answers hold two items at most."""

    def __init__(self) -> None:
        self.items = [publication_item(video) for video in PUBLISHED]  # newest first

    async def query(self, **asked: Any) -> dict[str, Any]:
        """Query gsi1 backwards."""
        values: Item = asked["ExpressionAttributeValues"]
        before = values.get(":before", {"S": "~"})["S"]
        if "ExclusiveStartKey" in asked:
            before = min(before, asked["ExclusiveStartKey"]["gsi1sk"]["S"])
        matching = [
            item for item in self.items if item["gsi1pk"] == values[":partition"] and item["gsi1sk"]["S"] < before
        ]
        page = matching[: min(2, asked["Limit"])]
        if len(page) == len(matching):
            return {"Items": page}
        key = {name: page[-1][name] for name in ("pk", "sk", "gsi1pk", "gsi1sk")}
        return {"Items": page, "LastEvaluatedKey": key}


async def test_a_page_of_published_videos_is_full_although_answers_end_early() -> None:
    store = DynamoDBStore(TwoAtATime(), Dependency("test table", 1, judge), "t", lambda: NOW)
    seen, token = [], None
    for size in (5, 2):
        page = await store.list_published(Viewer(), size, token)
        seen += [video.video_id for video in page.videos]
        token = page.next_token
        assert len(page.videos) == size
    assert token is None
    assert seen == [video.video_id for video in PUBLISHED]
