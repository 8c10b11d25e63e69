# SPDX-License-Identifier: Apache-2.0
"""JSON answers, with an ETag where they may be kept."""

import hashlib

import msgspec
from quart import Response, request


def answer(body: msgspec.Struct, *, status: int = 200, cache_control: str = "no-store") -> Response:
    """A body as JSON."""
    response = Response(msgspec.json.encode(body), status=status, content_type="application/json")
    response.headers["Cache-Control"] = cache_control
    return response


def kept_answer(body: msgspec.Struct, seconds: int) -> Response:
    """A body as JSON that caches may keep for so long; what depends on a bearer token only the caller's own."""
    scope = "private" if "Authorization" in request.headers else "public"
    response = kept(msgspec.json.encode(body), "application/json", seconds, scope)
    response.headers["Vary"] = "Authorization"
    return response


def kept(encoded: bytes, content_type: str, seconds: int, scope: str = "public") -> Response:
    """Bytes that caches may keep for so long, with an ETag; 304 when the caller has them already."""
    tag = hashlib.blake2b(encoded, digest_size=16).hexdigest()
    if request.if_none_match.contains_weak(tag):
        response = Response(b"", status=304)
        response.headers.pop("Content-Type", None)
        response.headers.pop("Content-Length", None)
    else:
        response = Response(encoded, content_type=content_type)
    response.set_etag(tag)
    response.headers["Cache-Control"] = f"{scope}, max-age={seconds}"
    return response
