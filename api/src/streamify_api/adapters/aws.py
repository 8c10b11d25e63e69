# SPDX-License-Identifier: Apache-2.0
"""What every call to AWS shares: time-outs, bounded retries, a connection pool, and errors in the platform's words."""

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore.exceptions import BotoCoreError, ClientError

from streamify_api.domain.errors import DeadlineExceededError, StreamifyError, UnavailableError
from streamify_api.services import deadline
from streamify_api.telemetry import traceparent
from streamify_api.telemetry_metrics import dependency_call

# Codes after which the same call may succeed: https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
_PASSING = frozenset(
    {
        "InternalError",
        "InternalServerError",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestTimeout",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TransactionInProgressException",
    }
)

Client = Any  # aiobotocore makes its clients at run time and ships no types


def error_code(error: ClientError) -> str:
    """AWS's code of an error, such as NoSuchUpload; HEAD requests have the HTTP status only, such as "404"."""
    return error.response.get("Error", {}).get("Code", "")


async def open_client(
    stack: AsyncExitStack,
    service: str,
    region: str,
    endpoint_url: str | None,
    *,
    read_timeout: float,
    s3_options: dict[str, str] | None = None,
) -> Client:
    """A client that lives as long as the stack. Time-outs are seconds, for each of at most three attempts."""
    config = AioConfig(
        region_name=region,
        connect_timeout=1,
        read_timeout=read_timeout,
        retries={"mode": "standard", "total_max_attempts": 3},
        max_pool_connections=64,
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


def _pass_trace_on(request: Any, **_: Any) -> None:
    """After signing, so that a proxy may change it."""
    if current := traceparent():
        request.headers["traceparent"] = current


@asynccontextmanager
async def calling(service: str) -> AsyncIterator[None]:
    """Turn "it does not answer" of whatever kind into UnavailableError; other errors pass.

    Raises:
        UnavailableError: the service is down, slow, throttling or unreachable.
        DeadlineExceededError: it did not answer within the time that the caller has left.
    """
    begin, outcome = time.perf_counter(), "ok"
    try:
        yield
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        outcome = "refused"
        if status >= 500 or error_code(error) in _PASSING:
            outcome = "unavailable"
            raise _unavailable(service) from error
        raise
    except (BotoCoreError, aiohttp.ClientError, TimeoutError, OSError) as error:
        outcome = "unavailable"
        raise _unavailable(service) from error
    finally:
        dependency_call(service, outcome, time.perf_counter() - begin)


def _unavailable(service: str) -> StreamifyError:
    if deadline.is_over():
        return DeadlineExceededError()
    return UnavailableError(
        "DEPENDENCY_UNAVAILABLE", f"{service} does not answer; try again later.", {"dependency": service}
    )
