# SPDX-License-Identifier: Apache-2.0
"""Requests on kept connections, and the CPU that a server spent on them."""

import socket
from pathlib import Path


def cpu_seconds(pid: int) -> float:
    """User and system time of all threads of a process, which the kernel counts in nanoseconds."""
    spent = (task.read_text().split()[0] for task in Path(f"/proc/{pid}/task").glob("*/schedstat"))
    return sum(map(int, spent)) / 1e9


def request(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """An HTTP/1.1 request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *(f"{name}: {value}" for name, value in headers.items())]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join((*lines, "", "")).encode() + body


class Connections:
    """So many connections to a server, on all of which a request runs at once."""

    def __init__(self, port: int, count: int) -> None:
        self._sockets = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(count)]
        for each in self._sockets:
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __len__(self) -> int:
        return len(self._sockets)

    def close(self) -> None:
        """End them."""
        for each in self._sockets:
            each.close()

    def all_at_once(self, requests: list[bytes]) -> list[bytes]:
        """The bodies of the answers, one a connection.

        Raises:
            AssertionError: an answer is not a 200.
        """
        for each, asked in zip(self._sockets, requests, strict=True):
            each.sendall(asked)
        return [_body(each) for each in self._sockets]


def _body(connection: socket.socket) -> bytes:
    received = b""
    while (end := received.find(b"\r\n\r\n")) < 0:
        received += _more(connection)
    head, body = received[:end].lower(), received[end + 4 :]
    assert head.startswith(b"http/1.1 200"), received
    assert b"content-length:" in head, received
    length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
    while len(body) < length:
        body += _more(connection)
    return body


def _more(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    assert data, "the server closed the connection"
    return data
