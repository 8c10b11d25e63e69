# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI document names every route, every schema and every error that the code knows."""

import re
from pathlib import Path
from typing import Any, cast

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from quart import Quart
from streamify_api.services.playback import Playbacks
from streamify_api.services.readiness import Readiness
from streamify_api.services.videos import Videos
from streamify_api.transports.http.app import create_app
from streamify_api.transports.http.openapi import describe
from streamify_api.transports.http.playback import OPEN_ROUTE, RENEW_ROUTE
from streamify_api.transports.http.routes import ROUTES, Access

SOURCE = Path(__file__).resolve().parents[3] / "api/src/streamify_api"
DOCUMENT = describe("https://video.example.com", "1.2.3")
OPERATIONS = {
    f"{method.upper()} {path}": operation
    for path, item in DOCUMENT["paths"].items()
    for method, operation in item.items()
}


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        found = {value["$ref"]} if "$ref" in value else set()
        return found.union(*(references(part) for part in value.values()))
    return set().union(*(references(part) for part in value)) if isinstance(value, list | tuple) else set()


def an_app() -> Quart:
    return create_app(
        videos=cast(Videos, None),
        playbacks=cast(Playbacks, None),
        readiness=Readiness(),
        who_asks=lambda _: None,
        web_root=SOURCE / "web",
        cdn_url="https://cdn.example.com",
        public_url="https://video.example.com",
    )


@pytest.fixture
def routes() -> set[str]:
    """Every route, such as "GET /v1/videos/<video_id>"."""
    app = an_app()
    framework = {
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    return framework | {f"GET {OPEN_ROUTE}", f"POST {RENEW_ROUTE}"}  # answered before the framework


def test_every_route_says_who_may_call_it_and_none_is_named_that_does_not_exist(routes: set[str]) -> None:
    assert set(ROUTES) == routes


def test_an_application_with_a_route_that_says_nothing_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(ROUTES, "GET /v1/videos")
    with pytest.raises(KeyError, match="GET /v1/videos"):
        an_app()


def test_who_may_show_a_token_is_what_the_description_says() -> None:
    for name, operation in OPERATIONS.items():
        shown = ROUTES[name.replace("{", "<").replace("}", ">")] is Access.VIEWER
        assert ("security" in operation) is shown, name


def test_every_route_for_players_is_described_and_no_other(routes: set[str]) -> None:
    described = {re.sub(r"<(?:[a-z]+:)?([a-z_]+)>", r"{\1}", route) for route in routes}
    assert set(OPERATIONS) == {route for route in described if not re.search(r" /(watch|assets)/", route)}


def test_every_reference_leads_somewhere_and_every_schema_is_valid() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    assert references(DOCUMENT) == {f"#/components/schemas/{name}" for name in schemas}
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
        assert schema.get("description") or "enum" in schema


def test_names_are_unique_and_every_operation_says_what_it_does() -> None:
    names = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(names) == len(set(names))
    assert all(operation["summary"] and operation["tags"] for operation in OPERATIONS.values())


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_error_is_a_problem_with_its_codes(name: str) -> None:
    for status, response in OPERATIONS[name]["responses"].items():
        assert response["description"]
        if int(status) < 400:
            continue
        (schema,) = [item["schema"] for item in response["content"].values()]
        assert set(response["content"]) == {"application/problem+json"}
        assert schema["allOf"][0] == {"$ref": "#/components/schemas/ProblemBody"}
        assert schema["allOf"][1]["properties"]["code"]["enum"]
        assert ("Retry-After" in response["headers"]) is (status in {"429", "503"})


def test_every_code_that_the_way_of_a_player_can_end_with_is_described() -> None:
    described = {
        code
        for operation in OPERATIONS.values()
        for status, response in operation["responses"].items()
        if int(status) >= 400
        for code in response["content"]["application/problem+json"]["schema"]["allOf"][1]["properties"]["code"]["enum"]
    }
    files = [
        *(SOURCE / "transports/http").glob("*.py"),
        SOURCE / "adapters/tokens.py",
        SOURCE / "services/playback.py",
        SOURCE / "domain/viewers.py",
        SOURCE / "adapters/session_tokens.py",
        SOURCE / "adapters/cache_videos.py",
        SOURCE / "telemetry_limits.py",
    ]
    raised = {code for file in files for code in re.findall(r'Error\(\s*"([A-Z_]{5,})"', file.read_text())}
    assert {"INVALID_BODY", "SESSION_EXPIRED", "OVERLOADED"} <= raised
    assert raised <= described
