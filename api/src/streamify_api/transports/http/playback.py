# SPDX-License-Identifier: Apache-2.0
"""GET /v1/videos/{video_id}/playback, the hot path, and POST /v1/playback/renew: a manifest and what opens it."""

import msgspec
from quart import Blueprint, Response, request

from streamify_api.domain.errors import InvalidArgumentError
from streamify_api.domain.playback import Delivery, Playback
from streamify_api.services.playback import Playbacks
from streamify_api.transports.http.responses import answer
from streamify_api.transports.http.schemas import PlaybackBody, RenewBody


def playback_blueprint(playbacks: Playbacks, cookie_domain: str, cache_seconds: float) -> Blueprint:
    """The routes of playback. Without a cookie domain the cookies are of this host only."""
    blueprint = Blueprint("playback", __name__)

    @blueprint.get("/v1/videos/<video_id>/playback")
    async def open_playback(video_id: str) -> Response:
        return _answer(await playbacks.open(video_id, _delivery()), cookie_domain, cache_seconds)

    @blueprint.post("/v1/playback/renew")
    async def renew_playback() -> Response:
        try:
            body = msgspec.json.decode(await request.get_data(), type=RenewBody)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise InvalidArgumentError(
                "INVALID_BODY", "The body must be a JSON object that holds session_token, a string, and nothing else."
            ) from None
        return _answer(await playbacks.renew(body.session_token), cookie_domain, cache_seconds)

    return blueprint


def _delivery() -> Delivery:
    try:
        return Delivery(request.args.get("delivery", Delivery.COOKIES))
    except ValueError:
        raise InvalidArgumentError("INVALID_DELIVERY", 'delivery must be "cookies" or "query".') from None


def _answer(playback: Playback, cookie_domain: str, cache_seconds: float) -> Response:
    response = answer(PlaybackBody.of(playback))
    left = int(cache_seconds - playback.age_seconds)
    # Our own memory: https://www.rfc-editor.org/rfc/rfc9211#name-the-ttl-parameter, negative once it is stale.
    response.headers["Cache-Status"] = f"streamify; hit; ttl={min(-1, left) if playback.stale else max(0, left)}"
    if playback.session.delivery is Delivery.COOKIES:
        for name, value in playback.grant.cookies.items():
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
