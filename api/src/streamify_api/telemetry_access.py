# SPDX-License-Identifier: Apache-2.0
"""The access line of an HTTP request: the same JSON as every other log line, written without a chain of processors.

There is one for each request, and through structlog it costs more than the rest of a playback request.
"""

import sys
from datetime import UTC, datetime
from typing import BinaryIO

import msgspec

from streamify_api.telemetry import request_id, trace


class _Line(msgspec.Struct, omit_defaults=True):
    """No field may ever hold a query, a token or a signature."""

    transport: str
    method: str
    path: str
    status: int
    milliseconds: float
    event: str
    environment: str
    version: str
    request_id: str
    level: str
    timestamp: str
    trace_id: str = ""
    span_id: str = ""


class AccessLog:
    """Writes access lines.

    Args:
        enabled: whether lines of the level "info" are wanted.
        environment: name of the deployment, in every line.
        version: of the service, in every line.
        stream: where to; the standard output if None.
    """

    def __init__(self, *, enabled: bool, environment: str, version: str, stream: BinaryIO | None = None) -> None:
        self._enabled = enabled
        self._environment = environment
        self._version = version
        self._stream = stream if stream is not None else sys.stdout.buffer
        self._encode = msgspec.json.Encoder().encode

    def write(self, method: str, path: str, status: int, seconds: float) -> None:
        """One request that was answered. The path comes without its query, which may hold a signature."""
        if not self._enabled:
            return
        trace_id, span_id, *_ = trace.get() or ("", "")
        line = _Line(
            "http",
            method,
            path,
            status,
            round(seconds * 1000, 1),
            "access",
            self._environment,
            self._version,
            request_id.get(),
            "info",
            datetime.now(UTC).isoformat(),
            trace_id,
            span_id,
        )
        self._stream.write(self._encode(line) + b"\n")
        self._stream.flush()
