# SPDX-License-Identifier: Apache-2.0
"""What Prometheus can ask: requests by rate, errors and duration, the cache, dependencies, what was refused, the build.

Labels are resolved once for each combination; prometheus_client's own labels() costs five times an observation.
"""

from functools import cache

from prometheus_client import Counter, Gauge, Histogram, start_http_server

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

_HTTP = Histogram("streamify_http_request_seconds", "HTTP requests.", ("route", "method", "status"), buckets=_BUCKETS)
_GRPC = Histogram("streamify_grpc_call_seconds", "gRPC calls.", ("method", "code"), buckets=_BUCKETS)
_DEPENDENCY = Histogram(
    "streamify_dependency_seconds", "Attempts at calls to DynamoDB and S3.", ("service", "outcome"), buckets=_BUCKETS
)
_CALLS = Counter("streamify_dependency_calls", "Calls to DynamoDB and S3, each of one attempt or more.", ("service",))
_OPENED = Counter("streamify_breaker_opened", "How often a dependency was given up.", ("service",))
BREAKER = Gauge("streamify_breaker_state", "0 closed, 1 half open, 2 open.", ("service",))
_CACHE = Counter("streamify_video_cache", "How questions for a published video ended.", ("outcome",))
_REFUSED = Counter("streamify_refused", "Work that was refused to protect the rest.", ("reason", "work"))
_BUILD = Gauge("streamify_build_info", "Always 1; the labels say what runs.", ("version", "environment"))
RUNNING = Gauge("streamify_running", "Requests and calls that run now.", ("work",))
LOOP_LAG = Gauge("streamify_loop_lag_seconds", "What the event loop is late by, the least of the last moments.")
CACHE_ENTRIES = Gauge("streamify_video_cache_entries", "Videos that are remembered.")
STORE_DOWN = Gauge("streamify_store_down", "1 while the store does not answer the cache in time.")
DRAINING = Gauge("streamify_draining", "1 once this task was told to stop.")

_http = cache(_HTTP.labels)
_grpc = cache(_GRPC.labels)
_dependency = cache(_DEPENDENCY.labels)
_calls = cache(_CALLS.labels)
_opened = cache(_OPENED.labels)
_cache = cache(_CACHE.labels)
_refused = cache(_REFUSED.labels)


def http_request(route: str, method: str, status: int, seconds: float) -> None:
    """A request was answered. The route is a pattern, never a path: paths have no end."""
    _http(route, method, status).observe(seconds)


def grpc_call(method: str, code: str, seconds: float) -> None:
    """A call ended."""
    _grpc(method, code).observe(seconds)


def video_cache(outcome: str) -> None:
    """A question for a published video was answered in this way."""
    _cache(outcome).inc()


def refused(reason: str, work: str) -> None:
    """Work of this kind was turned away: overloaded, lagging, rate_limited, or breaker_open (work: the dependency)."""
    _refused(reason, work).inc()


def dependency_call(service: str) -> None:
    """A call out begins."""
    _calls(service).inc()


def dependency_attempt(service: str, outcome: str, seconds: float) -> None:
    """An attempt ended: ok, refused (the dependency said no), throttled, unavailable, or abandoned by its caller."""
    _dependency(service, outcome).observe(seconds)


def breaker_opened(service: str) -> None:
    """A dependency is not called any more, but for a look now and then."""
    _opened(service).inc()


def serve_metrics(host: str, port: int, *, version: str, environment: str) -> int:
    """Answer GET /metrics from a thread of its own, so that a busy loop can still be seen. Gives the port.

    Raises:
        OSError: the port cannot be had.
    """
    _BUILD.labels(version, environment).set(1)
    server, _ = start_http_server(port, addr=host)
    return int(server.server_port)
