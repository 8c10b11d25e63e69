# SPDX-License-Identifier: Apache-2.0
"""One health check, as an Application Load Balancer makes it.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
HTTP: a GET on a new connection, judged by the status code. gRPC: a unary call with an empty message over h2c, judged by
the grpc-status alone. The body is never read. (Used by `elbv2_target_health`; nothing to apply.)
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass

import h2.config
import h2.connection
import h2.events
from h2.exceptions import ProtocolError

USER_AGENT = "ELB-HealthChecker/2.0"
_EMPTY_MESSAGE = b"\0\0\0\0\0"  # not compressed, length 0: "Length-Prefixed-Message" of the gRPC protocol


@dataclass(frozen=True)
class Check:
    """Where and how to ask, and which codes are good ("200,202", "200-299", "0")."""

    address: str
    port: int
    path: str
    codes: str
    timeout: float
    grpc: bool = False
    tls: bool = False


@dataclass(frozen=True)
class Verdict:
    """What a check found; `reason` and `description` are AWS's words, empty when it passed."""

    passed: bool
    reason: str = ""
    description: str = ""


def matches(code: int, codes: str) -> bool:
    """Whether a code is one of a matcher's values and ranges."""
    for part in codes.split(","):
        low, _, high = part.partition("-")
        if int(low) <= code <= int(high or low):
            return True
    return False


async def run(check: Check) -> Verdict:
    """Make the check; never raises for what a target does."""
    try:
        async with asyncio.timeout(check.timeout):
            code = await (_grpc_status if check.grpc else _http_status)(check)
    except TimeoutError:
        return Verdict(False, "Target.Timeout", "Request timed out")
    except (OSError, EOFError, ValueError, ProtocolError):
        return Verdict(False, "Target.FailedHealthChecks", "Health checks failed")
    if matches(code, check.codes):
        return Verdict(True)
    return Verdict(False, "Target.ResponseCodeMismatch", f"Health checks failed with these codes: [{code}]")


@contextlib.asynccontextmanager
async def _connection(check: Check) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    context = None
    if check.tls:  # "the load balancer does not validate these certificates" (create-https-listener.html)
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    reader, writer = await asyncio.open_connection(check.address, check.port, ssl=context)
    try:
        yield reader, writer
    finally:
        writer.close()


async def _http_status(check: Check) -> int:
    async with _connection(check) as (reader, writer):
        head = (
            f"GET {check.path} HTTP/1.1\r\nHost: {check.address}:{check.port}\r\nConnection: close\r\n"
            f"User-Agent: {USER_AGENT}\r\nAccept-Encoding: gzip, compressed\r\n\r\n"
        )
        writer.write(head.encode())
        line = await reader.readline()
    if not line.startswith(b"HTTP/1."):
        raise ValueError(f"not HTTP: {line[:40]!r}")
    return int(line.split()[1])


async def _grpc_status(check: Check) -> int:
    """The answer's grpc-status.

    Raises:
        ProtocolError: the target answered without one.
        EOFError: it closed the connection.
    """
    async with _connection(check) as (reader, writer):
        connection = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        connection.initiate_connection()
        headers = [
            (":method", "POST"), (":scheme", "http"), (":path", check.path),
            (":authority", f"{check.address}:{check.port}"), ("te", "trailers"),
            ("content-type", "application/grpc"), ("user-agent", USER_AGENT),
        ]  # fmt: skip
        connection.send_headers(1, headers)
        connection.send_data(1, _EMPTY_MESSAGE, end_stream=True)
        while True:
            writer.write(connection.data_to_send())
            data = await reader.read(65536)
            if not data:
                raise EOFError
            for event in connection.receive_data(data):
                if isinstance(event, (h2.events.ResponseReceived, h2.events.TrailersReceived)):
                    found = {str(name): str(value) for name, value in event.headers or []}
                    if "grpc-status" in found:
                        return int(found["grpc-status"])
                if isinstance(event, (h2.events.StreamEnded, h2.events.StreamReset, h2.events.ConnectionTerminated)):
                    raise ProtocolError("the answer has no grpc-status")
