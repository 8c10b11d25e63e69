# SPDX-License-Identifier: Apache-2.0
"""What every HTTP request goes through, before any framework: request id, trace, limits, headers, metrics, access line.

Plain ASGI (https://asgi.readthedocs.io/en/latest/specs/www.html).
"""

import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from streamify_api.domain.errors import RateLimitedError, StreamifyError
from streamify_api.services.readiness import Phase, Readiness
from streamify_api.telemetry import log, request_id, take_request_id, take_trace
from streamify_api.telemetry_limits import AddressLimiter, Gate
from streamify_api.telemetry_metrics import http_request, refused
from streamify_api.transports.http.errors import problem_of

type Scope = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
type Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
type App = Callable[[Any, Any, Any], Awaitable[None]]  # frameworks have types of their own for the three

ROUTE = "streamify.route"  # key in the scope, where whoever answers leaves the route's pattern
_PREFLIGHT_SECONDS = b"600"
_METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"})


class Front:
    """Wraps an ASGI application.

    Args:
        app: what answers.
        readiness: a draining task asks its clients to go elsewhere.
        limiter: for each client address.
        allowed_origins: web origins that may read with credentials.
        concurrency: how many requests of each kind of work may run at once.
    """

    def __init__(
        self,
        app: App,
        readiness: Readiness,
        limiter: AddressLimiter,
        allowed_origins: frozenset[str],
        concurrency: int = 256,
    ) -> None:
        self._app = app
        self._readiness = readiness
        self._limiter = limiter
        self._allowed_origins = allowed_origins
        self._gates = {work: Gate(work, concurrency) for work in ("playback", "catalogue", "page")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begin = time.perf_counter()
        headers = dict(scope["headers"])  # of a repeated one the last counts, as with X-Forwarded-For's hops
        take_request_id(_text(headers.get(b"x-request-id")))
        take_trace(_text(headers.get(b"traceparent")))
        path: str = scope["path"]
        extra = self._headers(scope["method"], path, _text(headers.get(b"origin")))
        status = 500

        async def send_more(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *extra]
            await send(message)

        try:
            await self._answer(_work(path), scope, receive, send_more, _client(scope, headers))
        finally:
            self._observe(scope, path, status, time.perf_counter() - begin)

    async def _answer(self, work: str | None, scope: Scope, receive: Receive, send: Send, client: str) -> None:
        if work is None:
            await self._app(scope, receive, send)
            return
        try:
            if seconds := self._limiter.wait(client):
                refused("rate_limited", work)
                raise RateLimitedError(seconds)
            with self._gates[work]:
                await self._app(scope, receive, send)
        except StreamifyError as error:
            # The application renders its own errors: this one was raised here.
            scope.setdefault(ROUTE, f"({work})")
            await send_problem(send, error, scope["path"])

    def _headers(self, method: str, path: str, origin: str | None) -> list[tuple[bytes, bytes]]:
        headers = [(b"x-request-id", request_id.get().encode()), (b"x-content-type-options", b"nosniff")]
        if self._readiness.phase is Phase.DRAINING:
            headers.append((b"connection", b"close"))
        if not path.startswith("/v1/"):
            return headers
        # CORS with credentials for the origins on the list: https://fetch.spec.whatwg.org/#http-cors-protocol
        headers.append((b"vary", b"Origin"))
        if origin is None or origin not in self._allowed_origins:
            return headers
        headers += [
            (b"access-control-allow-origin", origin.encode()),
            (b"access-control-allow-credentials", b"true"),
        ]
        if method == "OPTIONS":
            headers += [
                (b"access-control-allow-methods", b"GET, HEAD, POST, OPTIONS"),
                (b"access-control-allow-headers", b"Content-Type, X-Request-Id, If-None-Match, Traceparent"),
                (b"access-control-max-age", _PREFLIGHT_SECONDS),
            ]
        else:
            exposed = b"X-Request-Id, ETag, Retry-After, Cache-Status"
            headers.append((b"access-control-expose-headers", exposed))
        return headers

    def _observe(self, scope: Scope, path: str, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "other"
        http_request(scope.get(ROUTE, "(unknown)"), method, status, seconds)
        if status == 200 and path.startswith("/health/"):
            return  # the balancer asks every few seconds
        log.info(
            "access",
            transport="http",
            method=scope["method"],
            path=path,  # never the query, which may hold a signature one day
            status=status,
            milliseconds=round(seconds * 1000, 1),
        )


async def send_problem(send: Send, error: StreamifyError, path: str) -> None:
    """Answer with an error's problem details."""
    status, headers, body = problem_of(error, path)
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send_answer(send, status, raw, body)


async def send_answer(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    """Answer with a whole body; the server leaves it out for HEAD."""
    headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _work(path: str) -> str | None:
    """The kind of work: what is cheap or must always be answered has none."""
    if path.startswith("/v1/"):
        return "playback" if "/playback" in path else "catalogue"
    return "page" if path.startswith("/watch/") else None


def _client(scope: Scope, headers: dict[bytes, bytes]) -> str:
    """The address that the balancer saw: the last hop; what stands before it anybody can write.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/x-forwarded-headers.html
    """
    forwarded = _text(headers.get(b"x-forwarded-for"))
    if forwarded:
        return forwarded.rpartition(",")[2].strip()
    client = scope.get("client")
    return str(client[0]) if client else ""


def _text(value: bytes | None) -> str | None:
    return value.decode("latin-1") if value is not None else None
