# SPDX-License-Identifier: Apache-2.0
"""Every route: who may call it. The application does not start with a route that is not named here."""

from contextvars import ContextVar
from enum import Enum

from streamify_api.domain.viewers import ANYBODY, Viewer


class Access(Enum):
    """Who may call a route."""

    ANYBODY = "anybody"  # the header Authorization is not looked at
    VIEWER = "viewer"  # anybody; a bearer token that is shown is checked, and shows more: the video's policy decides
    SESSION = "session"  # who has a session token that playback gave
    NETWORK = "network"  # who reaches the task: it says nothing about videos, and the balancer lives on it


ROUTES: dict[str, Access] = {
    "GET /v1/videos": Access.VIEWER,
    "GET /v1/videos/<video_id>": Access.VIEWER,
    "GET /v1/videos/<video_id>/playback": Access.VIEWER,
    "POST /v1/playback/renew": Access.SESSION,
    "GET /v1/openapi.json": Access.ANYBODY,
    "GET /v1/docs": Access.ANYBODY,
    "GET /watch/<video_id>": Access.ANYBODY,  # a browser that opens a page shows no token
    "GET /assets/<path:path>": Access.ANYBODY,
    "GET /health/live": Access.NETWORK,
    "GET /health/ready": Access.NETWORK,
}

_viewer: ContextVar[Viewer] = ContextVar("viewer", default=ANYBODY)


def access(method: str, rule: str) -> Access:
    """Who may call this; HEAD is GET without a body.

    Raises:
        KeyError: nobody said.
    """
    return ROUTES[f"{'GET' if method == 'HEAD' else method} {rule}"]


def current_viewer() -> Viewer:
    """Who makes the request that is being served: anybody, unless the route is for viewers."""
    return _viewer.get()


def set_viewer(viewer: Viewer) -> None:
    """Say who makes the request that is being served."""
    _viewer.set(viewer)
