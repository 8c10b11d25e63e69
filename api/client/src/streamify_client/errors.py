# SPDX-License-Identifier: Apache-2.0
"""What can go wrong, each with the exit code the CLI ends with."""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of the command `streamify`; `streamify --help` lists them."""

    OK = 0
    PLATFORM = 1
    USAGE = 2
    NOT_A_VIDEO = 3
    UNREACHABLE = 4
    NOT_ALLOWED = 5
    NOT_FOUND = 6
    FFMPEG = 7
    CONFLICT = 8
    INTERRUPTED = 130


class ClientError(Exception):
    """A failure that one sentence explains to whoever typed the command.

    Attributes:
        exit_code: what the command `streamify` ends with.
        reason: the platform's stable word for it (google.rpc.ErrorInfo), "" if the platform gave none.
        request_id: the platform's id of the failed call, to be found in its logs, "" if it gave none.
    """

    exit_code = ExitCode.PLATFORM
    reason = ""
    request_id = ""


class UsageError(ClientError):
    """A setting is missing or makes no sense."""

    exit_code = ExitCode.USAGE


class NotAVideoError(ClientError):
    """The file cannot be published: it is no video, or one that ffmpeg cannot read."""

    exit_code = ExitCode.NOT_A_VIDEO


class UnreachableError(ClientError):
    """The platform or its storage did not answer or has too much to do, or its certificate is not trusted.

    Attributes:
        temporary: whether the same call may succeed later.
    """

    exit_code = ExitCode.UNREACHABLE
    temporary = True


class NotAllowedError(ClientError):
    """The token is missing, refused, or lacks a scope."""

    exit_code = ExitCode.NOT_ALLOWED


class NotFoundError(ClientError):
    """There is no such video or upload."""

    exit_code = ExitCode.NOT_FOUND


class FfmpegError(ClientError):
    """ffmpeg is missing or failed."""

    exit_code = ExitCode.FFMPEG


class ConflictError(ClientError):
    """The video or upload is in a state that does not allow this, or somebody else changed it meanwhile."""

    exit_code = ExitCode.CONFLICT


class ChecksumError(ClientError):
    """What storage holds is not what was sent."""
