# SPDX-License-Identifier: Apache-2.0
"""What can go wrong, in the platform's words. A kind decides the status, a reason is stable and meant for programs."""

from collections.abc import Mapping


class StreamifyError(Exception):
    """Base of everything a caller is told about.

    Args:
        reason: stable UPPER_SNAKE word for programs.
        message: one sentence for people, without secrets.
        metadata: further facts, such as the id that was asked for.
    """

    def __init__(self, reason: str, message: str, metadata: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.metadata: dict[str, str] = dict(metadata or {})


class InvalidArgumentError(StreamifyError):
    """The request is wrong whatever the state of the platform is."""


class NotFoundError(StreamifyError):
    """There is no such thing, or it is not the caller's to see."""


class StateConflictError(StreamifyError):
    """The request does not fit the state that the resource is in."""


class ConflictingChangeError(StreamifyError):
    """Somebody else changed the resource since the caller read it."""


class DeadlineExceededError(StreamifyError):
    """The caller's time is over. Whether the request was done is told by repeating it."""

    def __init__(self) -> None:
        super().__init__("DEADLINE_EXCEEDED", "The deadline passed; repeat the request to learn what became of it.")


class RequestIdReusedError(StreamifyError):
    """A request_id came back with another body."""

    def __init__(self, request_id: str) -> None:
        super().__init__(
            "REQUEST_ID_REUSED", "This request_id was used before with other fields.", {"request_id": request_id}
        )


class UnauthenticatedError(StreamifyError):
    """Nobody knows who is calling."""


class PermissionDeniedError(StreamifyError):
    """The caller is known and may not do this."""


class UnavailableError(StreamifyError):
    """Something the platform depends on does not answer; the same request may succeed later."""


class OverloadedError(StreamifyError):
    """This task has as much work of this kind as it can do well; another one can take it, or this one later."""


class RateLimitedError(StreamifyError):
    """One caller asks too often.

    Args:
        retry_seconds: whole seconds after which the next request will be served.
    """

    def __init__(self, retry_seconds: int) -> None:
        super().__init__("RATE_LIMITED", f"Too many requests; try again in {retry_seconds} s.")
        self.retry_seconds = retry_seconds


def video_not_found(video_id: str) -> NotFoundError:
    """The one answer for a video that is missing, not published or somebody else's."""
    return NotFoundError("VIDEO_NOT_FOUND", "There is no such video.", {"video_id": video_id})


def upload_not_found(upload_id: str) -> NotFoundError:
    """The one answer for an upload that is missing or somebody else's."""
    return NotFoundError("UPLOAD_NOT_FOUND", "There is no such upload.", {"upload_id": upload_id})
