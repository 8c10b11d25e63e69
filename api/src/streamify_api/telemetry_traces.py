# SPDX-License-Identifier: Apache-2.0
"""Traces: a span for each request and call that is served, one for each attempt at a call out, sent by OTLP.

Off, nothing is imported and a request pays one comparison; the caller's trace is passed on all the same (telemetry.py).
No span ever holds a query, a header, a body or an error's message: any of them may hold a token or a signature.
https://opentelemetry.io/docs/specs/semconv/
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from streamify_api.telemetry import trace

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.trace import Span, SpanKind, Tracer

_FLUSH_SECONDS = 3.0  # what a collector that does not answer may delay the end of a task by


class Tracing:
    """Begins spans below the one that the context variable `trace` names."""

    def __init__(self, tracer: "Tracer") -> None:
        from opentelemetry import trace as api
        from opentelemetry.context import Context

        self._tracer, self._api, self._no_parent = tracer, api, Context()
        self._server, self._client = api.SpanKind.SERVER, api.SpanKind.CLIENT

    def serving(self, name: str, **attributes: str | int) -> "Span":
        """The span of a request or call that is served, which becomes the current one. Whoever begins it ends it."""
        span = self._begin(name, self._server, attributes)
        _enter(span)
        return span

    def failed(self, span: "Span", kind: str) -> None:
        """Say that it is we who failed; kind is a word of ours, a status or a class, never a message."""
        span.set_attribute("error.type", kind)
        span.set_status(self._api.Status(self._api.StatusCode.ERROR))

    @contextmanager
    def calling(self, system: str, method: str) -> Iterator[None]:
        """The span of one attempt at a call out; it is the current one meanwhile, and the call carries it on."""
        span = self._begin(
            f"{system}.{method}", self._client, {"rpc.system": "aws-api", "rpc.service": system, "rpc.method": method}
        )
        before = trace.get()
        _enter(span)
        try:
            yield
        except asyncio.CancelledError:
            span.set_attribute("error.type", "cancelled")
            raise
        except BaseException as error:
            self.failed(span, _kind(error))
            raise
        finally:
            trace.set(before)
            span.end()

    def _begin(self, name: str, kind: "SpanKind", attributes: dict[str, str | int]) -> "Span":
        parent, current, api = self._no_parent, trace.get(), self._api
        if current is not None:
            trace_id, span_id, flags, state = current
            above = api.SpanContext(
                int(trace_id, 16),
                int(span_id, 16),
                is_remote=kind is self._server,
                trace_flags=api.TraceFlags(int(flags, 16)),
                trace_state=api.TraceState.from_header([state] if state else []),
            )
            parent = api.set_span_in_context(api.NonRecordingSpan(above), parent)
        return self._tracer.start_span(name, parent, kind, attributes)


_tracing: Tracing | None = None


def tracing() -> Tracing | None:
    """What begins spans; None: nobody wants any."""
    return _tracing


@asynccontextmanager
async def exported_traces(endpoint: str, **resource: str) -> AsyncIterator[None]:
    """Send spans to this OTLP endpoint over gRPC as long as the context is open; empty: send none.

    Sampling, headers, certificates and time-outs are read from the environment by the SDK (OTEL_TRACES_SAMPLER,
    OTEL_EXPORTER_OTLP_HEADERS, ...): https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
    """
    if not endpoint:
        yield
        return
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    processor = BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint))
    _start(processor, resource)
    try:
        yield
    finally:
        _stop()
        # In a thread that nobody has to wait for: the exporter may be repeating what no collector takes.
        ending = threading.Thread(target=processor.shutdown, daemon=True)
        ending.start()
        await asyncio.to_thread(ending.join, _FLUSH_SECONDS)


def _start(processor: "SpanProcessor", resource: dict[str, str]) -> None:
    global _tracing
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    provider = TracerProvider(resource=Resource.create(dict(resource)), shutdown_on_exit=False)
    provider.add_span_processor(processor)
    _tracing = Tracing(provider.get_tracer("streamify_api"))


def _stop() -> None:
    global _tracing
    _tracing = None


def _enter(span: "Span") -> None:
    context = span.get_span_context()
    trace.set(
        (
            f"{context.trace_id:032x}",
            f"{context.span_id:016x}",
            f"{int(context.trace_flags):02x}",
            context.trace_state.to_header(),
        )
    )


def _kind(error: BaseException) -> str:
    """AWS's code of its errors, such as ThrottlingException; else the class."""
    response = getattr(error, "response", None)
    if isinstance(response, dict) and (code := response.get("Error", {}).get("Code")):
        return str(code)
    return type(error).__name__
