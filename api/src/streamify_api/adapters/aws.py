# SPDX-License-Identifier: Apache-2.0
"""What every client of AWS shares: a connection pool, the trace it carries on, and what its errors mean."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from streamify_api.adapters.dependency import Verdict
from streamify_api.adapters.sigv4 import Credentials
from streamify_api.telemetry import trace_headers

# Codes of "not so fast": https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
_THROTTLED = frozenset(
    {
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyInvalidationsInProgress",
        "TransactionInProgressException",
    }
)
_UNAVAILABLE = frozenset({"InternalError", "InternalServerError", "RequestTimeout", "ServiceUnavailable"})
_CONNECT_SECONDS = 1.0

Client = Any  # aiobotocore makes its clients at run time and ships no types


def error_code(error: ClientError) -> str:
    """AWS's code of an error, such as NoSuchUpload; HEAD requests have the HTTP status only, such as "404"."""
    return error.response.get("Error", {}).get("Code", "")


def judge(error: BaseException) -> Verdict | None:
    """What an error of aiobotocore means; None: it is none of its errors."""
    if isinstance(error, ClientError):
        code, status = error_code(error), error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code in _THROTTLED or status == 429:
            return Verdict.THROTTLED
        return Verdict.UNAVAILABLE if status >= 500 or code in _UNAVAILABLE else Verdict.REFUSED
    if isinstance(error, (BotoCoreError, aiohttp.ClientError, TimeoutError, OSError)):
        return Verdict.UNAVAILABLE
    return None


async def open_client(
    stack: AsyncExitStack,
    service: str,
    region: str,
    endpoint_url: str | None,
    *,
    read_timeout: float,
    s3_options: dict[str, str] | None = None,
) -> Client:
    """A client that lives as long as the stack. One attempt a call: Dependency repeats; times are seconds."""
    config = AioConfig(
        region_name=region,
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=read_timeout,
        retries={"mode": "standard", "total_max_attempts": 1},
        max_pool_connections=256,
        tcp_keepalive=True,
        signature_version="s3v4" if service == "s3" else None,
        s3=s3_options,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    context = get_session().create_client(service, region_name=region, endpoint_url=endpoint_url, config=config)
    client = await stack.enter_async_context(context)
    client.meta.events.register("before-send", _pass_trace_on)
    return client


async def find_credentials() -> Callable[[], Awaitable[Credentials]]:
    """What gives the credentials of now: temporary ones renew themselves.

    Raises:
        NoCredentialsError: there are none.
    """
    source = await get_session().get_credentials()
    if source is None:
        raise NoCredentialsError

    async def current() -> Credentials:
        frozen = await source.get_frozen_credentials()
        return Credentials(frozen.access_key, frozen.secret_key, frozen.token)

    return current


def _pass_trace_on(request: Any, **_: Any) -> None:
    """After signing, so that a proxy may change it."""
    for name, value in trace_headers().items():
        request.headers[name] = value
