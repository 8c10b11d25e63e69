# SPDX-License-Identifier: Apache-2.0
"""What must hold for every HTTP route alike. A route that is missing from the table fails the first test.

HTTP has no deadlines: the time-outs are ours, and nothing of a request outlives them. INTERNAL, a mistake of ours,
cannot be asked for.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from contract.callers import Service
from contract.platform_state import Issuer
from contract.processes import Api, run_api
from contract.stoppable import Mode, StoppableProxy, stoppable
from contract.test_http import UNKNOWN_VIDEO, problem
from contract.test_http_limits import read_metrics
from streamify.catalog.v1 import catalog_service_pb2 as catalog
from streamify_api.adapters.session_tokens import SignedSessionTokens
from streamify_api.domain.playback import Delivery, Session
from streamify_api.transports.http.openapi import describe
from streamify_api.transports.http.routes import ROUTES, Access

PROMISED = describe("https://video.example.com", "1.2.3")["paths"]
# Limits and outages: below for all routes alike, and in test_http_limits.
OF_US_ALL = {"RATE_LIMITED", "OVERLOADED", "INTERNAL", "DEPENDENCY_UNAVAILABLE"}


@dataclass(frozen=True)
class Ask:
    """A request."""

    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes | None = None

    def with_headers(self, **headers: str) -> "Ask":
        """The same with further headers."""
        return Ask(self.method, self.path, self.headers | headers, self.content)

    async def of(self, http: httpx.AsyncClient) -> httpx.Response:
        """The answer."""
        return await http.request(self.method, self.path, headers=self.headers, content=self.content)


type Prepare = Callable[[httpx.AsyncClient, Service], Awaitable[Ask]]


def just(path: str) -> Prepare:
    async def ask(_: httpx.AsyncClient, __: Service) -> Ask:
        return Ask("GET", path)

    return ask


def of_a_video(pattern: str) -> Prepare:
    async def ask(_: httpx.AsyncClient, service: Service) -> Ask:
        return Ask("GET", pattern.format((await service.published()).video_id))

    return ask


async def renewal(http: httpx.AsyncClient, service: Service, policy: Any = catalog.PLAYBACK_POLICY_PUBLIC) -> Ask:
    video_id = (await service.published(playback_policy=policy)).video_id
    token = {"Authorization": f"Bearer {service.token}"}
    opened = await http.get(f"/v1/videos/{video_id}/playback", headers=token)
    return renew(opened.json()["session_token"])


def renew(token: str) -> Ask:
    return Ask("POST", "/v1/playback/renew", content=b'{"session_token": "%s"}' % token.encode())


@dataclass(frozen=True)
class Case:
    """A request that succeeds, requests that are refused with a code, and whether the store is asked."""

    prepare: Prepare
    refused: dict[str, tuple[int, Ask]] = field(default_factory=dict)
    asks_the_store: bool = False
    changing: frozenset[str] = frozenset()  # fields of the answer that are new every time


SESSION = frozenset({"session_token", "session_ends_at", "expires_at"})
BODY = (400, Ask("POST", "/v1/playback/renew", content=b"{"))
VIDEO = {
    "INVALID_VIDEO_ID": (400, Ask("GET", "/v1/videos/nonsense")),
    "VIDEO_NOT_FOUND": (404, Ask("GET", f"/v1/videos/{UNKNOWN_VIDEO}")),
}
TABLE: dict[str, Case] = {
    "GET /v1/videos": Case(
        just("/v1/videos?page_size=3"),
        {
            "INVALID_PAGE_SIZE": (400, Ask("GET", "/v1/videos?page_size=x")),
            "INVALID_PAGE_TOKEN": (400, Ask("GET", "/v1/videos?cursor=x")),
        },
        asks_the_store=True,
    ),
    "GET /v1/videos/<video_id>": Case(of_a_video("/v1/videos/{}"), VIDEO, asks_the_store=True),
    "GET /v1/videos/<video_id>/playback": Case(
        of_a_video("/v1/videos/{}/playback?delivery=query"),
        {code: (status, Ask("GET", f"{ask.path}/playback")) for code, (status, ask) in VIDEO.items()}
        | {"INVALID_DELIVERY": (400, Ask("GET", f"/v1/videos/{UNKNOWN_VIDEO}/playback?delivery=x"))},
        asks_the_store=True,
        changing=SESSION,
    ),
    "POST /v1/playback/renew": Case(
        renewal,
        {
            "INVALID_BODY": BODY,
            "INVALID_SESSION_TOKEN": (400, renew("a.b.c")),
            "CONTENT_TOO_LARGE": (413, renew("x" * 100_000)),
        },
        asks_the_store=True,
        changing=SESSION,
    ),
    "GET /v1/openapi.json": Case(just("/v1/openapi.json")),
    "GET /v1/docs": Case(just("/v1/docs")),
    "GET /watch/<video_id>": Case(
        of_a_video("/watch/{}"),
        {
            "INVALID_VIDEO_ID": (400, Ask("GET", "/watch/nonsense")),
            "VIDEO_NOT_FOUND": (404, Ask("GET", f"/watch/{UNKNOWN_VIDEO}")),
        },
        asks_the_store=True,
    ),
    "GET /assets/<path:path>": Case(just("/assets/watch.css"), {"NOT_FOUND": (404, Ask("GET", "/assets/none"))}),
    "GET /health/live": Case(just("/health/live")),
    "GET /health/ready": Case(just("/health/ready")),
}
# What is not asked for in this table, and where it is.
ELSEWHERE = {
    "SESSION_EXPIRED": "test_a_session_that_is_over",
    "TOKEN_EXPIRED": "test_http_playback.test_no_token_is_needed_and_a_bad_one_is_refused",
    "NOT_READY": "test_lifecycle",
}
OF_A_VIDEO = sorted(route for route in TABLE if "<video_id>" in route)


@pytest.fixture
async def patient(api: Api) -> AsyncIterator[httpx.AsyncClient]:
    """A viewer on a busy machine."""
    async with httpx.AsyncClient(base_url=api.http_url, timeout=60) as client:
        yield client


def judged(route: str, response: httpx.Response) -> None:
    """The status is promised for this route (pages and assets promise nothing), and an error is a problem."""
    method, _, rule = route.partition(" ")
    path = rule.replace("<", "{").replace(">", "}")
    if path in PROMISED:
        assert str(response.status_code) in PROMISED[path][method.lower()]["responses"], response.text
    assert response.status_code < 500, response.text
    if response.status_code >= 400:
        problem(response, response.status_code, response.json()["code"])


def told(response: httpx.Response, changing: frozenset[str]) -> Any:
    """What was answered, but for what is new every time."""
    if not changing:
        return response.content
    return {name: value for name, value in response.json().items() if name not in changing | {"query"}}


def codes_of(response: dict[str, Any]) -> list[str]:
    schema = response["content"]["application/problem+json"]["schema"]
    return list(schema["allOf"][1]["properties"]["code"]["enum"])


def test_every_route_is_in_the_table_and_so_is_every_error_that_it_promises() -> None:
    assert set(TABLE) == set(ROUTES)
    for route, case in TABLE.items():
        method, _, rule = route.partition(" ")
        operation = PROMISED.get(rule.replace("<", "{").replace(">", "}"), {}).get(method.lower(), {"responses": {}})
        promised = {
            code
            for status, response in operation["responses"].items()
            if int(status) >= 400
            for code in codes_of(response)
        }
        by_access = {"TOKEN_INVALID", "TOKEN_MISSING", "SCOPE_MISSING", "VIDEO_NOT_FOUND"}
        assert promised <= set(case.refused) | by_access | OF_US_ALL | set(ELSEWHERE), route


@pytest.mark.parametrize("route", sorted(TABLE))
async def test_it_succeeds_and_again(patient: httpx.AsyncClient, service: Service, route: str) -> None:
    case = TABLE[route]
    ask = await case.prepare(patient, service)
    first, second = await ask.of(patient), await ask.of(patient)
    assert (first.status_code, second.status_code) == (200, 200), first.text
    assert told(first, case.changing) == told(second, case.changing)
    assert first.headers["X-Request-Id"] != second.headers["X-Request-Id"]


@pytest.mark.parametrize("route", sorted(TABLE))
async def test_32_at_once_are_answered_alike_and_write_nothing(
    patient: httpx.AsyncClient, service: Service, api: Api, route: str
) -> None:
    case = TABLE[route]
    ask = await case.prepare(patient, service)
    before = await read_metrics(api)
    answers = await asyncio.gather(*(ask.of(patient) for _ in range(32)))
    assert {answer.status_code for answer in answers} == {200}
    assert all(told(answer, case.changing) == told(answers[0], case.changing) for answer in answers)
    after = await read_metrics(api)
    assert after.get(S3_CALLS, 0) == before.get(S3_CALLS, 0)


S3_CALLS = 'streamify_dependency_calls_total{service="S3"}'
REFUSALS = [(route, code) for route, case in sorted(TABLE.items()) for code in case.refused]


@pytest.mark.parametrize(("route", "code"), REFUSALS, ids=[f"{route} {code}" for route, code in REFUSALS])
async def test_each_error(patient: httpx.AsyncClient, route: str, code: str) -> None:
    status, ask = TABLE[route].refused[code]
    response = await ask.of(patient)
    problem(response, status, code)
    judged(route, response)


@pytest.mark.parametrize("route", sorted(TABLE))
async def test_another_method_is_refused_and_says_which_ones_are_not(
    patient: httpx.AsyncClient, service: Service, route: str
) -> None:
    ask = await TABLE[route].prepare(patient, service)
    for method in ("DELETE", "GET" if ask.method == "POST" else "POST"):
        refused = await Ask(method, ask.path).of(patient)
        problem(refused, 405, "METHOD_NOT_ALLOWED")
        assert ask.method in refused.headers["Allow"]


@pytest.mark.parametrize("route", sorted(TABLE))
async def test_a_token_is_looked_at_where_the_route_says_so(
    patient: httpx.AsyncClient, service: Service, route: str
) -> None:
    ask = await TABLE[route].prepare(patient, service)
    response = await ask.with_headers(Authorization="Bearer a.b.c").of(patient)
    if ROUTES[route] is Access.VIEWER:
        problem(response, 401, "TOKEN_INVALID")
    else:
        assert response.status_code == 200


@pytest.mark.parametrize("route", OF_A_VIDEO)
async def test_another_tenants_is_not_there_and_a_scope_is_missed(
    patient: httpx.AsyncClient, service: Service, issuer: Issuer, route: str
) -> None:
    private = (await service.published(playback_policy=catalog.PLAYBACK_POLICY_PRIVATE)).video_id
    signed = (await service.published(playback_policy=catalog.PLAYBACK_POLICY_SIGNED)).video_id
    rule = route.partition(" ")[2]

    async def ask(video_id: str, **claims: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {issuer.token(**claims)}"} if claims else {}
        return await Ask("GET", rule.replace("<video_id>", video_id), headers).of(patient)

    problem(await ask(private), 404, "VIDEO_NOT_FOUND")
    problem(await ask(signed), 401, "TOKEN_MISSING")
    problem(await ask(private, tenant="other", scope="videos:watch"), 404, "VIDEO_NOT_FOUND")
    if ROUTES[route] is Access.VIEWER:
        problem(await ask(private, scope="videos:read"), 403, "SCOPE_MISSING")
        problem(await ask(signed, tenant="other", scope="videos:read"), 403, "SCOPE_MISSING")
        assert (await ask(private, scope="videos:watch")).status_code == 200
        assert (await ask(signed, tenant="other", scope="videos:watch")).status_code == 200


@pytest.mark.parametrize("route", sorted(TABLE))
async def test_what_is_too_large_or_cannot_be_read_is_refused_or_not_looked_at(
    patient: httpx.AsyncClient, service: Service, api: Api, route: str
) -> None:
    ask = await TABLE[route].prepare(patient, service)
    odd = [
        Ask(ask.method, ask.path, content=b"x" * 200_000),
        Ask(ask.method, ask.path, content=b"\xff\xfe\x00"),
        Ask(ask.method, f"{ask.path}{'&' if '?' in ask.path else '?'}{'a' * 30_000}=%ff%fe", content=ask.content),
        Ask(ask.method, f"{ask.path}%ff%00", content=ask.content),
        Ask(ask.method, f"{ask.path}{'x' * 10_000}", content=ask.content),
        ask.with_headers(**{"If-None-Match": '"' * 5_000, "Traceparent": "x" * 5_000, "X-Request-Id": "{" * 100}),
        ask.with_headers(**{"X-Forwarded-For": "," * 5_000, "Accept": "*/;q=x", "Origin": "://"}),
        ask.with_headers(Range="bytes=99999999999-", Expect="nothing"),
    ]
    for one in odd:
        response = await one.of(patient)
        assert response.status_code < 500, (one, response.text)
        if response.status_code >= 400:
            problem(response, response.status_code, response.json()["code"])
    assert (await ask.of(patient)).status_code == 200
    # No HTTP at all: the connection is answered or closed, and the task goes on.
    host, _, port = api.http_url.removeprefix("http://").partition(":")
    for raw in (b"\x16\x03\x01\x00\x05hello\r\n\r\n", f"{ask.method} {ask.path} HTTP/9.9\r\n\r\n".encode()):
        with socket.create_connection((host, int(port)), timeout=20) as connection:
            connection.sendall(raw)
            assert not connection.recv(4096).startswith(b"HTTP/1.1 5")
    assert (await ask.of(patient)).status_code == 200


async def test_a_session_that_is_over(http: httpx.AsyncClient, environment: dict[str, str]) -> None:
    over = Session("0" * 32, UNKNOWN_VIDEO, Delivery.QUERY, datetime.now(UTC) - timedelta(seconds=1))
    token = SignedSessionTokens([environment["STREAMIFY_SIGNING_KEY"]]).write(over)
    problem(await renew(token).of(http), 403, "SESSION_EXPIRED")


@pytest.fixture(scope="module")
def dynamodb(emulator: str) -> Iterator[StoppableProxy]:
    with stoppable(emulator) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def task(environment: dict[str, str], dynamodb: StoppableProxy) -> Iterator[Api]:
    settings = {
        "AWS_ENDPOINT_URL_DYNAMODB": dynamodb.url,
        "STREAMIFY_DYNAMODB_ATTEMPT_SECONDS": "0.5",
        "STREAMIFY_CACHE_SECONDS": "0",
        "STREAMIFY_STALE_SECONDS": "0",
        "STREAMIFY_HTTP_CONCURRENCY": "2",
    }
    with run_api(environment | settings) as running:
        yield running


@pytest.fixture
async def held_up(task: Api, dynamodb: StoppableProxy) -> AsyncIterator[httpx.AsyncClient]:
    """A viewer of a task whose DynamoDB can be stalled."""
    dynamodb.set(Mode.OPEN)
    async with httpx.AsyncClient(base_url=task.http_url, timeout=60) as http:
        yield http
    dynamodb.set(Mode.OPEN)


async def running(task: Api) -> float:
    metrics = await read_metrics(task)
    return sum(value for name, value in metrics.items() if name.startswith("streamify_running{"))


async def until_recovered(ask: Ask, http: httpx.AsyncClient) -> None:
    """Until the breaker has noticed."""
    while (await ask.of(http)).status_code != 200:
        pass


@pytest.mark.parametrize("route", sorted(TABLE))
async def test_a_store_that_hangs_or_a_caller_who_leaves_ends_it_and_the_repetition_succeeds(
    task: Api, held_up: httpx.AsyncClient, service: Service, dynamodb: StoppableProxy, route: str
) -> None:
    case = TABLE[route]
    ask = await case.prepare(held_up, service)
    await until_recovered(ask, held_up)
    dynamodb.set(Mode.STALLED)
    response = await ask.of(held_up)
    if case.asks_the_store and response.status_code != 200:  # a video's descriptor lies in S3
        problem(response, 503, "DEPENDENCY_UNAVAILABLE")
        assert response.headers["Retry-After"]
    else:
        assert response.status_code == 200
    left = asyncio.create_task(ask.of(held_up))
    await asyncio.sleep(0)
    left.cancel()
    await asyncio.gather(left, return_exceptions=True)
    while await running(task):  # nothing goes on for a caller who has left, longer than our own time-outs
        pass
    dynamodb.set(Mode.OPEN)
    await until_recovered(ask, held_up)


@pytest.fixture(scope="module")
def rationed(environment: dict[str, str]) -> Iterator[Api]:
    """A task that takes one request of an address, and no further one for a long time."""
    settings = {"STREAMIFY_REQUESTS_PER_SECOND": "0.001", "STREAMIFY_REQUEST_BURST": "1"}
    with run_api(environment | settings) as one:
        yield one


@pytest.mark.parametrize("route", sorted(TABLE))
async def test_who_asks_too_often_is_told_so_but_health_and_assets_never(
    patient: httpx.AsyncClient, service: Service, rationed: Api, route: str
) -> None:
    ask = (await TABLE[route].prepare(patient, service)).with_headers(
        **{"X-Forwarded-For": f"192.0.2.{sorted(TABLE).index(route)}"}
    )
    async with httpx.AsyncClient(base_url=rationed.http_url, timeout=60) as http:
        assert (await ask.of(http)).status_code == 200
        again = await ask.of(http)
    if route.startswith(("GET /health/", "GET /assets/")):
        assert again.status_code == 200
    else:
        problem(again, 429, "RATE_LIMITED")
        assert int(again.headers["Retry-After"]) > 1
