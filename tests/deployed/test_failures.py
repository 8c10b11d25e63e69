# SPDX-License-Identifier: Apache-2.0
"""What callers notice when a task dies."""

import ssl
from pathlib import Path
from typing import Any

import pytest
from deployed import fleet, load

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def playback_url(outputs: dict[str, str]) -> str:
    return f"{outputs['http_url']}/v1/videos/{outputs['sample_video_id']}/playback"


@pytest.fixture
def whole_fleet(aws: Any, outputs: dict[str, str]) -> None:
    fleet.wait_until(lambda: fleet.is_whole(aws, outputs), "three healthy tasks before the failure")


@pytest.mark.usefixtures("whole_fleet")
def test_killing_one_task_fails_no_request_that_is_retried_once(
    aws: Any,
    outputs: dict[str, str],
    engine: Any,
    cloud: dict[str, Any],
    tls: ssl.SSLContext,
    playback_url: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = {task["taskArn"] for task in fleet.tasks(aws, outputs)}
    victim = next(
        container
        for container in engine.containers.list()
        if cloud["docker_network"] in container.attrs["NetworkSettings"]["Networks"]
    )
    with (
        load.playback_requests(playback_url, tls, per_second=50) as result,
        load.grpc_requests(outputs, per_second=10) as calls,
    ):
        fleet.wait_until(lambda: result.sent >= 100 and calls.sent >= 20, "2 s of undisturbed requests")
        assert not result.failed_first + calls.failed_first, "requests failed before anything was broken"
        victim.kill()
        fleet.wait_until(
            lambda: any(task["taskArn"] not in before for task in fleet.tasks(aws, outputs)), "a replacement task"
        )
        recovery = fleet.wait_until(lambda: fleet.is_whole(aws, outputs), "three healthy tasks again", seconds=90)
        sent = result.sent
        fleet.wait_until(lambda: result.sent >= sent + 100, "2 s of requests to the whole fleet")
    with capsys.disabled():
        print(
            f"\n  one of three tasks killed under 50 requests/s: {result.sent} sent, {len(result.failed_first)} failed"
            f" at first, {len(result.failed)} after one retry; of {calls.sent} gRPC calls {len(calls.failed_first)} and"
            f" {len(calls.failed)}; three healthy tasks after {recovery:.1f} s"
        )
    assert result.failed == []
    assert calls.failed == []
