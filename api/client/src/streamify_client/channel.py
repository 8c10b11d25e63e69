# SPDX-License-Identifier: Apache-2.0
"""The connection to the platform's gRPC API, and what its errors mean in words."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import grpc
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import ErrorInfo  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]

from streamify_client.errors import (
    ClientError,
    ConflictError,
    NotAllowedError,
    NotFoundError,
    UnreachableError,
    UsageError,
)

CALL_SECONDS = 20.0
"""Time limit of one call, retries included, in seconds."""

# Retries belong into the service config: https://github.com/grpc/proposal/blob/master/A6-client-retries.md
# Every mutation of this API can be repeated, and UNAVAILABLE is the only status that is worth repeating (AIP-194).
# Throttling: while more than half of what was tried lately has failed, nothing is repeated. With a lower ratio, the
# loss of one of three tasks, a third of all attempts, would switch retries off when they are needed. The account is
# large because a balancer that waits for a dead task's connection fails all that it held for it at one moment. The
# ratio needs its decimal point: gRPC's C core takes "1" for a thousandth, and nothing fills the account again.
# An attempt that gets no answer is given up for another one, at a task that neither hangs nor is cut off; joining many
# parts may take longer. gRPC calls that experimental (gRFC A6, perAttemptRecvTimeout). The file serves other languages
# too: they ignore what they do not know.
SERVICE_CONFIG = resources.files("streamify_client").joinpath("service_config.json").read_text()
CHANNEL_OPTIONS: tuple[tuple[str, str | int], ...] = (
    ("grpc.service_config", SERVICE_CONFIG),
    ("grpc.enable_retries", 1),
    ("grpc.experimental.enable_hedging", 1),  # reads perAttemptRecvTimeout; no policy here hedges
)
"""What a channel needs to repeat calls, for those that open their own."""


@dataclass(frozen=True)
class Connection:
    """Where the platform is and who is calling.

    Attributes:
        target: host:port of the gRPC API, always over TLS.
        ca_file: PEM file of the certificate authority to trust; None trusts the system's.
        token_file: file holding the bearer token; read anew for every call.
    """

    target: str
    token_file: Path
    ca_file: Path | None = None

    def token(self) -> str:
        """The bearer token, without surrounding white space.

        Raises:
            UsageError: the file cannot be read or is empty.
        """
        token = _read(self.token_file, "token file").decode("ascii", "replace").strip()
        if not token:
            raise UsageError(f"The token file {self.token_file} is empty.")
        return token

    def certificates(self) -> bytes | None:
        """The PEM of the authority to trust, None for the system's own.

        Raises:
            UsageError: the file cannot be read, or holds no certificate.
        """
        if self.ca_file is None:
            return None
        pem = _read(self.ca_file, "CA file")
        if b"-----BEGIN CERTIFICATE-----" not in pem:
            raise UsageError(f"The CA file {self.ca_file} holds no certificate (PEM).")
        return pem


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"The {what} {path} cannot be read: {error.strerror}.") from error


def open_channel(connection: Connection) -> grpc.aio.Channel:
    """A channel over TLS that sends the token with every call and retries what can be retried.

    Raises:
        UsageError: the token or CA file cannot be read.
    """
    connection.token()
    credentials = grpc.composite_channel_credentials(
        grpc.ssl_channel_credentials(root_certificates=connection.certificates()),
        grpc.metadata_call_credentials(_TokenFile(connection), name="token file"),
    )
    return grpc.aio.secure_channel(connection.target, credentials, options=CHANNEL_OPTIONS)


class _TokenFile(grpc.AuthMetadataPlugin):
    """Reads the token for every call: long uploads outlive tokens, which somebody writes anew into the file."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __call__(
        self,
        context: grpc.AuthMetadataContext,  # noqa: ARG002 - the same token for every call
        callback: grpc.AuthMetadataPluginCallback,
    ) -> None:
        """Give the metadata of a call."""
        try:
            callback((("authorization", f"Bearer {self._connection.token()}"),), None)
        except UsageError as error:
            callback((), error)


# The platform gives a reason with every error. These without one come from somebody on the way, such as a balancer
# whose task died in the middle of an answer (RST_STREAM with INTERNAL_ERROR).
_BROKEN = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.CANCELLED}


@contextlib.contextmanager
def explained(connection: Connection) -> Iterator[None]:
    """Turns a failed call into one of our errors.

    Raises:
        ClientError: a subclass of it, whichever fits the call's status.
    """
    try:
        yield
    except grpc.aio.AioRpcError as error:
        info = _error_info(error)
        if error.code() in _BROKEN and not info.reason:
            why = _last_words(error.details() or "")
            explanation: ClientError = UnreachableError(
                f"The connection to {connection.target} broke before the answer was whole: {why}."
            )
        else:
            explanation = _explain(error.code(), error.details() or "", connection)
        explanation.reason, explanation.request_id = info.reason, info.metadata["request_id"]
        raise explanation from error


def _error_info(error: grpc.aio.AioRpcError) -> ErrorInfo:
    """What the platform says to programs; empty when the error is not the platform's."""
    info = ErrorInfo()
    packed = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin")
    if isinstance(packed, bytes):
        with contextlib.suppress(DecodeError):
            for detail in Status.FromString(packed).details:
                if detail.Is(ErrorInfo.DESCRIPTOR):
                    detail.Unpack(info)
    return info


def _explain(code: grpc.StatusCode, details: str, connection: Connection) -> ClientError:
    target, why = connection.target, _last_words(details)
    match code:
        case grpc.StatusCode.UNAVAILABLE if _is_about_tls(details):
            error = UnreachableError(
                f"The certificate of {target} is not trusted: give its authority with --ca-file or STREAMIFY_CA_FILE."
            )
            error.temporary = False
            return error
        case grpc.StatusCode.UNAVAILABLE if _is_about_connecting(details):
            return UnreachableError(f"The platform cannot be reached at {target}: {why}.")
        case grpc.StatusCode.UNAVAILABLE:
            return UnreachableError(f"The platform at {target} is not available: {why}.")
        case grpc.StatusCode.RESOURCE_EXHAUSTED:
            return UnreachableError(f"The platform at {target} has too much to do: {why}. Try again later.")
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return UnreachableError(f"The platform at {target} did not answer in time.")
        case grpc.StatusCode.UNAUTHENTICATED:
            return NotAllowedError(f"The platform refused the token in {connection.token_file}: {why}.")
        case grpc.StatusCode.PERMISSION_DENIED:
            return NotAllowedError(f"The token does not allow this: {why}.")
        case grpc.StatusCode.NOT_FOUND:
            return NotFoundError(f"Not found: {why}.")
        case grpc.StatusCode.FAILED_PRECONDITION | grpc.StatusCode.ABORTED | grpc.StatusCode.ALREADY_EXISTS:
            return ConflictError(f"This cannot be done now: {why}.")
        case _:
            return ClientError(f"The platform answered {code.name}: {why}.")


def _is_about_tls(details: str) -> bool:
    return any(word in details for word in ("CERTIFICATE_VERIFY_FAILED", "handshake failed", "handshaker"))


def _is_about_connecting(details: str) -> bool:
    return any(word in details for word in ("failed to connect", "DNS resolution", "onnection refused", "timed out"))


def _last_words(details: str) -> str:
    """The part of a status message that tells a person something: the innermost cause, without a full stop."""
    return details.strip().rpartition("last error: ")[2].removeprefix("UNKNOWN: ").rstrip(". ") or "no reason given"
