# SPDX-License-Identifier: Apache-2.0
"""GET /v1/videos and /v1/videos/{video_id}: what the caller may watch."""

from quart import Blueprint, Response, request

from streamify_api.domain.errors import InvalidArgumentError
from streamify_api.services.playback import Playbacks
from streamify_api.services.videos import Videos
from streamify_api.transports.http.responses import kept_answer
from streamify_api.transports.http.routes import current_viewer
from streamify_api.transports.http.schemas import VideoBody, VideosBody

_LIST_SECONDS = 5
_VIDEO_SECONDS = 30


def videos_blueprint(videos: Videos, playbacks: Playbacks, public_url: str) -> Blueprint:
    """The catalogue's routes."""
    blueprint = Blueprint("videos", __name__)

    @blueprint.get("/v1/videos")
    async def list_videos() -> Response:
        page = await videos.list_published(_page_size(), request.args.get("cursor", ""), current_viewer())
        return kept_answer(VideosBody.of(page, public_url), _LIST_SECONDS)

    @blueprint.get("/v1/videos/<video_id>")
    async def get_video(video_id: str) -> Response:
        return kept_answer(
            VideoBody.of((await playbacks.find(video_id, current_viewer())).video, public_url), _VIDEO_SECONDS
        )

    return blueprint


def _page_size() -> int:
    raw = request.args.get("page_size", "0")
    if not (raw.isascii() and raw.isdigit() and len(raw) <= 9):
        raise InvalidArgumentError("INVALID_PAGE_SIZE", "page_size must be a whole number that is not negative.")
    return int(raw)
