# SPDX-License-Identifier: Apache-2.0
"""Answers every request as DynamoDB answers GetItem, in one piece: the emulator's answers come in several.

usage: dynamodb_answers.py PORT
"""

import asyncio
import json
import re
import sys
import zlib
from typing import cast

_ITEM = {"pk": {"S": "VIDEO#1"}, "sk": {"S": "VIDEO"}} | {f"attribute{n}": {"S": "x" * 40} for n in range(15)}
_BODY = json.dumps({"Item": _ITEM}).encode()
_HEAD = "\r\n".join(
    (
        "HTTP/1.1 200 OK",
        "Server: Server",
        "Date: Thu, 01 Jan 2026 00:00:00 GMT",
        "Content-Type: application/x-amz-json-1.0",
        f"Content-Length: {len(_BODY)}",
        "Connection: keep-alive",
        "x-amzn-RequestId: 4KBNVRGD25RG1KEO9UT4V3FQDJVV4KQNSO5AEMVJF66Q9ASUAAJG",
        f"x-amz-crc32: {zlib.crc32(_BODY)}",
        "",
        "",
    )
)
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


class Answers(asyncio.Protocol):
    """One connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It begins."""
        self._transport, self._received = cast(asyncio.Transport, transport), b""

    def data_received(self, data: bytes) -> None:
        """Answer each request that is whole."""
        self._received += data
        while (end := self._received.find(b"\r\n\r\n") + 4) > 3:
            found = _LENGTH.search(self._received, 0, end)
            whole = end + (int(found[1]) if found else 0)
            if len(self._received) < whole:
                return
            self._received = self._received[whole:]
            self._transport.write(_HEAD.encode() + _BODY)


async def main() -> None:
    """Serve until killed."""
    server = await asyncio.get_running_loop().create_server(Answers, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
