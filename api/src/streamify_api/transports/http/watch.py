# SPDX-License-Identifier: Apache-2.0
"""GET /watch/{video_id}, the page that plays a video, and its /assets/."""

import json
import re
from pathlib import Path

from quart import Blueprint, Response, make_response, render_template, request, send_from_directory
from werkzeug.exceptions import NotFound

from streamify_api.services.playback import Playbacks

PLAYERS = ("hls", "videojs")
# "hls-1.6.2.min.js", "player.3f2a9c1b.js": what changes its name with its content may be kept for good.
_VERSIONED = re.compile(r"[-.@](\d+\.\d+\.\d+|[0-9a-f]{8,64})[-./]")


def watch_blueprint(playbacks: Playbacks, web_root: Path, cdn_url: str) -> Blueprint:
    """The player page's routes. The page may talk to itself and to the CDN only."""
    blueprint = Blueprint("watch", __name__)
    assets = web_root / "assets"
    policy = "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self' 'unsafe-inline'",  # players set their skins' styles at run time
            f"img-src 'self' data: {cdn_url}",
            "font-src 'self' data:",
            f"media-src 'self' blob: {cdn_url}",
            f"connect-src 'self' {cdn_url}",
            "worker-src 'self' blob:",
            "manifest-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'self'",
        )
    )

    @blueprint.get("/watch/<video_id>")
    async def watch(video_id: str) -> Response:
        video = (await playbacks.find(video_id)).video
        asked = request.args.get("player", PLAYERS[0])
        player = asked if asked in PLAYERS else PLAYERS[0]
        page = await render_template("watch.html", video_id=video.video_id, title=video.title, player=player)
        response = Response(page, content_type="text/html; charset=utf-8")
        response.headers["Content-Security-Policy"] = policy
        response.headers["Cache-Control"] = "no-cache"
        response.headers["Referrer-Policy"] = "strict-origin-when-cross-origin"
        return response

    @blueprint.after_request
    async def in_words(response: Response) -> Response:
        """A problem as a page, for a browser that asked for a page."""
        problem_type = "application/problem+json"
        if response.mimetype != problem_type or not request.path.startswith("/watch/"):
            return response
        if request.accept_mimetypes.best_match([problem_type, "text/html"]) == "text/html":
            told = json.loads(await response.get_data())
            response.set_data(await render_template("problem.html", **told))
            response.headers["Content-Type"] = "text/html; charset=utf-8"
            response.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'self'; img-src data:"
        response.headers["Vary"] = "Accept"
        return response

    @blueprint.get("/assets/<path:path>")
    async def asset(path: str) -> Response:
        try:
            found = await send_from_directory(assets, path)
        except OSError:  # a name that is too long for a file
            raise NotFound from None
        response: Response = await make_response(found)  # type: ignore[assignment]
        lifetime = "public, max-age=31536000, immutable" if _VERSIONED.search(path) else "public, max-age=300"
        response.headers["Cache-Control"] = lifetime
        return response

    return blueprint
