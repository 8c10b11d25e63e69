# SPDX-License-Identifier: Apache-2.0
"""Errors on the wire: a status, google.rpc.ErrorInfo with a stable reason, and RetryInfo where retrying helps.

https://google.aip.dev/193
"""

from typing import NoReturn

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]

from streamify_api.domain.errors import (
    ConflictingChangeError,
    DeadlineExceededError,
    InvalidArgumentError,
    NotFoundError,
    OverloadedError,
    PermissionDeniedError,
    RequestIdReusedError,
    StateConflictError,
    StreamifyError,
    UnauthenticatedError,
    UnavailableError,
)
from streamify_api.telemetry import request_id

DOMAIN = "streamify"
RETRY_SECONDS = 1


class UnknownMethodError(StreamifyError):
    """There is no such method."""

    def __init__(self) -> None:
        super().__init__("METHOD_UNKNOWN", "There is no such method.")


_CODES: dict[type[StreamifyError], grpc.StatusCode] = {
    InvalidArgumentError: grpc.StatusCode.INVALID_ARGUMENT,
    NotFoundError: grpc.StatusCode.NOT_FOUND,
    StateConflictError: grpc.StatusCode.FAILED_PRECONDITION,
    RequestIdReusedError: grpc.StatusCode.ALREADY_EXISTS,
    UnauthenticatedError: grpc.StatusCode.UNAUTHENTICATED,
    PermissionDeniedError: grpc.StatusCode.PERMISSION_DENIED,
    UnavailableError: grpc.StatusCode.UNAVAILABLE,
    OverloadedError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    ConflictingChangeError: grpc.StatusCode.ABORTED,
    DeadlineExceededError: grpc.StatusCode.DEADLINE_EXCEEDED,
    UnknownMethodError: grpc.StatusCode.UNIMPLEMENTED,
}


def status_code(error: StreamifyError) -> grpc.StatusCode:
    """The status of an error."""
    return next((_CODES[kind] for kind in type(error).__mro__ if kind in _CODES), grpc.StatusCode.INTERNAL)


def internal_error() -> StreamifyError:
    """What a caller is told about a mistake of ours."""
    return StreamifyError("INTERNAL", "Something went wrong on our side; the request id finds it in our logs.")


async def abort[Request, Response](
    context: grpc.aio.ServicerContext[Request, Response], error: StreamifyError
) -> NoReturn:
    """End the call with this error."""
    code = status_code(error)
    info = ErrorInfo(reason=error.reason, domain=DOMAIN, metadata={**error.metadata, "request_id": request_id.get()})
    status = Status(code=code.value[0], message=error.message, details=[_packed(info)])
    if code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED):
        status.details.append(_packed(RetryInfo(retry_delay=Duration(seconds=RETRY_SECONDS))))
    await context.abort(
        code,
        error.message,
        (("grpc-status-details-bin", status.SerializeToString()), ("x-request-id", request_id.get())),
    )
    raise AssertionError("abort returned")


def _packed(message: ErrorInfo | RetryInfo) -> Any:
    packed = Any()
    packed.Pack(message)
    return packed
