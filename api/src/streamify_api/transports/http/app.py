# SPDX-License-Identifier: Apache-2.0
"""The HTTP application's routes. front.py holds what every response has, playback.py what is answered before these."""

from pathlib import Path
from typing import cast

from quart import Quart, request

from streamify_api import __version__
from streamify_api.domain.viewers import ANYBODY, Viewer
from streamify_api.services.playback import Playbacks
from streamify_api.services.readiness import Readiness
from streamify_api.services.videos import Videos
from streamify_api.transports.http.callers import WhoAsks
from streamify_api.transports.http.description import description_blueprint
from streamify_api.transports.http.errors import install_errors
from streamify_api.transports.http.front import ROUTE
from streamify_api.transports.http.health import health_blueprint
from streamify_api.transports.http.routes import Access, access, set_viewer
from streamify_api.transports.http.videos import videos_blueprint
from streamify_api.transports.http.watch import watch_blueprint


def create_app(
    *,
    videos: Videos,
    playbacks: Playbacks,
    readiness: Readiness,
    who_asks: WhoAsks,
    web_root: Path,
    cdn_url: str,
    public_url: str,
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
    app.register_blueprint(description_blueprint(web_root, public_url, __version__))
    app.register_blueprint(watch_blueprint(playbacks, web_root, cdn_url))

    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"OPTIONS"}:
            access(method, rule.rule)  # raises for a route that nobody may call, since nobody said who may

    @app.before_request
    async def name_the_route() -> None:
        rule = request.url_rule
        if rule is None:
            return
        cast(dict[str, object], request.scope)[ROUTE] = rule.rule
        is_for_viewers = request.method != "OPTIONS" and access(request.method, rule.rule) is Access.VIEWER
        set_viewer(Viewer.of(who_asks(request.headers.get("Authorization"))) if is_for_viewers else ANYBODY)

    return app
