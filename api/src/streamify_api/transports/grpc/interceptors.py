# SPDX-License-Identifier: Apache-2.0
"""What every call goes through: a request id, an access line, errors in one shape, limits, and who may call what."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any, cast

import grpc
from google.protobuf.message import DecodeError

from streamify_api.domain.callers import Caller
from streamify_api.domain.errors import InvalidArgumentError, StreamifyError, UnauthenticatedError
from streamify_api.services.deadline import set_deadline
from streamify_api.services.ports import TokenVerifier
from streamify_api.telemetry import log, request_id, take_request_id, take_trace
from streamify_api.telemetry_lag import LoopLag
from streamify_api.telemetry_limits import Gate
from streamify_api.telemetry_metrics import grpc_call
from streamify_api.telemetry_traces import tracing
from streamify_api.transports.grpc.errors import UnknownMethodError, abort, internal_error, status_code
from streamify_api.transports.grpc.handlers import (
    Behaviour,
    Context,
    Continuation,
    Handler,
    StreamBehaviour,
    replaced,
    replaced_stream,
)
from streamify_api.transports.grpc.methods import METHODS, Work, is_public

type Guard = Callable[[Any, Context], None]

# Of the codes that we answer with, those that are not the caller's doing:
# https://opentelemetry.io/docs/specs/semconv/rpc/grpc/#grpc-status
_OUR_FAILURES = frozenset(
    {
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
    }
)

_caller: ContextVar[Caller] = ContextVar("caller")


def current_caller() -> Caller:
    """Who makes the call that is being served."""
    return _caller.get()


class _Undecodable:
    """Stands for a message that is not of the method's type."""


class CallInterceptor(grpc.aio.ServerInterceptor):
    """The outermost one. Streams of health and reflection pass as they are."""

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Handler | None:
        """Wrap the method that will be called."""
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None:
            handler = grpc.unary_unary_rpc_method_handler(_unknown_method)
            method = "unknown"
        elif handler.unary_unary is None and is_public(method):
            return handler
        offered = _metadata(handler_call_details, "x-request-id")
        parent, state = (_metadata(handler_call_details, name) for name in ("traceparent", "tracestate"))

        @asynccontextmanager
        async def served(context: Context) -> AsyncIterator[None]:
            take_request_id(offered)
            tracer = tracing() if not is_public(method) else None
            take_trace(parent, state, spans=tracer is not None)
            service, _, name = method.removeprefix("/").partition("/")
            rpc: dict[str, str | int] = {"rpc.system": "grpc", "rpc.service": service, "rpc.method": name}
            span = tracer.serving(method.removeprefix("/"), **rpc) if tracer is not None else None
            set_deadline(context.time_remaining())
            begin = time.perf_counter()
            code = grpc.StatusCode.OK
            try:
                await context.send_initial_metadata((("x-request-id", request_id.get()),))
                yield
            except StreamifyError as error:
                code = status_code(error)
                await abort(context, error)
            except (asyncio.CancelledError, GeneratorExit):
                code = grpc.StatusCode.CANCELLED
                raise
            except Exception:
                code = grpc.StatusCode.INTERNAL
                log.exception("call failed", method=method)
                await abort(context, internal_error())
            finally:
                _log_access(method, code, begin)
                if tracer is not None and span is not None:
                    span.set_attributes(
                        {"rpc.grpc.status_code": code.value[0], "streamify.request_id": request_id.get()}
                    )
                    if code in _OUR_FAILURES:
                        tracer.failed(span, code.name)
                    span.end()

        if handler.unary_unary is not None:
            behaviour = cast(Behaviour, handler.unary_unary)

            async def call(request: Any, context: Context) -> Any:
                async with served(context):
                    return await behaviour(request, context)

            return replaced(handler, call)

        streaming = cast(StreamBehaviour, handler.unary_stream)

        async def stream(request: Any, context: Context) -> AsyncGenerator[Any]:
            async with served(context):
                async for response in streaming(request, context):
                    yield response

        return replaced_stream(handler, stream)


class LimitInterceptor(grpc.aio.ServerInterceptor):
    """Sheds what is too much of one kind of work, before anything is done for it or anybody waits."""

    def __init__(self, limits: Mapping[Work, int], lag: LoopLag | None = None) -> None:
        self._gates = {work: Gate(work, limits[work], lag) for work in Work}

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Handler | None:
        """Wrap the method that will be called, unless it is public."""
        handler = await continuation(handler_call_details)
        if handler is None or is_public(handler_call_details.method):
            return handler
        gate = self._gates[METHODS[handler_call_details.method].work]
        if handler.unary_unary is not None:
            behaviour = cast(Behaviour, handler.unary_unary)

            async def call(request: Any, context: Context) -> Any:
                with gate:
                    return await behaviour(request, context)

            return replaced(handler, call)
        streaming = cast(StreamBehaviour, handler.unary_stream)

        async def stream(request: Any, context: Context) -> AsyncGenerator[Any]:
            with gate:
                async for response in streaming(request, context):
                    yield response

        return replaced_stream(handler, stream)


class TokenInterceptor(grpc.aio.ServerInterceptor):
    """Lets only those in whose token carries the method's scope."""

    def __init__(self, verifier: TokenVerifier) -> None:
        self._verifier = verifier

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Handler | None:
        """Wrap the method that will be called, unless it is public."""
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or is_public(method):
            return handler
        scope = METHODS[method].scope
        authorization = _metadata(handler_call_details, "authorization")

        def admit(_: Any, __: Context) -> None:
            scheme, _, token = (authorization or "").partition(" ")
            if scheme.lower() != "bearer" or not token:
                raise UnauthenticatedError("TOKEN_MISSING", "This method needs a bearer token.")
            caller = self._verifier.verify(token.strip())
            caller.require(scope)
            _caller.set(caller)

        return _guarded(handler, admit)


class DecodeInterceptor(grpc.aio.ServerInterceptor):
    """The innermost one: answers a message of another type with INVALID_ARGUMENT, where grpc.aio says UNKNOWN."""

    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Handler | None:
        """Wrap the method that will be called and its decoder."""
        handler = await continuation(handler_call_details)
        if handler is None or handler.request_deserializer is None:
            return handler
        if handler.unary_unary is None and is_public(handler_call_details.method):
            return handler
        decode = handler.request_deserializer

        def decode_safely(data: bytes) -> Any:
            try:
                return decode(data)
            except DecodeError:
                return _Undecodable()

        def decoded(request: Any, _: Context) -> None:
            if isinstance(request, _Undecodable):
                raise InvalidArgumentError("UNDECODABLE", "The message is not of this method's type.")

        return _guarded(handler, decoded, decode_safely)


async def _unknown_method(request: Any, context: Context) -> Any:  # noqa: ARG001
    raise UnknownMethodError


def _guarded(handler: Handler, guard: Guard, decode: Callable[[bytes], Any] | None = None) -> Handler:
    """The handler behind a check that raises what the caller is told."""
    if handler.unary_unary is not None:
        behaviour = cast(Behaviour, handler.unary_unary)

        async def call(request: Any, context: Context) -> Any:
            guard(request, context)
            return await behaviour(request, context)

        return replaced(handler, call, decode)

    streaming = cast(StreamBehaviour, handler.unary_stream)

    async def stream(request: Any, context: Context) -> AsyncGenerator[Any]:
        guard(request, context)
        async for response in streaming(request, context):
            yield response

    return replaced_stream(handler, stream, decode)


def _metadata(details: grpc.HandlerCallDetails, name: str) -> str | None:
    for key, value in details.invocation_metadata or ():
        if key == name and isinstance(value, str):
            return value
    return None


def _log_access(method: str, code: grpc.StatusCode, begin: float) -> None:
    grpc_call(method, code.name, time.perf_counter() - begin)
    if method.endswith("/CheckReadiness") and code is grpc.StatusCode.OK:
        return  # the balancer asks every few seconds
    milliseconds = round((time.perf_counter() - begin) * 1000, 1)
    log.info("access", transport="grpc", method=method, status=code.name, milliseconds=milliseconds)
