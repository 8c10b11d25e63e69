# SPDX-License-Identifier: Apache-2.0
"""The store on one DynamoDB table: consistent reads of single items, changes by conditional transactions."""

import asyncio
import random
import secrets
from datetime import datetime
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from streamify_api.adapters.aws import Client, error_code
from streamify_api.adapters.dependency import Dependency
from streamify_api.adapters.dynamodb_items import (
    CHORE_SHARDS,
    PUBLISHED,
    Item,
    chore_item,
    chore_key,
    chore_partition,
    number,
    page_token,
    page_token_after,
    publication_item,
    publication_key,
    publication_partition,
    read_chore,
    read_request,
    read_upload,
    read_video,
    request_item,
    request_key,
    stamp,
    start_key,
    tenant_partition,
    text,
    token_sort,
    upload_item,
    upload_key,
    uploads_partition,
    video_item,
    video_key,
)
from streamify_api.domain.errors import UnavailableError
from streamify_api.domain.uploads import Upload, UploadState
from streamify_api.domain.videos import Failure, PlaybackPolicy, Video, VideoState
from streamify_api.domain.viewers import Viewer
from streamify_api.services.deadline import within
from streamify_api.services.ports import AlreadyChangedError, Chore, Clock, Page, RequestRecord, UploadPage

SERVICE = "DynamoDB"
_INDEX = "gsi1"
_TRANSACTION_ATTEMPTS = 4
_BUSY = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})


class DynamoDBStore:
    """Implements services.ports.Store.

    Args:
        client: of DynamoDB, ours or one of aiobotocore's.
        dependency: how it is called.
        table_name: name of the table.
        clock: tells the time; expiry is judged on read, since DynamoDB deletes expired items late.
    """

    def __init__(self, client: Client, dependency: Dependency, table_name: str, clock: Clock) -> None:
        self._client = client
        self._call = dependency.call
        self._table = table_name
        self._clock = clock

    async def warm(self) -> None:
        """Open a connection with a read that finds nothing."""
        await self._get(request_key("warm"))

    async def get_request(self, key: str) -> RequestRecord | None:
        """The record of a mutation, if it has not expired."""
        item = await self._get(request_key(key))
        record = read_request(item) if item else None
        return record if record and record.expire_time > self._clock() else None

    async def get_upload(self, upload_id: str) -> Upload | None:
        """One upload."""
        item = await self._get(upload_key(upload_id))
        return read_upload(item) if item else None

    async def get_video(self, video_id: str) -> Video | None:
        """One video."""
        item = await self._get(video_key(video_id))
        return read_video(item) if item else None

    async def list_videos(self, tenant: str, page_size: int, page_token: str | None) -> Page:
        """A tenant's videos, newest first."""
        return await self._query(tenant_partition(tenant), page_size, page_token)

    async def list_published(self, viewer: Viewer, page_size: int, page_token: str | None) -> Page:
        """Published videos that this viewer may watch, newest first: the lists of up to three policies, merged."""
        partitions = [PUBLISHED]
        if viewer.may_watch:
            policies = (PlaybackPolicy.SIGNED, PlaybackPolicy.PRIVATE)
            partitions += (publication_partition(policy, viewer.tenant) for policy in policies)
        after = token_sort(PUBLISHED, page_token) if page_token else None
        lists = await asyncio.gather(*(self._newest(partition, page_size + 1, after) for partition in partitions))
        # A page token is a place in time, so it fits every one of the lists.
        items = sorted((item for found in lists for item in found), key=lambda item: item["gsi1sk"]["S"], reverse=True)
        more = len(items) > page_size
        page = items[:page_size]
        return Page(tuple(read_video(item) for item in page), page_token_after(PUBLISHED, page[-1]) if more else None)

    async def list_uploads(self, tenant: str, page_size: int, page_token: str | None) -> UploadPage:
        """A tenant's uploads, newest first."""
        items, token = await self._items(uploads_partition(tenant), page_size, page_token)
        return UploadPage(tuple(read_upload(item) for item in items), token)

    async def create_upload(self, upload: Upload, video: Video, request: RequestRecord) -> None:
        """Put upload, video, request record and the janitor's chore at once, if the request is new."""
        absent = "attribute_not_exists(pk)"
        await self._transact(
            [
                self._record(request),
                {"Put": self._in_table(Item=upload_item(upload), ConditionExpression=absent)},
                {"Put": self._in_table(Item=video_item(video), ConditionExpression=absent)},
                self._chore(Chore(upload.upload_id, upload.expire_time)),
            ]
        )

    async def close_upload(self, upload: Upload, failure: Failure | None, request: RequestRecord | None) -> None:
        """Close a waiting upload and move its video on."""
        completed = upload.state is UploadState.COMPLETED
        chore: dict[str, object] = {"Delete": self._in_table(Key=chore_key(upload.upload_id))}
        if not completed:
            chore = self._chore(Chore(upload.upload_id, self._clock()))
        await self._transact(
            [
                *([self._record(request)] if request is not None else []),
                self._closing(upload),
                self._next_of_video(upload.video_id, None if completed else failure),
                chore,
            ]
        )

    async def change_video(
        self, before: Video, after: Video, request: RequestRecord, also: Chore | None = None
    ) -> None:
        """Put the video over the revision it is made from, its entry in the public list, and what follows."""
        unchanged = "revision = :revision" + (" OR attribute_not_exists(revision)" if before.revision == 1 else "")
        items: list[dict[str, object]] = [
            self._record(request),
            {
                "Put": self._in_table(
                    Item=video_item(after),
                    ConditionExpression=f"attribute_exists(pk) AND ({unchanged})",
                    ExpressionAttributeValues={":revision": number(before.revision)},
                )
            },
        ]
        if after.state is VideoState.PUBLISHED:
            items.append({"Put": self._in_table(Item=publication_item(after))})
        elif before.state is VideoState.PUBLISHED:
            items.append({"Delete": self._in_table(Key=publication_key(after.video_id))})
        if also is not None:
            items.append(self._chore(also))
        if after.state is VideoState.DELETED:
            items.append(self._chore(Chore(after.video_id, self._clock())))
            if before.state is VideoState.WAITING_UPLOAD and before.upload_id is not None:
                upload = await self.get_upload(before.upload_id)
                if upload is not None and upload.state is UploadState.WAITING:
                    items.append(self._closing(upload.closed(UploadState.CANCELLED)))
                    items.append(self._chore(Chore(upload.upload_id, self._clock())))
        await self._transact(items)

    async def remember_request(self, request: RequestRecord) -> None:
        """Put the request record alone, if the request is new."""
        await self._transact([self._record(request)])

    async def due_chores(self, now: datetime, limit: int) -> tuple[Chore, ...]:
        """Chores that are due, from every shard."""
        chores: list[Chore] = []
        for shard in range(CHORE_SHARDS):
            if len(chores) >= limit:
                break
            query = partial(
                self._client.query,
                TableName=self._table,
                IndexName=_INDEX,
                KeyConditionExpression="gsi1pk = :partition AND gsi1sk <= :now",
                ExpressionAttributeValues={":partition": text(chore_partition(shard)), ":now": text(stamp(now))},
                Limit=limit - len(chores),
            )
            answer = await self._call(query)
            chores += (read_chore(item) for item in answer["Items"])
        return tuple(chores)

    async def put_chore(self, chore: Chore) -> None:
        """Put the chore over the one that was there."""
        await self._call(partial(self._client.put_item, TableName=self._table, Item=chore_item(chore)))

    async def remove_chore(self, chore: Chore) -> None:
        """Delete the chore; an invalidation only if it is still this one and not that of a later change."""
        delete = partial(self._client.delete_item, TableName=self._table, Key=chore_key(chore.resource_id))
        if chore.reference:
            delete = partial(
                self._client.delete_item,
                TableName=self._table,
                Key=chore_key(chore.resource_id, invalidation=True),
                ConditionExpression="#reference = :reference",
                ExpressionAttributeNames={"#reference": "reference"},
                ExpressionAttributeValues={":reference": text(chore.reference)},
            )
        try:
            await self._call(delete)
        except ClientError as error:
            if error_code(error) != "ConditionalCheckFailedException":
                raise

    def _chore(self, chore: Chore) -> dict[str, object]:
        return {"Put": self._in_table(Item=chore_item(chore))}

    def _closing(self, upload: Upload) -> dict[str, object]:
        """The update that brings a waiting upload into its final state. A completed one is kept for good."""
        changes = "SET #state = :state, revision = :revision"
        values = {
            ":state": text(upload.state),
            ":revision": number(upload.revision),
            ":waiting": text(UploadState.WAITING),
        }
        if upload.checksum is not None:
            changes += ", checksum = :checksum"
            values[":checksum"] = text(upload.checksum)
        if upload.state is UploadState.COMPLETED:
            changes += " REMOVE expires_at"
        return {
            "Update": self._in_table(
                Key=upload_key(upload.upload_id),
                UpdateExpression=changes,
                ConditionExpression="#state = :waiting",
                ExpressionAttributeNames={"#state": "state"},
                ExpressionAttributeValues=values,
            )
        }

    def _next_of_video(self, video_id: str, failure: Failure | None) -> dict[str, object]:
        """The update of a video whose upload is over: it is processed, or it has failed."""
        changes = "SET #state = :next, update_time = :now, revision = if_not_exists(revision, :one) + :one"
        values = {
            ":next": text(VideoState.PROCESSING if failure is None else VideoState.FAILED),
            ":waiting": text(VideoState.WAITING_UPLOAD),
            ":now": text(stamp(self._clock())),
            ":one": number(1),
        }
        if failure is not None:
            changes += ", failure_code = :code, failure_message = :message"
            values |= {":code": text(failure.code), ":message": text(failure.message)}
        return {
            "Update": self._in_table(
                Key=video_key(video_id),
                UpdateExpression=changes,
                ConditionExpression="#state = :waiting",
                ExpressionAttributeNames={"#state": "state"},
                ExpressionAttributeValues=values,
            )
        }

    def _in_table(self, **parts: object) -> dict[str, object]:
        return {"TableName": self._table, **parts}

    def _record(self, request: RequestRecord) -> dict[str, object]:
        return {
            "Put": self._in_table(
                Item=request_item(request),
                ConditionExpression="attribute_not_exists(pk) OR expires_at <= :now",
                ExpressionAttributeValues={":now": number(int(self._clock().timestamp()))},
            )
        }

    async def _get(self, key: Item) -> Item | None:
        answer = await self._call(partial(self._client.get_item, TableName=self._table, Key=key, ConsistentRead=True))
        item: Item | None = answer.get("Item")
        return item

    async def _query(self, partition: str, page_size: int, token: str | None) -> Page:
        items, next_token = await self._items(partition, page_size, token)
        return Page(tuple(read_video(item) for item in items), next_token)

    async def _newest(self, partition: str, limit: int, before: str | None) -> list[Item]:
        condition, values = "gsi1pk = :partition", {":partition": text(partition)}
        if before is not None:
            condition, values = f"{condition} AND gsi1sk < :before", values | {":before": text(before)}
        items: list[Item] = []
        more: dict[str, Any] = {}
        while True:  # an answer ends at 1 MB, whatever its limit
            query = partial(
                self._client.query,
                TableName=self._table,
                IndexName=_INDEX,
                KeyConditionExpression=condition,
                ExpressionAttributeValues=values,
                ScanIndexForward=False,
                Limit=limit - len(items),
                **more,
            )
            answer = await self._call(query)
            items += answer["Items"]
            if len(items) >= limit or not (key := answer.get("LastEvaluatedKey")):
                return items
            more = {"ExclusiveStartKey": key}

    async def _items(self, partition: str, page_size: int, token: str | None) -> tuple[list[Item], str | None]:
        arguments: dict[str, Any] = {
            "TableName": self._table,
            "IndexName": _INDEX,
            "KeyConditionExpression": "gsi1pk = :partition",
            "ExpressionAttributeValues": {":partition": text(partition)},
            "ScanIndexForward": False,
            "Limit": page_size,
        }
        if token:
            arguments["ExclusiveStartKey"] = start_key(partition, token)
        answer = await self._call(partial(self._client.query, **arguments))
        return answer["Items"], page_token(partition, answer.get("LastEvaluatedKey"))

    async def _transact(self, items: list[dict[str, object]]) -> None:
        # The token makes all attempts one transaction, also when an answer was lost.
        token = secrets.token_hex(16)
        write = partial(self._client.transact_write_items, TransactItems=items, ClientRequestToken=token)
        for attempt in range(_TRANSACTION_ATTEMPTS):
            try:
                await self._call(write)
            except ClientError as error:
                if error_code(error) != "TransactionCanceledException":
                    raise
                reasons = {reason.get("Code") for reason in error.response.get("CancellationReasons", [])}
                if "ConditionalCheckFailed" in reasons:
                    raise AlreadyChangedError from error
                if not reasons & _BUSY:
                    raise UnavailableError(
                        "DEPENDENCY_UNAVAILABLE",
                        "DynamoDB refused the change; try again later.",
                        {"dependency": SERVICE},
                    ) from error
            else:
                return
            # Another transaction holds one of the items for a moment.
            await asyncio.sleep(within(random.uniform(0.02, 0.05) * 2**attempt))
        raise UnavailableError("STORE_CONFLICT", "Too many changes at once; try again.", {"dependency": SERVICE})
