# SPDX-License-Identifier: Apache-2.0
"""GET /health/live and /health/ready, for those who run the task."""

from quart import Blueprint, Response

from streamify_api.domain.errors import UnavailableError
from streamify_api.services.readiness import Readiness
from streamify_api.transports.http.responses import answer
from streamify_api.transports.http.schemas import HealthBody


def health_blueprint(readiness: Readiness) -> Blueprint:
    """The health routes: live as long as the loop turns, ready while the task wants work."""
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/health/live")
    async def live() -> Response:
        return answer(HealthBody("live"))

    @blueprint.get("/health/ready")
    async def ready() -> Response:
        if not readiness.ready:
            raise UnavailableError("NOT_READY", f"This task is {readiness.phase.value}.")
        return answer(HealthBody("ready"))

    return blueprint
