# SPDX-License-Identifier: Apache-2.0
"""Calls made from the services' descriptors: likely values, limits, nonsense, and bytes that are no message."""

import asyncio
import random
import string
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf import message_factory
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from streamify.catalog.v1 import catalog_service_pb2 as catalog
from streamify.health.v1 import health_service_pb2 as health
from streamify.upload.v1 import upload_service_pb2 as upload

METHODS: list[MethodDescriptor] = [
    method
    for file in (upload, catalog, health)
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
]
NEVER = {grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL}
_STREAM_SECONDS = 0.2
_CALL_SECONDS = 20.0
_INTEGERS = [0, 1, 2, 5, 100, 1000, 10_000, -1, 2**31 - 1, -(2**31)]
_LONG_INTEGERS = [*_INTEGERS, 8 * 1024**2, 5 * 1024**4, 5 * 1024**4 + 1, 2**63 - 1, -(2**63)]
_TEXTS = ["", "\x00", "é", "𝄞" * 50, "a" * 300, "../x", "master.m3u8", "720p", "video/mp4", "film.mp4", "title", "%s{}"]
# Most values are these where a field has them: calls whose every field is nonsense are refused at the door.
_LIKELY: dict[str, list[Any]] = {
    "title": ["title", "ä film"],
    "filename": ["film.mp4"],
    "content_type": ["video/mp4", "application/vnd.apple.mpegurl"],
    "paths": ["title", "description", "state"],
    "path": ["master.m3u8", "720p/1.ts"],
    "codecs": ["avc1.64001e"],
    "code": ["TRANSCODING_FAILED"],
    "page_token": [""],
    "checksum": [""],
    "size_bytes": [1, 11, 9 * 1024**2],
    "progress_percent": [0, 50, 100],
    "part_numbers": [1],
    "part_number": [1],
    "width": [640],
    "height": [360],
    "bandwidth_bps": [800_000],
}
_DEPTH = 4


@dataclass
class Found:
    """What the calls came to: how many ended with each status, and those that ended with one that must not be."""

    statuses: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)


class Maker:
    """Makes messages; remembers ids that the platform gave, so that calls reach what exists."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._known = {
            "upload_id": ["upl_01ARZ3NDEKTSV4RRFFQ69G5FAV"],
            "video_id": ["vid_01ARZ3NDEKTSV4RRFFQ69G5FAV"],
            "etag": ["1"],
        }

    def learn(self, answer: Message) -> None:
        """Keep the ids of an answer."""
        for name in ("upload", "video"):
            item: Any = getattr(answer, name, None)
            for key, known in self._known.items():
                if item is not None and key in item.DESCRIPTOR.fields_by_name and (value := getattr(item, key)):
                    known.append(str(value))
                    del known[1:-50]

    def payload(self, method: MethodDescriptor) -> bytes:
        """A message of the method's type, now and then spoiled."""
        data = self._message(message_factory.GetMessageClass(method.input_type), 0).SerializeToString()
        if self._random.random() < 0.1:
            spoiled = bytearray(data + self._random.randbytes(self._random.randrange(1, 20)))
            spoiled[self._random.randrange(len(spoiled))] = self._random.randrange(256)
            return bytes(spoiled)
        return data

    def method(self) -> MethodDescriptor:
        """Which method to call."""
        return self._random.choice(METHODS)

    def _message(self, kind: type[Message], depth: int) -> Message:
        made = kind()
        for item in kind.DESCRIPTOR.fields:
            if self._random.random() < 0.12 or (item.message_type and depth >= _DEPTH):
                continue
            self._set(made, item, depth)
        return made

    def _set(self, made: Message, item: Any, depth: int) -> None:
        count = self._random.choice([0, 1, 1, 2, 3])
        if item.message_type is not None and item.message_type.GetOptions().map_entry:
            key, value = item.message_type.fields_by_name["key"], item.message_type.fields_by_name["value"]
            for _ in range(count):
                getattr(made, item.name)[self._scalar(key)] = self._scalar(value)
        elif item.message_type is not None:
            kind = message_factory.GetMessageClass(item.message_type)
            if item.is_repeated:
                getattr(made, item.name).extend(self._message(kind, depth + 1) for _ in range(count))
            else:
                getattr(made, item.name).CopyFrom(self._message(kind, depth + 1))
        elif item.is_repeated:
            getattr(made, item.name).extend(self._scalar(item) for _ in range(count))
        else:
            setattr(made, item.name, self._scalar(item))

    def _scalar(self, item: Any) -> Any:
        if item.name in _LIKELY and self._random.random() < 0.75:
            return self._random.choice(_LIKELY[item.name])
        match item.type:
            case FieldDescriptor.TYPE_STRING:
                return self._text(item.name)
            case FieldDescriptor.TYPE_INT32:
                return self._random.choice([*_INTEGERS, self._random.randrange(-(2**31), 2**31)])
            case FieldDescriptor.TYPE_INT64:
                return self._random.choice([*_LONG_INTEGERS, self._random.randrange(-(2**63), 2**63)])
            case FieldDescriptor.TYPE_BOOL:
                return self._random.random() < 0.5
            case FieldDescriptor.TYPE_ENUM:
                return self._random.choice([0, 1, 2, 3, 4, 99])
            case FieldDescriptor.TYPE_BYTES:
                return self._random.randbytes(self._random.randrange(50))
        raise NotImplementedError(f"{item.full_name}: teach the fuzzer its type")

    def _text(self, name: str) -> str:
        if self._random.random() < 0.75:
            if name == "request_id":
                return str(uuid.UUID(int=self._random.getrandbits(128), version=4))
            if name in self._known:
                return self._random.choice(self._known[name][-20:])
        if self._random.random() < 0.2:
            return "".join(self._random.choices(string.printable, k=self._random.randrange(60)))
        return self._random.choice(_TEXTS)


async def call_many(target: str, token: Callable[[], str], calls: int, seed: int, parallel: int = 8) -> Found:
    """Makes that many calls; the same seed and one at a time make the same calls."""
    maker, found = Maker(seed), Found()
    async with grpc.aio.insecure_channel(target) as channel:
        left = iter(range(calls))

        async def work() -> None:
            for _ in left:
                await _call(channel, maker, found, token())

        async with asyncio.TaskGroup() as group:
            for _ in range(parallel):
                group.create_task(work())
    return found


async def _call(channel: grpc.aio.Channel, maker: Maker, found: Found, token: str) -> None:
    method = maker.method()
    payload = maker.payload(method)
    path = f"/{method.containing_service.full_name}/{method.name}"
    metadata = (("authorization", f"Bearer {token}"),)
    read = message_factory.GetMessageClass(method.output_type).FromString
    try:
        if method.server_streaming:
            stream: Any = channel.unary_stream(path, response_deserializer=read)
            async for _ in stream(payload, metadata=metadata, timeout=_STREAM_SECONDS):
                pass
        else:
            unary: Any = channel.unary_unary(path, response_deserializer=read)
            maker.learn(await unary(payload, metadata=metadata, timeout=_CALL_SECONDS))
        code = grpc.StatusCode.OK
    except grpc.aio.AioRpcError as error:
        code = error.code()
        if code in NEVER:
            found.broken.append(f"{path} {payload.hex()}: {code.name}: {error.details()}")
    found.statuses[code.name] += 1
