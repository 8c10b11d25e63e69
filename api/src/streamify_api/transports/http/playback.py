# SPDX-License-Identifier: Apache-2.0
"""Playback: a manifest and what opens it.

GET /v1/videos/{video_id}/playback is the hot path and plain ASGI, in front of the framework, which would cost more than
everything else together (tests/bench/playback.py). POST /v1/playback/renew is a route like any other.
"""

import functools
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import parse_qs

import msgspec
from quart import Blueprint, Response, request

from streamify_api.domain.errors import InvalidArgumentError, StreamifyError
from streamify_api.domain.playback import Delivery, Playback
from streamify_api.services.playback import Playbacks
from streamify_api.telemetry import log
from streamify_api.transports.http.errors import problem_parts
from streamify_api.transports.http.front import ROUTE, App, Receive, Scope, Send, send_answer, send_problem
from streamify_api.transports.http.schemas import PlaybackBody, RenewBody

OPEN_ROUTE = "/v1/videos/<video_id>/playback"
_BEFORE, _AFTER = "/v1/videos/", "/playback"
_ALLOWED = (b"allow", b"GET, HEAD, OPTIONS")


class PlaybackPath:
    """ASGI: answers the hot path, and leaves everything else to the application behind it.

    Args:
        app: the rest.
        playbacks: the use cases.
        cookie_domain: empty makes the cookies this host's only.
        cache_seconds: how long a remembered video is fresh.
    """

    def __init__(self, app: App, playbacks: Playbacks, cookie_domain: str, cache_seconds: float) -> None:
        self._app = app
        self._playbacks = playbacks
        self._cookie_domain = cookie_domain
        self._cache_seconds = cache_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path: str = scope.get("path", "")
        video_id = path[len(_BEFORE) : -len(_AFTER)]
        if not (path.startswith(_BEFORE) and path.endswith(_AFTER) and video_id and "/" not in video_id):
            await self._app(scope, receive, send)
            return
        scope[ROUTE] = OPEN_ROUTE
        method = scope["method"]
        if method == "OPTIONS":
            await send_answer(send, 200, [_ALLOWED], b"")
            return
        if method not in {"GET", "HEAD"}:
            headers, body = problem_parts(405, "METHOD_NOT_ALLOWED", "This address is read with GET.", path)
            raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
            await send_answer(send, 405, [*raw, _ALLOWED], body)
            return
        try:
            playback = await self._playbacks.open(video_id, _delivery(scope["query_string"]))
        except StreamifyError as error:
            await send_problem(send, error, path)
        except Exception:
            log.exception("request failed", path=path)
            reason = "Something went wrong on our side; the request id finds it in our logs."
            await send_problem(send, StreamifyError("INTERNAL", reason), path)
        else:
            await send_answer(send, 200, *_rendered(playback, self._cookie_domain, self._cache_seconds))


def renewal_blueprint(playbacks: Playbacks, cookie_domain: str, cache_seconds: float) -> Blueprint:
    """The route of renewal. Without a cookie domain the cookies are of this host only."""
    blueprint = Blueprint("renewal", __name__)

    @blueprint.post("/v1/playback/renew")
    async def renew_playback() -> Response:
        try:
            body = msgspec.json.decode(await request.get_data(), type=RenewBody)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise InvalidArgumentError(
                "INVALID_BODY", "The body must be a JSON object that holds session_token, a string, and nothing else."
            ) from None
        headers, encoded = _rendered(await playbacks.renew(body.session_token), cookie_domain, cache_seconds)
        response = Response(encoded)
        response.headers.clear()
        for name, value in headers:
            response.headers.add(name.decode(), value.decode())
        return response

    return blueprint


def _delivery(query: bytes) -> Delivery:
    if not query:
        return Delivery.COOKIES
    try:
        asked = parse_qs(query.decode("latin-1"), keep_blank_values=True, max_num_fields=50)
        return Delivery(asked.get("delivery", [Delivery.COOKIES])[0])
    except ValueError:
        raise InvalidArgumentError("INVALID_DELIVERY", 'delivery must be "cookies" or "query".') from None


def _rendered(playback: Playback, cookie_domain: str, cache_seconds: float) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Headers and body of what a player is given."""
    left = int(cache_seconds - playback.age_seconds)
    # Our own memory: https://www.rfc-editor.org/rfc/rfc9211#name-the-ttl-parameter, negative once it is stale.
    ttl = min(-1, left) if playback.stale else max(0, left)
    headers = [
        (b"content-type", b"application/json"),
        (b"cache-control", b"no-store"),
        (b"cache-status", b"streamify; hit; ttl=%d" % ttl),
    ]
    if playback.session.delivery is Delivery.COOKIES:
        tail = f"; {_expires(playback.expire_time)}Secure; HttpOnly; Path={playback.cookie_path}; SameSite=Lax"
        if cookie_domain:
            tail += f"; Domain={cookie_domain}"
        for name, value in playback.grant.cookies.items():
            headers.append((b"set-cookie", f"{name}={value}{tail}".encode()))
    return headers, msgspec.json.encode(PlaybackBody.of(playback))


@functools.lru_cache(maxsize=64)
def _expires(time: datetime) -> str:
    return f"Expires={format_datetime(time, usegmt=True)}; "
