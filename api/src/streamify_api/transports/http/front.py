# SPDX-License-Identifier: Apache-2.0
"""What every HTTP request goes through before any framework: request id, trace, limits, headers, metrics, log line."""

import time
from collections.abc import MutableMapping
from typing import Any

from streamify_api.domain.errors import RateLimitedError, StreamifyError
from streamify_api.services.readiness import Phase, Readiness
from streamify_api.telemetry import log, take_request_id, take_trace
from streamify_api.telemetry_access import AccessLog
from streamify_api.telemetry_lag import LoopLag
from streamify_api.telemetry_limits import AddressLimiter, Gate
from streamify_api.telemetry_metrics import http_request, refused
from streamify_api.telemetry_traces import tracing
from streamify_api.transports.http.answers import Answer, App, Headers, Paths, Receive, Scope, Send, text
from streamify_api.transports.http.errors import problem_of

ROUTE = "streamify.route"  # key in the scope, where the framework leaves the route's pattern
_METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"})
_NOSNIFF = (b"x-content-type-options", b"nosniff")
_CLOSE = (b"connection", b"close")
# CORS with credentials for the origins on the list: https://fetch.spec.whatwg.org/#http-cors-protocol
_VARY = (b"vary", b"Origin")
_CREDENTIALS = (b"access-control-allow-credentials", b"true")
_EXPOSED = (b"access-control-expose-headers", b"X-Request-Id, ETag, Retry-After, Cache-Status")
_PREFLIGHT = (
    (b"access-control-allow-methods", b"GET, HEAD, POST, OPTIONS"),
    (
        b"access-control-allow-headers",
        b"Authorization, Content-Type, X-Request-Id, If-None-Match, Traceparent, Tracestate",
    ),
    (b"access-control-max-age", b"600"),
)


class Front:
    """Wraps an ASGI application.

    Args:
        app: what answers.
        paths: what is answered before it.
        readiness: a draining task asks its clients to go elsewhere.
        limiter: for each client address.
        access_log: one line for each request.
        allowed_origins: web origins that may read with credentials.
        concurrency: how many requests of each kind of work may run at once.
        lag: of the event loop.
    """

    def __init__(
        self,
        app: App,
        paths: Paths,
        readiness: Readiness,
        limiter: AddressLimiter,
        access_log: AccessLog,
        allowed_origins: frozenset[str],
        concurrency: int = 256,
        lag: LoopLag | None = None,
    ) -> None:
        self._app = app
        self._paths = paths
        self._readiness = readiness
        self._limiter = limiter
        self._access_log = access_log
        self._allowed_origins = frozenset(origin.encode() for origin in allowed_origins)
        self._gates = {work: Gate(work, concurrency, lag) for work in ("playback", "catalogue", "page")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begin = time.perf_counter()
        headers: Headers = dict(scope["headers"])  # of a repeated one the last counts, as with X-Forwarded-For's hops
        request_id = take_request_id(text(headers.get(b"x-request-id")))
        path: str = scope["path"]
        tracer = tracing() if not path.startswith("/health/") else None
        offered, state = text(headers.get(b"traceparent")), text(headers.get(b"tracestate"))
        take_trace(offered, state, spans=tracer is not None)
        span = tracer.serving(scope["method"]) if tracer is not None else None
        extra = self._headers(request_id, scope["method"], path, headers.get(b"origin"))
        route = self._paths.route(path)
        status = 500

        async def send_more(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *extra]
            await send(message)

        try:
            if route is not None:
                status, own, body = await self._answer(route, scope, headers, receive)
                extra += own
                extra.append((b"content-length", b"%d" % len(body)))
                await send({"type": "http.response.start", "status": status, "headers": extra})
                await send({"type": "http.response.body", "body": body})
            else:
                await self._forward(scope, headers, receive, send_more)
        finally:
            self._observe(scope, route, path, status, time.perf_counter() - begin)
            if tracer is not None and span is not None:
                pattern, method = route or scope.get(ROUTE, "(unknown)"), _known(scope["method"])
                span.update_name(f"{method} {pattern}")
                span.set_attributes(
                    {
                        "http.request.method": method,
                        "http.route": pattern,
                        "http.response.status_code": status,
                        "streamify.request_id": request_id,
                    }
                )
                if status >= 500:
                    tracer.failed(span, str(status))
                span.end()

    async def _answer(self, route: str, scope: Scope, headers: Headers, receive: Receive) -> Answer:
        try:
            self._limit("playback", scope, headers)
            with self._gates["playback"]:
                return await self._paths.answer(route, scope, headers, receive)
        except StreamifyError as error:
            return _problem(error, scope["path"])
        except Exception:
            log.exception("request failed", path=scope["path"])
            reason = "Something went wrong on our side; the request id finds it in our logs."
            return _problem(StreamifyError("INTERNAL", reason), scope["path"])

    async def _forward(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        work = _work(scope["path"])
        if work is None:
            await self._app(scope, receive, send)
            return
        try:
            self._limit(work, scope, headers)
            with self._gates[work]:
                await self._app(scope, receive, send)
        except StreamifyError as error:
            # The application renders its own errors: this one was raised here.
            scope.setdefault(ROUTE, f"({work})")
            status, own, body = _problem(error, scope["path"])
            own.append((b"content-length", b"%d" % len(body)))
            await send({"type": "http.response.start", "status": status, "headers": own})
            await send({"type": "http.response.body", "body": body})

    def _limit(self, work: str, scope: Scope, headers: Headers) -> None:
        """Refuse an address that asks too often.

        Raises:
            RateLimitedError: it does.
        """
        if seconds := self._limiter.wait(_client(scope, headers)):
            refused("rate_limited", work)
            raise RateLimitedError(seconds)

    def _headers(self, request_id: str, method: str, path: str, origin: bytes | None) -> list[tuple[bytes, bytes]]:
        headers = [(b"x-request-id", request_id.encode()), _NOSNIFF]
        if self._readiness.phase is Phase.DRAINING:
            headers.append(_CLOSE)
        if not path.startswith("/v1/"):
            return headers
        headers.append(_VARY)
        if origin is None or origin not in self._allowed_origins:
            return headers
        headers += ((b"access-control-allow-origin", origin), _CREDENTIALS)
        if method == "OPTIONS":
            headers += _PREFLIGHT
        else:
            headers.append(_EXPOSED)
        return headers

    def _observe(self, scope: Scope, route: str | None, path: str, status: int, seconds: float) -> None:
        method = scope["method"]
        http_request(route or scope.get(ROUTE, "(unknown)"), _known(method), status, seconds)
        if status == 200 and path.startswith("/health/"):
            return  # the balancer asks every few seconds
        self._access_log.write(method, path, status, seconds)


def _known(method: str) -> str:
    return method if method in _METHODS else "other"


def _problem(error: StreamifyError, path: str) -> Answer:
    status, headers, body = problem_of(error, path)
    return status, [(name.lower().encode(), value.encode()) for name, value in headers.items()], body


def _work(path: str) -> str | None:
    """The kind of work: what is cheap or must always be answered has none."""
    if path.startswith("/v1/"):
        return "playback" if "/playback" in path else "catalogue"
    return "page" if path.startswith("/watch/") else None


def _client(scope: Scope, headers: Headers) -> str:
    """The address that the balancer saw: the last hop; what stands before it anybody can write.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/x-forwarded-headers.html
    """
    forwarded = text(headers.get(b"x-forwarded-for"))
    if forwarded:
        return forwarded.rpartition(",")[2].strip()
    client = scope.get("client")
    return str(client[0]) if client else ""
