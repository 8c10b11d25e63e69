# SPDX-License-Identifier: Apache-2.0
"""DynamoDB's JSON protocol over aiohttp, for a fraction of the SDK's CPU (docs/decisions/0022).

It has the SDK's arguments, answers and errors, so that callers need not know which of them they have.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html
"""

import hashlib
import ssl
import zlib
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import aiohttp
import msgspec
from aiobotocore.session import get_session
from botocore.exceptions import ClientError
from botocore.httpsession import get_cert_path
from yarl import URL

from streamify_api.adapters.aws import find_credentials
from streamify_api.adapters.sigv4 import ALGORITHM, Credentials, SigningScope
from streamify_api.telemetry import trace_headers

_CONTENT_TYPE = "application/x-amz-json-1.0"
_TARGET = "DynamoDB_20120810."
_CONNECTIONS = 256
_CONNECT_SECONDS = 1.0
_IDLE_SECONDS = 12  # AWS closes idle connections after 20
# What aiohttp would add; an answer that is not compressed can be checked by its CRC.
_NOT_ADDED = ("User-Agent", "Accept", "Accept-Encoding")

type Answer = dict[str, Any]


async def open_dynamodb(stack: AsyncExitStack, region: str, endpoint_url: str | None) -> "DynamoDBClient":
    """A client that lives as long as the stack.

    Args:
        stack: closes it.
        region: such as eu-central-1.
        endpoint_url: another address than AWS's.

    Raises:
        ValueError: the region or the address does not fit.
    """
    sdk = get_session()
    async with sdk.create_client("dynamodb", region_name=region, endpoint_url=endpoint_url) as made:
        url = str(made.meta.endpoint_url)  # partitions and FIPS are the SDK's to know
    connector = aiohttp.TCPConnector(
        limit=_CONNECTIONS,
        keepalive_timeout=_IDLE_SECONDS,
        ssl=ssl.create_default_context(cafile=get_cert_path(verify=True)),
    )
    session = aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        skip_auto_headers=_NOT_ADDED,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS),
    )
    return DynamoDBClient(await stack.enter_async_context(session), url, region)


class DynamoDBClient:
    """The operations that the store needs. One attempt a call, without a time-out: Dependency has both.

    Every operation raises botocore's ClientError for what DynamoDB refuses, aiohttp's ClientError and OSError when it
    does not answer, and NoCredentialsError.

    Args:
        session: makes the requests.
        url: of DynamoDB.
        region: that signatures are for.
        credentials: gives those of now; found by the SDK's rules when there is none.
        clock: tells the time in UTC.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        region: str,
        credentials: Callable[[], Awaitable[Credentials]] | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._session = session
        self._url = URL(url.rstrip("/") + "/")
        default = self._url.is_default_port()
        self._host = str(self._url.host) if default else f"{self._url.host}:{self._url.port}"
        self._scope = SigningScope(region, "dynamodb")
        self._credentials = credentials
        self._clock = clock

    @property
    def session(self) -> aiohttp.ClientSession:
        """What makes the requests."""
        return self._session

    async def get_item(self, **request: Any) -> Answer:
        """GetItem."""
        return await self._call("GetItem", request)

    async def put_item(self, **request: Any) -> Answer:
        """PutItem."""
        return await self._call("PutItem", request)

    async def delete_item(self, **request: Any) -> Answer:
        """DeleteItem."""
        return await self._call("DeleteItem", request)

    async def query(self, **request: Any) -> Answer:
        """Query."""
        return await self._call("Query", request)

    async def transact_write_items(self, **request: Any) -> Answer:
        """TransactWriteItems."""
        return await self._call("TransactWriteItems", request)

    async def _call(self, operation: str, request: dict[str, Any]) -> Answer:
        if self._credentials is None:
            self._credentials = await find_credentials()
        body = msgspec.json.encode(request)
        headers = self.signed(operation, body, await self._credentials(), self._clock())
        headers |= trace_headers()  # not signed, so that a proxy may change them
        async with self._session.post(self._url, data=body, headers=headers) as response:
            content = await response.read()
            crc = response.headers.get("x-amz-crc32")
        if crc is not None and int(crc) != zlib.crc32(content):
            raise aiohttp.ClientPayloadError("the answer was spoiled on the way")
        if response.status != 200:
            raise _refusal(operation, response.status, content)
        try:
            return msgspec.json.decode(content, type=dict[str, Any])
        except msgspec.DecodeError as error:
            raise aiohttp.ClientPayloadError("the answer is not JSON") from error

    def signed(self, operation: str, body: bytes, credentials: Credentials, now: datetime) -> dict[str, str]:
        """The headers of a request, with the signature over them and the body."""
        stamp = now.strftime("%Y%m%dT%H%M%SZ")
        day = stamp[:8]
        target = _TARGET + operation
        token_line = token_name = ""
        if credentials.token:
            token_line, token_name = f"x-amz-security-token:{credentials.token}\n", "x-amz-security-token;"
        names = f"content-type;host;x-amz-date;{token_name}x-amz-target"
        request = (
            f"POST\n{self._url.raw_path}\n\ncontent-type:{_CONTENT_TYPE}\nhost:{self._host}\nx-amz-date:{stamp}\n"
            f"{token_line}x-amz-target:{target}\n\n{names}\n{hashlib.sha256(body).hexdigest()}"
        )
        scope = self._scope.of(day)
        digest = hashlib.sha256(request.encode()).hexdigest()
        signature = self._scope.key(credentials.secret_key, day).digest(
            f"{ALGORITHM}\n{stamp}\n{scope}\n{digest}".encode()
        )
        headers = {
            "Host": self._host,
            "Content-Type": _CONTENT_TYPE,
            "Accept-Encoding": "identity",
            "X-Amz-Date": stamp,
            "X-Amz-Target": target,
            "Authorization": (
                f"{ALGORITHM} Credential={credentials.access_key}/{scope}, SignedHeaders={names}, "
                f"Signature={signature.hex()}"
            ),
        }
        if credentials.token:
            headers["X-Amz-Security-Token"] = credentials.token
        return headers


def _refusal(operation: str, status: int, content: bytes) -> ClientError:
    """What the SDK would raise; an answer that is no JSON, such as a proxy's, has no code."""
    try:
        told = msgspec.json.decode(content, type=dict[str, Any])
    except (msgspec.DecodeError, msgspec.ValidationError):
        told = {}
    response: Any = {
        "Error": {
            "Code": str(told.get("__type", "")).rpartition("#")[2],
            "Message": str(told.get("message") or told.get("Message") or ""),
        },
        "ResponseMetadata": {"HTTPStatusCode": status},
        "CancellationReasons": told.get("CancellationReasons", []),
    }
    return ClientError(response, operation)
