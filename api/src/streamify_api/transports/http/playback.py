# SPDX-License-Identifier: Apache-2.0
"""Playback: a manifest and what opens it. The hot path, answered before the framework, which would cost more than
everything else together (tests/bench/playback.py).
"""

import functools
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import parse_qs

import msgspec

from streamify_api.domain.errors import InvalidArgumentError
from streamify_api.domain.playback import Delivery, Grant, Playback
from streamify_api.domain.viewers import Viewer
from streamify_api.services.playback import Playbacks
from streamify_api.transports.http.answers import Answer, Headers, Receive, Scope, text
from streamify_api.transports.http.callers import WhoAsks
from streamify_api.transports.http.errors import problem_parts
from streamify_api.transports.http.schemas import PlaybackBody, RenewBody

OPEN_ROUTE = "/v1/videos/<video_id>/playback"
RENEW_ROUTE = "/v1/playback/renew"
MAX_BODY_BYTES = 64 * 1024
_BEFORE, _AFTER = "/v1/videos/", "/playback"
_JSON = (b"content-type", b"application/json")
_NOT_KEPT = (b"cache-control", b"no-store")
_BAD_BODY = "The body must be a JSON object that holds session_token, a string, and nothing else."


class TooLongError(Exception):
    """The body is longer than anybody needs."""


class PlaybackPaths:
    """Answers GET /v1/videos/{video_id}/playback and POST /v1/playback/renew.

    Args:
        playbacks: the use cases.
        who_asks: reads the header Authorization.
        cookie_domain: empty makes the cookies this host's only.
        cache_seconds: how long a remembered video is fresh.
    """

    def __init__(self, playbacks: Playbacks, who_asks: WhoAsks, cookie_domain: str, cache_seconds: float) -> None:
        self._playbacks = playbacks
        self._who_asks = who_asks
        self._cache_seconds = cache_seconds
        self._cookies = functools.lru_cache(maxsize=10_000)(functools.partial(_cookies, cookie_domain))
        self._encode = msgspec.json.Encoder().encode
        self._decode = msgspec.json.Decoder(RenewBody).decode

    def route(self, path: str) -> str | None:
        """The pattern that the path fits, if it is one of these."""
        if path == RENEW_ROUTE:
            return RENEW_ROUTE
        if path.endswith(_AFTER) and path.startswith(_BEFORE):
            video_id = path[len(_BEFORE) : -len(_AFTER)]
            return OPEN_ROUTE if video_id and "/" not in video_id else None
        return None

    async def answer(self, route: str, scope: Scope, headers: Headers, receive: Receive) -> Answer:
        """Answer a request for one of these paths.

        Raises:
            StreamifyError: for the caller to be told.
        """
        method = scope["method"]
        allowed = b"POST, OPTIONS" if route is RENEW_ROUTE else b"GET, HEAD, OPTIONS"
        if method == "OPTIONS":
            return 200, [(b"allow", allowed)], b""
        if route is RENEW_ROUTE:
            if method != "POST":
                return _refused(405, "METHOD_NOT_ALLOWED", "This address is sent to with POST.", scope, allowed)
            return await self._renewed(scope, headers, receive)
        if method not in {"GET", "HEAD"}:
            return _refused(405, "METHOD_NOT_ALLOWED", "This address is read with GET.", scope, allowed)
        video_id = scope["path"][len(_BEFORE) : -len(_AFTER)]
        # Public videos need no token; a bad one is refused all the same.
        viewer = Viewer.of(self._who_asks(text(headers.get(b"authorization"))))
        playback = await self._playbacks.open(video_id, _delivery(scope["query_string"]), viewer)
        return 200, self._headers(playback), self._encode(PlaybackBody.of(playback))

    async def _renewed(self, scope: Scope, headers: Headers, receive: Receive) -> Answer:
        try:
            body = self._decode(await _body(headers, receive))
        except TooLongError:
            return _refused(413, "CONTENT_TOO_LARGE", f"The body is longer than {MAX_BODY_BYTES} bytes.", scope)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise InvalidArgumentError("INVALID_BODY", _BAD_BODY) from None
        playback = await self._playbacks.renew(body.session_token)
        return 200, self._headers(playback), self._encode(PlaybackBody.of(playback))

    def _headers(self, playback: Playback) -> list[tuple[bytes, bytes]]:
        left = int(self._cache_seconds - playback.age_seconds)
        # Our own memory: https://www.rfc-editor.org/rfc/rfc9211#name-the-ttl-parameter, negative once it is stale.
        ttl = min(-1, left) if playback.stale else max(0, left)
        headers = [_JSON, _NOT_KEPT, (b"cache-status", b"streamify; hit; ttl=%d" % ttl)]
        if playback.session.delivery is Delivery.COOKIES:
            headers += self._cookies(playback.grant, playback.cookie_path, playback.expire_time)
        return headers


def _cookies(domain: str, grant: Grant, path: str, expire_time: datetime) -> tuple[tuple[bytes, bytes], ...]:
    tail = f"; Expires={format_datetime(expire_time, usegmt=True)}; Secure; HttpOnly; Path={path}; SameSite=Lax"
    if domain:
        tail += f"; Domain={domain}"
    return tuple((b"set-cookie", f"{name}={value}{tail}".encode()) for name, value in grant.cookies.items())


def _delivery(query: bytes) -> Delivery:
    if not query:
        return Delivery.COOKIES
    if query == b"delivery=query":
        return Delivery.QUERY
    try:
        asked = parse_qs(query.decode("latin-1"), keep_blank_values=True, max_num_fields=50)
        return Delivery(asked.get("delivery", [Delivery.COOKIES])[0])
    except ValueError:
        raise InvalidArgumentError("INVALID_DELIVERY", 'delivery must be "cookies" or "query".') from None


async def _body(headers: Headers, receive: Receive) -> bytes:
    """The request's body.

    Raises:
        TooLongError: it is longer than MAX_BODY_BYTES.
    """
    if int(headers.get(b"content-length", b"0")) > MAX_BODY_BYTES:  # the server has checked that it is a number
        raise TooLongError
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return body
        body += bytes(message.get("body", b""))
        if len(body) > MAX_BODY_BYTES:
            raise TooLongError
        if not message.get("more_body", False):
            return body


def _refused(status: int, code: str, detail: str, scope: Scope, allowed: bytes | None = None) -> Answer:
    headers, body = problem_parts(status, code, detail, scope["path"])
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    return status, [*raw, (b"allow", allowed)] if allowed else raw, body
