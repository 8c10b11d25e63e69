# SPDX-License-Identifier: Apache-2.0
"""The HTTP API as OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.1), built from what the routes really answer with."""

from typing import Any

import msgspec

from streamify_api.domain.playback import Delivery
from streamify_api.services.paging import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE
from streamify_api.transports.http.schemas import (
    HealthBody,
    PlaybackBody,
    ProblemBody,
    RenewBody,
    VideoBody,
    VideosBody,
)

type Json = dict[str, Any]

_SCHEMAS = (HealthBody, PlaybackBody, ProblemBody, RenewBody, VideoBody, VideosBody)
_REF = "#/components/schemas/{name}"
_WORDS = {
    304: "The caller has it already (If-None-Match).",
    400: "The request is wrong whatever the state of the platform is.",
    401: "There is a bearer token, and it is not valid; or there is none, and the video needs one.",
    403: "The caller may not do this any more.",
    404: "There is no such thing, it is not published, or it is not the caller's to see.",
    413: "The body is longer than 64 KiB.",
    429: "Too many requests from this address. Retry-After says in how many seconds to come back.",
    500: "Something went wrong on our side.",
    503: "Not now: overloaded, or the database does not answer and nothing is remembered. See Retry-After.",
}
_REQUEST_ID = {
    "description": "Finds the request in our logs. The caller's, if it sent a harmless one.",
    "schema": {"type": "string"},
    "required": True,
}
_RETRY_AFTER = {"description": "Whole seconds to wait.", "schema": {"type": "integer", "minimum": 1}, "required": True}
_ETAG = {"description": "Stands for exactly this answer.", "schema": {"type": "string"}, "required": True}
_CACHE_STATUS = {
    "description": "RFC 9211: how long the answer is still fresh; a negative ttl is stale.",
    "schema": {"type": "string"},
    "required": True,
}
_VIDEO_ID: Json = {
    "name": "video_id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": "^vid_[0-7][0-9A-HJKMNP-TV-Z]{25}$"},
    "example": "vid_01ARZ3NDEKTSV4RRFFQ69G5FAV",
}
_VIEWER: Json = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "Not needed for public videos. videos:watch shows signed videos, and the tenant's private ones.",
}
_IF_NONE_MATCH: Json = {"name": "If-None-Match", "in": "header", "schema": {"type": "string"}}
_PAGE_SIZE: Json = {
    "name": "page_size",
    "in": "query",
    "description": f"At most {MAX_PAGE_SIZE}, larger values are taken as that; 0 stands for {DEFAULT_PAGE_SIZE}.",
    "schema": {"type": "integer", "minimum": 0, "maximum": 999_999_999, "default": 0},
}
_CURSOR: Json = {
    "name": "cursor",
    "in": "query",
    "description": "next_cursor of the page before; empty or left out for the first one.",
    "schema": {"type": "string"},
}
_DELIVERY: Json = {
    "name": "delivery",
    "in": "query",
    "description": '"cookies" on our own site; "query" for players on other sites, where third-party cookies are lost.',
    "schema": {"type": "string", "enum": [item.value for item in Delivery], "default": Delivery.COOKIES.value},
}

# What may be asked with what was answered: https://spec.openapis.org/oas/v3.1.1#link-object
_NEWEST = {"video_id": "$response.body#/videos/0/video_id"}
_LIST_LINKS: Json = {
    "next_page": {"operationId": "list_videos", "parameters": {"cursor": "$response.body#/next_cursor"}},
    "newest_video": {"operationId": "get_video", "parameters": _NEWEST},
    "play_newest_video": {"operationId": "open_playback", "parameters": _NEWEST},
}
_RENEW: Json = {
    "operationId": "renew_playback",
    "requestBody": {"session_token": "$response.body#/session_token"},
    "description": "Until session_ends_at, each time a while before expires_at.",
}


def describe(public_url: str, version: str) -> Json:
    """The document."""
    _, schemas = msgspec.json.schema_components(_SCHEMAS, ref_template=_REF)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Streamify for players",
            "version": version,
            "description": "Videos: what there is, and how to watch it. Public ones need no token.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": public_url}],
        "tags": [
            {"name": "catalogue", "description": "What the caller may watch."},
            {"name": "playback", "description": "A manifest on the CDN and what opens it."},
            {"name": "description", "description": "This document."},
            {"name": "health", "description": "For those who run a task."},
        ],
        "paths": _paths(),
        "components": {"schemas": schemas, "securitySchemes": {"viewer": _VIEWER}},
    }


def _paths() -> Json:
    catalogue_codes = {503: ("OVERLOADED", "DEPENDENCY_UNAVAILABLE")}
    video_codes = {
        400: ("INVALID_VIDEO_ID",),
        401: ("TOKEN_EXPIRED", "TOKEN_INVALID", "TOKEN_MISSING"),
        403: ("SCOPE_MISSING",),
        404: ("VIDEO_NOT_FOUND",),
        **catalogue_codes,
    }
    return {
        "/v1/videos": {
            "get": _operation(
                "list_videos",
                "catalogue",
                "Videos, newest first. A new one may take a moment to appear.",
                VideosBody,
                {
                    400: ("INVALID_PAGE_SIZE", "INVALID_PAGE_TOKEN"),
                    401: ("TOKEN_EXPIRED", "TOKEN_INVALID"),
                    **catalogue_codes,
                },
                may_say_who=True,
                parameters=(_PAGE_SIZE, _CURSOR, _IF_NONE_MATCH),
                headers={"ETag": _ETAG},
                kept=True,
                links=_LIST_LINKS,
            )
        },
        "/v1/videos/{video_id}": {
            "get": _operation(
                "get_video",
                "catalogue",
                "One video.",
                VideoBody,
                video_codes,
                may_say_who=True,
                parameters=(_VIDEO_ID, _IF_NONE_MATCH),
                headers={"ETag": _ETAG},
                kept=True,
            )
        },
        "/v1/videos/{video_id}/playback": {
            "get": _operation(
                "open_playback",
                "playback",
                "Open a session: where the manifest is, and the cookies or the query that open it until expires_at.",
                PlaybackBody,
                video_codes | {400: ("INVALID_VIDEO_ID", "INVALID_DELIVERY")},
                may_say_who=True,
                parameters=(_VIDEO_ID, _DELIVERY),
                headers={"Cache-Status": _CACHE_STATUS},
                links={"renew": _RENEW},
            )
        },
        "/v1/playback/renew": {
            "post": _operation(
                "renew_playback",
                "playback",
                "Go on with a session in mid-play: the same with a later expires_at. May be repeated.",
                PlaybackBody,
                {
                    400: ("INVALID_BODY", "INVALID_SESSION_TOKEN"),
                    401: ("TOKEN_MISSING",),
                    403: ("SESSION_EXPIRED",),
                    404: ("VIDEO_NOT_FOUND",),
                    413: ("CONTENT_TOO_LARGE",),
                    **catalogue_codes,
                },
                body=RenewBody,
                headers={"Cache-Status": _CACHE_STATUS},
                links={"renew": _RENEW},
            )
        },
        "/v1/openapi.json": {"get": _page("get_openapi", "This document.", "application/json", {"type": "object"})},
        "/v1/docs": {"get": _page("get_docs", "This document for people.", "text/html", {"type": "string"})},
        "/health/live": {"get": _health("get_live", "200 as long as the task turns.", {})},
        "/health/ready": {
            "get": _health("get_ready", "200 while the task wants work; no dependency decides.", {503: ("NOT_READY",)})
        },
    }


def _operation(
    name: str,
    tag: str,
    summary: str,
    answer: type[msgspec.Struct],
    codes: dict[int, tuple[str, ...]],
    *,
    parameters: tuple[Json, ...] = (),
    body: type[msgspec.Struct] | None = None,
    headers: Json | None = None,
    kept: bool = False,
    may_say_who: bool = False,
    links: Json | None = None,
) -> Json:
    all_codes = codes | {429: ("RATE_LIMITED",), 500: ("INTERNAL",)}
    responses: Json = {
        "200": {
            "description": "Here it is.",
            "headers": {"X-Request-Id": _REQUEST_ID} | (headers or {}),
            "content": {"application/json": {"schema": _ref(answer)}},
        }
    }
    if links:
        responses["200"]["links"] = links
    if kept:
        responses["304"] = {"description": _WORDS[304], "headers": {"ETag": _ETAG}}
    for status, reasons in sorted(all_codes.items()):
        responses[str(status)] = _problem(status, reasons)
    operation: Json = {"operationId": name, "tags": [tag], "summary": summary, "responses": responses}
    if may_say_who:
        operation["security"] = [{}, {"viewer": []}]
    if parameters:
        operation["parameters"] = list(parameters)
    if body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": _ref(body)}}}
    return operation


def _page(name: str, summary: str, content_type: str, schema: Json) -> Json:
    return {
        "operationId": name,
        "tags": ["description"],
        "summary": summary,
        "responses": {
            "200": {"description": "Here it is.", "content": {content_type: {"schema": schema}}},
            "304": {"description": _WORDS[304]},
            "429": _problem(429, ("RATE_LIMITED",)),
            "503": _problem(503, ("OVERLOADED",)),
        },
    }


def _health(name: str, summary: str, codes: dict[int, tuple[str, ...]]) -> Json:
    content = {"application/json": {"schema": _ref(HealthBody)}}
    responses: Json = {"200": {"description": "Yes.", "content": content}}
    for status, reasons in codes.items():
        responses[str(status)] = _problem(status, reasons)
    return {"operationId": name, "tags": ["health"], "summary": summary, "responses": responses}


def _problem(status: int, reasons: tuple[str, ...]) -> Json:
    narrowed = {"properties": {"status": {"const": status}, "code": {"enum": list(reasons)}}}
    headers = {"X-Request-Id": _REQUEST_ID}
    if status in {429, 503}:
        headers["Retry-After"] = _RETRY_AFTER
    return {
        "description": f"{_WORDS[status]} code: {', '.join(reasons)}.",
        "headers": headers,
        "content": {"application/problem+json": {"schema": {"allOf": [_ref(ProblemBody), narrowed]}}},
    }


def _ref(schema: type[msgspec.Struct]) -> Json:
    return {"$ref": _REF.format(name=schema.__name__)}
