# SPDX-License-Identifier: Apache-2.0
"""A proxy in front of DynamoDB that throttles a share of the requests, or holds one before or after its effect."""

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_THROTTLED = b'{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"Rate exceeded"}'


class Throttling(ThreadingHTTPServer):
    """`asked` counts what arrived since the share was set, `refused` what was throttled."""

    daemon_threads = True

    def __init__(self, target: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        parts = urlsplit(target)
        self.target = (parts.hostname or "", parts.port or 80)
        self._lock = threading.Lock()
        self.held, self.go_on = threading.Event(), threading.Event()
        self._operation = self._point = ""
        self.throttle(0)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"

    def throttle(self, share: float) -> None:
        """Refuse this share from now on, in an order that is the same each time."""
        with self._lock:
            self._share = share
            self._random = random.Random(4)
            self.asked = self.refused = 0

    def hold(self, operation: str, point: str) -> None:
        """Hold requests of this operation "before" they are passed on, or their answers "after", until go_on is set."""
        self._operation, self._point = operation, point

    def stop_at(self, target: str, point: str) -> None:
        """Wait here, if this is what is held."""
        if self._point == point and target.endswith(f".{self._operation}"):
            self.held.set()
            self.go_on.wait(120)

    def refuse(self) -> bool:
        """Whether the next request is throttled."""
        with self._lock:
            self.asked += 1
            no = self._random.random() < self._share
            self.refused += no
            return no


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536  # one segment an answer, or the caller's delayed acknowledgement costs 40 ms
    server: Throttling

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.refuse():
            self._answer(400, _THROTTLED)
            return
        operation = self.headers["X-Amz-Target"]
        self.server.stop_at(operation, "before")
        if self.server.go_on.is_set():
            self.close_connection = True  # who asked is dead: what was held before the write is never written
            return
        connection = HTTPConnection(*self.server.target, timeout=30)
        try:
            connection.request("POST", self.path, body, dict(self.headers.items()))
            response = connection.getresponse()
            answer = response.read()
            self.server.stop_at(operation, "after")
            if not self.server.go_on.is_set():
                self._answer(response.status, answer)
        finally:
            connection.close()

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@contextmanager
def throttling(target: str) -> Iterator[Throttling]:
    """A proxy in front of an http URL."""
    with Throttling(target) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join(10)
