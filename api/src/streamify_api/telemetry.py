# SPDX-License-Identifier: Apache-2.0
"""Logs as JSON lines on standard output, with the request's id, without secrets."""

import logging
import re
import secrets
import sys
from collections.abc import MutableMapping
from contextvars import ContextVar
from typing import Any

import msgspec
import structlog

_SECRET = re.compile(r"authorization|cookie|token|signature|secret|password|signing_key|policy", re.IGNORECASE)
# https://www.w3.org/TR/trace-context/#traceparent-header
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?\Z")
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}\Z")

# (trace id, span id, flags, state) of what is done now, if the caller traces or telemetry_traces is on.
trace: ContextVar[tuple[str, str, str, str] | None] = ContextVar("trace", default=None)
request_id: ContextVar[str] = ContextVar("request_id", default="")
# https://www.w3.org/TR/trace-context/#tracestate-header: what vendors add, passed on as it is.
_TRACESTATE = re.compile(r"[\x20-\x7e]{1,512}\Z")
log: structlog.stdlib.BoundLogger = structlog.get_logger("streamify")


def take_request_id(offered: str | None) -> str:
    """The id of a request: the caller's, if it is safe to log, or a new one."""
    value = offered if offered and _REQUEST_ID.match(offered) else secrets.token_hex(16)
    request_id.set(value)
    return value


def take_trace(offered: str | None, state: str | None = None, *, spans: bool = False) -> None:
    """Go on with the caller's trace (W3C trace context), in a span of our own. Without one there is none.

    Args:
        offered: the header traceparent.
        state: the header tracestate.
        spans: whether telemetry_traces begins that span, below the caller's.
    """
    match = _TRACEPARENT.match(offered) if offered else None
    if match is None:
        trace.set(None)
        return
    kept = state if state and _TRACESTATE.match(state) else ""
    trace.set((match[1], match[2] if spans else secrets.token_hex(8), match[3], kept))


def trace_headers() -> dict[str, str]:
    """What calls out carry on."""
    current = trace.get()
    if current is None:
        return {}
    headers = {"traceparent": f"00-{current[0]}-{current[1]}-{current[2]}"}
    return headers | {"tracestate": current[3]} if current[3] else headers


def configure_logs(level: str, **bound: str) -> None:
    """Send our own logs and those of libraries to standard output, one JSON object a line."""
    shared: list[structlog.typing.Processor] = [
        _add_context(bound),
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _redact,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(serializer=_encode)],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.BytesLoggerFactory(sys.stdout.buffer),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(serializer=lambda *args, **rest: _encode(*args, **rest).decode()),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)


def _encode(event: Any, **_: Any) -> bytes:
    return msgspec.json.encode(event, enc_hook=str)


def _add_context(bound: dict[str, str]) -> structlog.typing.Processor:
    def add(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event.update(bound)
        if current := request_id.get():
            event.setdefault("request_id", current)
        if span := trace.get():
            event.setdefault("trace_id", span[0])
            event.setdefault("span_id", span[1])
        return event

    return add


def _redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name in event:
        if _SECRET.search(name):
            event[name] = "[redacted]"
    return event
