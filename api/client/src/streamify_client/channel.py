# SPDX-License-Identifier: Apache-2.0
"""The connection to the platform's gRPC API, and what its errors mean in words."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import grpc

from streamify_client.errors import ClientError, NotAllowedError, NotFoundError, UnreachableError, UsageError

CALL_SECONDS = 20.0
"""Time limit of one call, retries included, in seconds."""

# Retries belong into the service config: https://github.com/grpc/proposal/blob/master/A6-client-retries.md
# Every mutation of this API can be repeated, and UNAVAILABLE is the only status that is worth repeating (AIP-194).
# While more than half of what was tried lately has failed, nothing is repeated. The file serves other languages too.
SERVICE_CONFIG = resources.files("streamify_client").joinpath("service_config.json").read_text()


@dataclass(frozen=True)
class Connection:
    """Where the platform is and who is calling.

    Attributes:
        target: host:port of the gRPC API, always over TLS.
        ca_file: PEM file of the certificate authority to trust; None trusts the system's.
        token_file: file holding the bearer token; read anew for every command.
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


@contextlib.contextmanager
def open_channel(connection: Connection) -> Iterator[grpc.Channel]:
    """A channel over TLS that sends the token with every call and retries what can be retried.

    Raises:
        UsageError: the token or CA file cannot be read.
    """
    credentials = grpc.composite_channel_credentials(
        grpc.ssl_channel_credentials(root_certificates=connection.certificates()),
        grpc.access_token_call_credentials(connection.token()),
    )
    options = [("grpc.service_config", SERVICE_CONFIG), ("grpc.enable_retries", 1)]
    with grpc.secure_channel(connection.target, credentials, options=options) as channel:
        yield channel


@contextlib.contextmanager
def explained(connection: Connection) -> Iterator[None]:
    """Turns a failed call into one of our errors.

    Raises:
        ClientError: a subclass of it, whichever fits the call's status.
    """
    try:
        yield
    except grpc.RpcError as error:
        raise _explain(error, connection) from error


def _explain(error: grpc.RpcError, connection: Connection) -> ClientError:
    code = error.code() if isinstance(error, grpc.Call) else grpc.StatusCode.UNKNOWN
    details = (error.details() if isinstance(error, grpc.Call) else str(error)) or ""
    target = connection.target
    match code:
        case grpc.StatusCode.UNAVAILABLE if _is_about_tls(details):
            return UnreachableError(
                f"The certificate of {target} is not trusted: give its authority with --ca-file or STREAMIFY_CA_FILE."
            )
        case grpc.StatusCode.UNAVAILABLE if _is_about_connecting(details):
            return UnreachableError(f"The platform cannot be reached at {target}: {_last_words(details)}.")
        case grpc.StatusCode.UNAVAILABLE:
            return UnreachableError(f"The platform at {target} is not available: {_last_words(details)}.")
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return UnreachableError(f"The platform at {target} did not answer within {CALL_SECONDS:.0f} seconds.")
        case grpc.StatusCode.UNAUTHENTICATED:
            return NotAllowedError(
                f"The platform refused the token in {connection.token_file}: {_last_words(details)}."
            )
        case grpc.StatusCode.PERMISSION_DENIED:
            return NotAllowedError(f"The token does not allow this: {_last_words(details)}.")
        case grpc.StatusCode.NOT_FOUND:
            return NotFoundError(f"Not found: {_last_words(details)}.")
        case _:
            return ClientError(f"The platform answered {code.name}: {_last_words(details)}.")


def _is_about_tls(details: str) -> bool:
    return any(word in details for word in ("CERTIFICATE_VERIFY_FAILED", "handshake failed", "handshaker"))


def _is_about_connecting(details: str) -> bool:
    return any(word in details for word in ("failed to connect", "DNS resolution", "onnection refused", "timed out"))


def _last_words(details: str) -> str:
    """The part of a status message that tells a person something: the innermost cause, without a full stop."""
    return details.strip().rpartition("last error: ")[2].removeprefix("UNKNOWN: ").rstrip(". ") or "no reason given"
