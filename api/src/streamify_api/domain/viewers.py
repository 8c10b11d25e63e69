# SPDX-License-Identifier: Apache-2.0
"""Who may watch what: the one rule that the catalogue, playback and renewal share."""

from dataclasses import dataclass

from streamify_api.domain.callers import Caller
from streamify_api.domain.errors import PermissionDeniedError, UnauthenticatedError, video_not_found
from streamify_api.domain.videos import PlaybackPolicy, Video

WATCH = "videos:watch"


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody who watches: nobody in particular (no tenant), or somebody of a tenant, allowed to watch or not."""

    tenant: str = ""
    may_watch: bool = False

    @classmethod
    def of(cls, caller: Caller | None) -> "Viewer":
        """The viewer that a bearer token stands for; without one, anybody."""
        return ANYBODY if caller is None else cls(caller.tenant, WATCH in caller.scopes)

    def require(self, video: Video) -> None:
        """Refuse a viewer who may not watch this video.

        Raises:
            NotFoundError: it is private and another tenant's: "not yours" is "not there".
            UnauthenticatedError: it is for viewers who say who they are.
            PermissionDeniedError: the viewer's token lacks the scope.
        """
        if video.playback_policy is PlaybackPolicy.PUBLIC:
            return
        if video.playback_policy is PlaybackPolicy.PRIVATE and self.tenant != video.tenant:
            raise video_not_found(video.video_id)
        if not self.tenant:
            raise UnauthenticatedError("TOKEN_MISSING", "This video needs a bearer token.")
        if not self.may_watch:
            raise PermissionDeniedError("SCOPE_MISSING", f"The token lacks the scope {WATCH}.", {"scope": WATCH})


ANYBODY = Viewer()
