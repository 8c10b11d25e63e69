# SPDX-License-Identifier: Apache-2.0
"""Tests of the emulator's target health: what counts as passed, and what follows from it."""

import asyncio
import dataclasses
from types import SimpleNamespace
from typing import Any

import pytest
from streamify_local.emulator.patches import elbv2_target_health
from streamify_local.emulator.patches.elbv2_health_check import Check, Verdict, matches, run
from streamify_local.emulator.patches.elbv2_target_health import Target, check_of

GROUP = {"HealthCheckIntervalSeconds": 5, "HealthyThresholdCount": 3, "UnhealthyThresholdCount": 2}
GOOD, BAD = Verdict(True), Verdict(False, "Target.Timeout", "Request timed out")


@pytest.mark.parametrize(
    ("code", "codes", "expected"),
    [(200, "200", True), (204, "200-299", True), (300, "200-299", False), (202, "200,202", True), (12, "0-99", True)],
)
def test_matcher(code: int, codes: str, expected: bool) -> None:
    assert matches(code, codes) is expected


def after(state: str, *verdicts: Verdict, step: float = 5.0) -> Target:
    target = Target("10.0.0.1", 80)
    target.become(state)
    for number, verdict in enumerate(verdicts):
        target.judge(verdict, GROUP, number * step)
    return target


def test_a_new_target_needs_one_passed_check() -> None:
    assert after("initial", GOOD).state == "healthy"
    assert after("initial", BAD, GOOD).state == "healthy"


def test_a_healthy_target_fails_after_the_threshold_and_not_before() -> None:
    assert after("healthy", BAD).state == "healthy"
    assert after("healthy", BAD, GOOD, BAD).state == "healthy"
    failed = after("healthy", BAD, BAD)
    assert (failed.state, failed.reason) == ("unhealthy", "Target.Timeout")


def test_an_unhealthy_target_comes_back_after_the_threshold() -> None:
    assert after("unhealthy", GOOD, GOOD).state == "unhealthy"
    assert after("unhealthy", GOOD, GOOD, GOOD).state == "healthy"


def test_a_new_target_is_asked_often_but_its_failures_count_once_an_interval() -> None:
    assert after("initial", BAD, BAD, BAD, BAD, step=1.0).state == "initial"
    assert after("initial", BAD, BAD, step=1.0).next_check == 2.0
    assert after("initial", BAD, BAD, step=5.0).state == "unhealthy"
    assert after("initial", GOOD).next_check == 5.0


async def test_the_interval_is_from_one_checks_beginning_to_the_next_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now=100.0)

    async def times_out(_check: Check) -> Verdict:
        clock.now += 3.0
        return BAD

    group = {**GROUP, "HealthCheckPath": "/p", "Matcher": {"HttpCode": "200"}}
    monkeypatch.setattr(elbv2_target_health, "_group", lambda _arn: group)
    monkeypatch.setattr(elbv2_target_health, "run", times_out)
    monkeypatch.setattr(elbv2_target_health, "time", SimpleNamespace(monotonic=lambda: clock.now))
    target = after("healthy")
    await elbv2_target_health._check_one("arn", target)
    assert target.next_check == 105.0


def test_the_check_follows_the_target_groups_settings() -> None:
    group = {**GROUP, "HealthCheckPath": "/p", "Matcher": {"GrpcCode": "0"}, "ProtocolVersion": "GRPC"}
    assert check_of(group, Target("10.0.0.1", 80)) == Check("10.0.0.1", 80, "/p", "0", 5.0, grpc=True)
    assert check_of({**group, "HealthCheckPort": "81"}, Target("10.0.0.1", 80)).port == 81


async def ask(reply: bytes, *, hang: bool = False, **changes: Any) -> Verdict:
    """Check a server that sends `reply` to whatever it is asked."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1024)
        if hang:
            await asyncio.sleep(5)
        writer.write(reply)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        return await run(dataclasses.replace(Check("127.0.0.1", port, "/", "200-299", 1.0), **changes))


async def test_http_is_judged_by_the_code() -> None:
    assert (await ask(b"HTTP/1.1 204 No Content\r\n\r\n")).passed
    refused = await ask(b"HTTP/1.1 503 Service Unavailable\r\n\r\n{}")
    assert (refused.reason, refused.description) == (
        "Target.ResponseCodeMismatch",
        "Health checks failed with these codes: [503]",
    )


async def test_silence_nonsense_and_refusal_have_reasons_of_their_own() -> None:
    assert (await ask(b"", hang=True, timeout=0.1)).reason == "Target.Timeout"
    assert (await ask(b"nonsense\r\n")).reason == "Target.FailedHealthChecks"
    assert (await ask(b"")).reason == "Target.FailedHealthChecks"
    assert (await ask(b"HTTP/1.1 200 OK\r\n\r\n", grpc=True)).reason == "Target.FailedHealthChecks"
    assert (await run(Check("127.0.0.1", 1, "/", "200", 1.0))).reason == "Target.FailedHealthChecks"
