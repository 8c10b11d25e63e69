# SPDX-License-Identifier: Apache-2.0
"""Errors as problem details: https://www.rfc-editor.org/rfc/rfc9457"""

import re
from http import HTTPStatus

import msgspec
from quart import Quart, Response, request
from werkzeug.exceptions import HTTPException

from streamify_api.domain.errors import (
    InvalidArgumentError,
    NotFoundError,
    OverloadedError,
    PermissionDeniedError,
    RateLimitedError,
    RequestIdReusedError,
    StateConflictError,
    StreamifyError,
    UnauthenticatedError,
    UnavailableError,
)
from streamify_api.telemetry import log, request_id
from streamify_api.transports.http.schemas import ProblemBody

RETRY_SECONDS = 1
_STATUS: dict[type[StreamifyError], HTTPStatus] = {
    InvalidArgumentError: HTTPStatus.BAD_REQUEST,
    NotFoundError: HTTPStatus.NOT_FOUND,
    StateConflictError: HTTPStatus.CONFLICT,
    RequestIdReusedError: HTTPStatus.UNPROCESSABLE_ENTITY,
    UnauthenticatedError: HTTPStatus.UNAUTHORIZED,
    PermissionDeniedError: HTTPStatus.FORBIDDEN,
    UnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
    OverloadedError: HTTPStatus.SERVICE_UNAVAILABLE,
    RateLimitedError: HTTPStatus.TOO_MANY_REQUESTS,
}


def problem_parts(status: int, code: str, detail: str, path: str) -> tuple[dict[str, str], bytes]:
    """Headers and body of a problem that nobody may keep."""
    body = ProblemBody(
        type="urn:streamify:problem:" + re.sub(r"[^a-z0-9]+", "-", code.lower()),
        title=HTTPStatus(status).phrase,
        status=status,
        code=code,
        request_id=request_id.get(),
        detail=detail,
        instance=path,
    )
    headers = {"Content-Type": "application/problem+json", "Cache-Control": "no-store"}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(RETRY_SECONDS)
    return headers, msgspec.json.encode(body)


def problem_of(error: StreamifyError, path: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body for one of our errors."""
    status = next((_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS), HTTPStatus.INTERNAL_SERVER_ERROR)
    headers, body = problem_parts(status, error.reason, error.message, path)
    if isinstance(error, UnauthenticatedError):
        # https://www.rfc-editor.org/rfc/rfc6750#section-3: who has shown nothing is told of no error.
        headers["WWW-Authenticate"] = "Bearer" if error.reason == "TOKEN_MISSING" else 'Bearer error="invalid_token"'
    if isinstance(error, RateLimitedError):
        headers["Retry-After"] = str(error.retry_seconds)
    return int(status), headers, body


def problem(status: int, code: str, detail: str) -> Response:
    """A problem as a response of the framework."""
    headers, body = problem_parts(status, code, detail, request.path)
    return Response(body, status=status, headers=headers)


def install_errors(app: Quart) -> None:
    """Answer every error of the application in this shape."""

    async def ours(error: StreamifyError) -> Response:
        status, headers, body = problem_of(error, request.path)
        return Response(body, status=status, headers=headers)

    async def routing(error: HTTPException) -> Response:
        status = error.code or 500
        response = problem(status, HTTPStatus(status).name, error.description or HTTPStatus(status).phrase)
        for name, value in error.get_headers():
            if name.lower() in {"allow", "retry-after", "location"}:
                response.headers[name] = value
        return response

    async def unexpected(error: Exception) -> Response:
        log.error("request failed", path=request.path, exc_info=error)
        return problem(500, "INTERNAL", "Something went wrong on our side; the request id finds it in our logs.")

    app.register_error_handler(StreamifyError, ours)
    app.register_error_handler(HTTPException, routing)
    app.register_error_handler(Exception, unexpected)
