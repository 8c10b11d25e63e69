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


def problem(status: int, code: str, detail: str) -> Response:
    """A problem as a response that nobody may keep."""
    title = HTTPStatus(status).phrase
    body = ProblemBody(
        type="urn:streamify:problem:" + re.sub(r"[^a-z0-9]+", "-", code.lower()),
        title=title,
        status=status,
        code=code,
        request_id=request_id.get(),
        detail=detail,
        instance=request.path,
    )
    response = Response(msgspec.json.encode(body), status=status, content_type="application/problem+json")
    response.headers["Cache-Control"] = "no-store"
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def install_errors(app: Quart) -> None:
    """Answer every error of the application in this shape."""

    async def ours(error: StreamifyError) -> Response:
        status = next((_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS), 500)
        response = problem(status, error.reason, error.message)
        if isinstance(error, RateLimitedError):
            response.headers["Retry-After"] = str(error.retry_seconds)
        return response

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
