# SPDX-License-Identifier: Apache-2.0
"""GET /v1/videos/{video_id}/playback, the hot path: a manifest and the cookies that open it."""

from quart import Blueprint, Response

from streamify_api.services.playback import Playbacks
from streamify_api.transports.http.responses import answer
from streamify_api.transports.http.schemas import PlaybackBody


def playback_blueprint(playbacks: Playbacks, cookie_domain: str) -> Blueprint:
    """The route of playback. Without a cookie domain the cookies are of this host only."""
    blueprint = Blueprint("playback", __name__)

    @blueprint.get("/v1/videos/<video_id>/playback")
    async def open_playback(video_id: str) -> Response:
        playback = await playbacks.open(video_id)
        response = answer(PlaybackBody.of(playback))
        for name, value in playback.cookies.items():
            response.set_cookie(
                name,
                value,
                expires=playback.expire_time,
                path=playback.cookie_path,
                domain=cookie_domain or None,
                secure=True,
                httponly=True,
                samesite="Lax",
            )
        return response

    return blueprint
