# SPDX-License-Identifier: Apache-2.0
"""The HTTP application: routes, and what every response has."""

import time
from pathlib import Path

from quart import Quart, Response, g, request

from streamify_api.services.playback import Playbacks
from streamify_api.services.readiness import Phase, Readiness
from streamify_api.services.videos import Videos
from streamify_api.telemetry import log, request_id, take_request_id
from streamify_api.transports.http.errors import install_errors
from streamify_api.transports.http.health import health_blueprint
from streamify_api.transports.http.playback import playback_blueprint
from streamify_api.transports.http.videos import videos_blueprint
from streamify_api.transports.http.watch import watch_blueprint

_PREFLIGHT_SECONDS = 600


def create_app(
    *,
    videos: Videos,
    playbacks: Playbacks,
    readiness: Readiness,
    web_root: Path,
    cdn_url: str,
    public_url: str,
    cookie_domain: str,
    allowed_origins: frozenset[str],
    cache_seconds: float,
) -> Quart:
    """The application, around these use cases."""
    app = Quart(__name__, static_folder=None, template_folder=str(web_root))
    app.config["MAX_CONTENT_LENGTH"] = 64 * 1024
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = True
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    install_errors(app)
    app.register_blueprint(health_blueprint(readiness))
    app.register_blueprint(videos_blueprint(videos, playbacks, public_url))
    app.register_blueprint(playback_blueprint(playbacks, cookie_domain, cache_seconds))
    app.register_blueprint(watch_blueprint(playbacks, web_root, cdn_url))

    @app.before_request
    async def begin() -> None:
        g.begin = time.perf_counter()
        take_request_id(request.headers.get("X-Request-Id"))

    @app.after_request
    async def end(response: Response) -> Response:
        response.headers["X-Request-Id"] = request_id.get()
        response.headers["X-Content-Type-Options"] = "nosniff"
        if readiness.phase is Phase.DRAINING:
            response.headers["Connection"] = "close"
        if request.path.startswith("/v1/"):
            _allow_origins(response, allowed_origins)
        _log_access(response)
        return response

    return app


def _allow_origins(response: Response, allowed: frozenset[str]) -> None:
    """CORS with credentials for the origins on the list: https://fetch.spec.whatwg.org/#http-cors-protocol"""
    response.headers.add("Vary", "Origin")
    origin = request.headers.get("Origin")
    if origin not in allowed:
        return
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Access-Control-Allow-Credentials"] = "true"
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = "GET, HEAD, POST, OPTIONS"
        response.headers["Access-Control-Allow-Headers"] = "Content-Type, X-Request-Id, If-None-Match"
        response.headers["Access-Control-Max-Age"] = str(_PREFLIGHT_SECONDS)
    else:
        response.headers["Access-Control-Expose-Headers"] = "X-Request-Id, ETag, Retry-After, Cache-Status"


def _log_access(response: Response) -> None:
    if request.path.startswith("/health/") and response.status_code == 200:
        return  # the balancer asks every few seconds
    log.info(
        "access",
        transport="http",
        method=request.method,
        path=request.path,  # never the query, which may hold a signature one day
        status=response.status_code,
        milliseconds=round((time.perf_counter() - g.begin) * 1000, 1),
    )
