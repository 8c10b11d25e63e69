# SPDX-License-Identifier: Apache-2.0
"""The store on one DynamoDB table: consistent reads of single items, changes by conditional transactions."""

import asyncio
import random
from typing import Any

from botocore.exceptions import ClientError

from streamify_api.adapters.aws import Client, calling, error_code
from streamify_api.adapters.dynamodb_items import (
    PUBLISHED,
    Item,
    number,
    page_token,
    publication_item,
    read_request,
    read_upload,
    read_video,
    request_item,
    request_key,
    start_key,
    tenant_partition,
    text,
    upload_item,
    upload_key,
    video_item,
    video_key,
)
from streamify_api.domain.errors import UnavailableError
from streamify_api.domain.uploads import Upload, UploadState
from streamify_api.domain.videos import Video, VideoState
from streamify_api.services.ports import AlreadyChangedError, Clock, Page, RequestRecord

SERVICE = "DynamoDB"
_INDEX = "gsi1"
_TRANSACTION_ATTEMPTS = 4
_SECONDS = 5.0


class DynamoDBStore:
    """Implements services.ports.Store.

    Args:
        client: an aiobotocore client of DynamoDB.
        table_name: name of the table.
        clock: tells the time; expiry is judged on read, since DynamoDB deletes expired items late.
    """

    def __init__(self, client: Client, table_name: str, clock: Clock) -> None:
        self._client = client
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

    async def list_published(self, page_size: int, page_token: str | None) -> Page:
        """Published videos, newest first."""
        return await self._query(PUBLISHED, page_size, page_token)

    async def create_upload(self, upload: Upload, video: Video, request: RequestRecord) -> None:
        """Put upload, video and request record at once, if the request is new."""
        absent = "attribute_not_exists(pk)"
        await self._transact(
            [
                self._record(request),
                {"Put": self._in_table(Item=upload_item(upload), ConditionExpression=absent)},
                {"Put": self._in_table(Item=video_item(video), ConditionExpression=absent)},
            ]
        )

    async def complete_upload(self, upload: Upload) -> None:
        """Close a waiting upload and move its video on."""
        await self._transact(
            [
                {
                    "Update": self._in_table(
                        Key=upload_key(upload.upload_id),
                        UpdateExpression="SET #state = :completed REMOVE expires_at",
                        ConditionExpression="#state = :waiting",
                        ExpressionAttributeNames={"#state": "state"},
                        ExpressionAttributeValues={
                            ":completed": text(UploadState.COMPLETED),
                            ":waiting": text(UploadState.WAITING),
                        },
                    )
                },
                {
                    "Update": self._in_table(
                        Key=video_key(upload.video_id),
                        UpdateExpression="SET #state = :processing",
                        ConditionExpression="#state = :waiting",
                        ExpressionAttributeNames={"#state": "state"},
                        ExpressionAttributeValues={
                            ":processing": text(VideoState.PROCESSING),
                            ":waiting": text(VideoState.WAITING_UPLOAD),
                        },
                    )
                },
            ]
        )

    async def publish_video(self, video: Video, request: RequestRecord) -> None:
        """Write a published video over the one that was being processed, and list it."""
        await self._transact(
            [
                self._record(request),
                {
                    "Put": self._in_table(
                        Item=video_item(video),
                        ConditionExpression="#state = :processing",
                        ExpressionAttributeNames={"#state": "state"},
                        ExpressionAttributeValues={":processing": text(VideoState.PROCESSING)},
                    )
                },
                {"Put": self._in_table(Item=publication_item(video))},
            ]
        )

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
        async with calling(SERVICE), asyncio.timeout(_SECONDS):
            answer = await self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        item: Item | None = answer.get("Item")
        return item

    async def _query(self, partition: str, page_size: int, token: str | None) -> Page:
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
        async with calling(SERVICE), asyncio.timeout(_SECONDS):
            answer = await self._client.query(**arguments)
        videos = tuple(read_video(item) for item in answer["Items"])
        return Page(videos, page_token(partition, answer.get("LastEvaluatedKey")))

    async def _transact(self, items: list[dict[str, object]]) -> None:
        for attempt in range(_TRANSACTION_ATTEMPTS):
            try:
                async with calling(SERVICE), asyncio.timeout(_SECONDS):
                    # botocore adds a client request token, so that its own retries are one transaction.
                    await self._client.transact_write_items(TransactItems=items)
            except ClientError as error:
                if error_code(error) != "TransactionCanceledException":
                    raise
                reasons = {reason.get("Code") for reason in error.response.get("CancellationReasons", [])}
                if "ConditionalCheckFailed" in reasons:
                    raise AlreadyChangedError from error
                if "TransactionConflict" not in reasons:
                    raise UnavailableError(
                        "DEPENDENCY_UNAVAILABLE",
                        "DynamoDB refused the change; try again later.",
                        {"dependency": SERVICE},
                    ) from error
            else:
                return
            # Another transaction holds one of the items for a moment.
            await asyncio.sleep(random.uniform(0.02, 0.05) * 2**attempt)
        raise UnavailableError("STORE_CONFLICT", "Too many changes at once; try again.", {"dependency": SERVICE})
