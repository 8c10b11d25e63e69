# SPDX-License-Identifier: Apache-2.0
"""GET /v1/openapi.json, for programs, and /v1/docs, the same for people: one page without anything from elsewhere."""

import json
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from quart import Blueprint, Response

from streamify_api.transports.http.openapi import describe
from streamify_api.transports.http.responses import kept

_SECONDS = 300
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"


def description_blueprint(web_root: Path, public_url: str, version: str) -> Blueprint:
    """The routes that describe the others. Both answers are made once."""
    blueprint = Blueprint("description", __name__)
    document = describe(public_url, version)
    encoded = json.dumps(document, ensure_ascii=False, indent=1).encode()
    templates = Environment(loader=FileSystemLoader(web_root), autoescape=True)
    page = templates.get_template("docs.html").render(document=document).encode()

    @blueprint.get("/v1/openapi.json")
    async def openapi() -> Response:
        return kept(encoded, "application/json", _SECONDS)

    @blueprint.get("/v1/docs")
    async def docs() -> Response:
        response = kept(page, "text/html; charset=utf-8", _SECONDS)
        response.headers["Content-Security-Policy"] = _POLICY
        return response

    return blueprint
