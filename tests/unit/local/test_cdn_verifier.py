# SPDX-License-Identifier: Apache-2.0
"""Tests of streamify_local.cdn.verifier and .distributions."""

import time
from typing import Any

import pytest
from streamify_local.cdn.distributions import STALE_SECONDS, Behavior, Catalog, Distribution, cors_headers, select
from streamify_local.cdn.verifier import answer

CORS: dict[str, Any] = {
    "AccessControlAllowOrigins": {"Items": ["https://app.example", "https://*.test"]},
    "AccessControlAllowHeaders": {"Items": ["Range"]},
    "AccessControlAllowMethods": {"Items": ["ALL"]},
    "AccessControlExposeHeaders": {"Items": ["ETag"]},
    "AccessControlAllowCredentials": True,
}
PUBLIC = Behavior("/public/*", None, CORS)
SIGNED = Behavior("*", {}, CORS)
ONE = Distribution("d1.cloudfront.net", ("cdn.example",), (PUBLIC, SIGNED))
TWO = Distribution("d2.cloudfront.net", (), (SIGNED,))


def catalog(*distributions: Distribution) -> Catalog:
    return Catalog(list(distributions), time.monotonic())


def ask(
    uri: str, *, method: str = "GET", host: str = "cdn.example:9443", origin: str = ""
) -> tuple[int, dict[str, str]]:
    headers = {"x-viewer-uri": uri, "x-viewer-host": host, "x-viewer-method": method, "origin": origin}
    return answer(catalog(ONE, TWO), headers, time.time())


def test_a_public_behaviour_needs_no_signature_and_a_private_one_does() -> None:
    status, headers = ask("/public/logo.png")
    assert (status, headers["X-Origin-Host"]) == (204, "d1.cloudfront.net")
    status, headers = ask("/v/one/master.m3u8")
    assert (status, headers["X-Error-Code"]) == (403, "MissingKey")


@pytest.mark.parametrize("path", ["/public/../v/x", "/public/%2e%2e/v/x", "/public//x", "/public/./x", "/public/.."])
def test_a_path_that_the_origin_would_see_otherwise_is_refused(path: str) -> None:
    assert ask(path)[0] == 403


def test_a_name_of_no_distribution_is_refused_unless_there_is_only_one() -> None:
    assert ask("/public/x", host="elsewhere")[0] == 403
    assert select([ONE], "localhost:9443") is ONE
    assert select([ONE, TWO], "D2.cloudfront.net") is TWO
    assert select([], "localhost") is None


def test_nothing_passes_when_what_is_known_is_old() -> None:
    old = Catalog([ONE], time.monotonic() - STALE_SECONDS - 1)
    with pytest.raises(TimeoutError):
        answer(old, {"x-viewer-uri": "/public/x"}, time.time())
    with pytest.raises(TimeoutError):
        answer(Catalog(), {"x-viewer-uri": "/public/x"}, time.time())


def test_preflight_needs_no_signature_and_gets_the_policys_headers() -> None:
    status, headers = ask("/v/one/x", method="OPTIONS", origin="https://app.example")
    assert status == 204
    assert headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert headers["Access-Control-Allow-Headers"] == "Range"
    assert "PUT" in headers["Access-Control-Allow-Methods"]
    assert "X-Origin-Host" not in headers


def test_cors_names_the_exact_origin_that_asks_and_no_other() -> None:
    allowed = cors_headers(CORS, "https://a.test", preflight=False)
    assert allowed == {
        "Access-Control-Allow-Origin": "https://a.test",
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Expose-Headers": "ETag",
    }
    assert cors_headers(CORS, "https://evil.example", preflight=False) == {}
    assert cors_headers(CORS, "", preflight=False) == {}
    assert cors_headers(None, "https://a.test", preflight=True) == {}
    assert ask("/public/x", origin="https://app.example")[1]["X-Cors-Allow-Origin"] == "https://app.example"


def test_an_invalidation_makes_the_cache_ask_anew_for_its_paths_and_no_others() -> None:
    forgetful = Distribution("d1.cloudfront.net", (), (PUBLIC, SIGNED), ("/public/one/*", "/public/two", "/public/*"))

    def generation(path: str) -> str:
        headers = {"x-viewer-uri": path, "x-viewer-host": "d1.cloudfront.net"}
        return answer(catalog(forgetful, TWO), headers, time.time())[1]["X-Cache-Generation"]

    generations = [generation(f"/public/{name}") for name in ("one/a", "one/a?x=1", "two", "two/a", "One/a")]
    assert generations == ["2", "2", "2", "1", "1"]
    assert ONE.generation("/public/one/a") == 0


def test_the_first_pattern_that_covers_a_path_decides() -> None:
    assert ONE.behavior("/public/x") is PUBLIC
    assert ONE.behavior("/Public/x") is SIGNED
    assert Behavior("images/?.png", None).covers("/images/a.png")
    assert not Behavior("images/?.png", None).covers("/images/ab.png")
