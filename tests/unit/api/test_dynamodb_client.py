# SPDX-License-Identifier: Apache-2.0
"""Our requests to DynamoDB are signed as botocore signs them; answers and errors mean what the SDK's mean."""

import json
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import aiohttp
import botocore.auth
import botocore.credentials
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError
from streamify_api.adapters.aws import judge
from streamify_api.adapters.dependency import Verdict
from streamify_api.adapters.dynamodb_client import DynamoDBClient, open_dynamodb
from streamify_api.adapters.sigv4 import Credentials
from streamify_api.telemetry import take_trace

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PLAIN = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
TEMPORARY = Credentials("ASIAEXAMPLE", "secret/+=", "FwoGZXIvYXdzE+/token==")
KEY = {"pk": {"S": "VIDEO#1"}, "sk": {"S": "VIDEO"}}

type Handler = Callable[[web.Request], Awaitable[web.Response]]


async def plain() -> Credentials:
    return PLAIN


@pytest.mark.parametrize("credentials", [PLAIN, TEMPORARY])
@pytest.mark.parametrize("url", ["https://dynamodb.eu-central-1.amazonaws.com", "http://10.90.0.1:4566/"])
async def test_requests_are_signed_as_botocore_signs_them(url: str, credentials: Credentials) -> None:
    body = json.dumps({"TableName": "t", "Key": KEY}).encode()
    async with aiohttp.ClientSession() as session:
        ours = DynamoDBClient(session, url, "eu-central-1", plain).signed("GetItem", body, credentials, NOW)
    signed = {name: ours[name] for name in ("Content-Type", "X-Amz-Target", "Host")}
    request = AWSRequest("POST", url, headers=signed, data=body)
    keys = botocore.credentials.Credentials(credentials.access_key, credentials.secret_key, credentials.token)
    with patch.object(botocore.auth, "get_current_datetime", return_value=NOW.replace(tzinfo=None)):
        botocore.auth.SigV4Auth(keys, "dynamodb", "eu-central-1").add_auth(request)
    assert {name: ours.get(name) for name in ("Authorization", "X-Amz-Date", "X-Amz-Security-Token")} == {
        name: request.headers.get(name) for name in ("Authorization", "X-Amz-Date", "X-Amz-Security-Token")
    }


@pytest.fixture
async def answering() -> AsyncIterator[Callable[[Handler], Awaitable[DynamoDBClient]]]:
    """Makes a client whose DynamoDB is the given handler."""
    async with AsyncExitStack() as stack:

        async def answer(handler: Handler) -> DynamoDBClient:
            application = web.Application()
            application.router.add_post("/", handler)
            server = await stack.enter_async_context(TestServer(application))
            session = await stack.enter_async_context(aiohttp.ClientSession())
            return DynamoDBClient(session, str(server.make_url("/")), "eu-central-1", plain)

        yield answer


def response(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Handler:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=body, status=status, headers=headers)

    return handler


async def test_an_answer_is_the_sdks(answering: Callable[[Handler], Awaitable[DynamoDBClient]]) -> None:
    seen: list[Any] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append((request.headers["X-Amz-Target"], request.headers["traceparent"], await request.json()))
        body = json.dumps({"Item": KEY}).encode()
        return web.Response(body=body, headers={"x-amz-crc32": str(zlib.crc32(body))})

    client = await answering(handler)
    trace = "0af7651916cd43dd8448eb211c80319c"
    take_trace(f"00-{trace}-b7ad6b7169203331-01")
    assert await client.get_item(TableName="t", Key=KEY, ConsistentRead=True) == {"Item": KEY}
    ((target, traceparent, asked),) = seen
    assert (target, asked) == ("DynamoDB_20120810.GetItem", {"TableName": "t", "Key": KEY, "ConsistentRead": True})
    assert trace in traceparent


async def test_a_refusal_is_the_sdks(answering: Callable[[Handler], Awaitable[DynamoDBClient]]) -> None:
    reasons = [{"Code": "None"}, {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"}]
    told = {
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": "Transaction cancelled",
        "CancellationReasons": reasons,
    }
    client = await answering(response(json.dumps(told).encode(), 400))
    with pytest.raises(ClientError) as caught:
        await client.transact_write_items(TransactItems=[])
    assert caught.value.operation_name == "TransactWriteItems"
    assert caught.value.response["Error"] == {
        "Code": "TransactionCanceledException",
        "Message": "Transaction cancelled",
    }
    assert caught.value.response["CancellationReasons"] == reasons
    assert judge(caught.value) is Verdict.REFUSED


@pytest.mark.parametrize(
    ("handler", "verdict"),
    [
        (response(b'{"__type":"x#ProvisionedThroughputExceededException"}', 400), Verdict.THROTTLED),
        (response(b'{"__type":"InternalServerError"}', 500), Verdict.UNAVAILABLE),
        (response(b"<html>Bad Gateway</html>", 502), Verdict.UNAVAILABLE),
        (response(b"[]", 400), Verdict.REFUSED),
        (response(b'{"Item": '), Verdict.UNAVAILABLE),
        (response(b"[]"), Verdict.UNAVAILABLE),
        (response(b'{"Item": {}}', headers={"x-amz-crc32": "1"}), Verdict.UNAVAILABLE),
    ],
)
async def test_what_is_no_answer_is_told_from_what_is_one(
    handler: Handler, verdict: Verdict, answering: Callable[[Handler], Awaitable[DynamoDBClient]]
) -> None:
    client = await answering(handler)
    with pytest.raises((ClientError, aiohttp.ClientError)) as caught:
        await client.get_item(TableName="t", Key=KEY)
    assert judge(caught.value) is verdict


async def test_nobody_there_is_unavailable() -> None:
    async with AsyncExitStack() as stack:
        client = await open_dynamodb(stack, "eu-central-1", "http://127.0.0.1:1")
        client = DynamoDBClient(client.session, "http://127.0.0.1:1", "eu-central-1", plain)
        with pytest.raises(aiohttp.ClientError) as caught:
            await client.get_item(TableName="t", Key=KEY)
    assert judge(caught.value) is Verdict.UNAVAILABLE
