# SPDX-License-Identifier: Apache-2.0
"""Handlers of gRPC methods, as interceptors wrap them."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from typing import Any

import grpc

# grpc's own types of handlers are not generic over what they carry.
type Handler = grpc.RpcMethodHandler[Any, Any]
type Context = grpc.aio.ServicerContext[Any, Any]
type Behaviour = Callable[[Any, Context], Coroutine[Any, Any, Any]]
type StreamBehaviour = Callable[[Any, Context], AsyncGenerator[Any]]
type Continuation = Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]]


def replaced(handler: Handler, behaviour: Behaviour, decode: Callable[[bytes], Any] | None = None) -> Handler:
    """The handler of a unary method with another behaviour, and another decoder if there is one."""
    return grpc.unary_unary_rpc_method_handler(
        behaviour,
        decode or handler.request_deserializer,
        handler.response_serializer,
    )


def replaced_stream(
    handler: Handler, behaviour: StreamBehaviour, decode: Callable[[bytes], Any] | None = None
) -> Handler:
    """The same for a method that answers with a stream."""
    return grpc.unary_stream_rpc_method_handler(
        behaviour,
        decode or handler.request_deserializer,
        handler.response_serializer,
    )
