# SPDX-License-Identifier: Apache-2.0
"""What viewers notice when a task dies, and when a release is broken."""

import io
import json
import os
import ssl
import subprocess
import sys
from collections.abc import Iterator
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


@pytest.fixture
def crashing_image(aws: Any, outputs: dict[str, str], engine: Any) -> Iterator[str]:
    """The deployed image with a start that crashes after two seconds, pushed beside it; its reference by digest."""
    service = fleet.service(aws, outputs)
    definition = aws("ecs").describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    current = definition["containerDefinitions"][0]["image"]
    repository = current.split("@")[0]
    command = "import sys, time; time.sleep(2); sys.exit('crashing on purpose')"
    dockerfile = f"FROM {current}\nENTRYPOINT []\nCMD {json.dumps(['python3', '-c', command])}\n"
    engine.images.build(fileobj=io.BytesIO(dockerfile.encode()), tag=f"{repository}:crashing", rm=True)
    for line in engine.images.push(repository, tag="crashing", stream=True, decode=True):
        assert "error" not in line, line
    digest = engine.images.get(f"{repository}:crashing").attrs["RepoDigests"]
    yield next(reference for reference in digest if reference.startswith(repository))
    engine.images.remove(f"{repository}:crashing", force=True)


def site(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs site.yml as an operator would."""
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "site.yml", *arguments]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False)


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("whole_fleet")
def test_a_crashing_image_fails_the_playbook_and_the_old_tasks_serve_on(
    aws: Any,
    outputs: dict[str, str],
    tls: ssl.SSLContext,
    playback_url: str,
    crashing_image: str,
    http: Any,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = {task["taskArn"] for task in fleet.tasks(aws, outputs)}
    definition = fleet.service(aws, outputs)["taskDefinition"]
    with load.playback_requests(playback_url, tls, per_second=5) as result:
        finished = site("-e", f"api_service_image={crashing_image}")
        fleet.wait_until(lambda: fleet.is_whole(aws, outputs), "three healthy tasks after the rollback")
    with capsys.disabled():
        print(f"\n  a crashing image: playbook ended with {finished.returncode}, {result.sent} requests sent meanwhile,"
              f" {len(result.failed)} failed after one retry")  # fmt: skip
    assert finished.returncode != 0, "the playbook reported a broken release as a success"
    assert "circuit breaker" in finished.stdout
    assert "Essential container" in finished.stdout, "ECS's reason for the stopped tasks is not shown"
    assert result.failed == []
    assert {task["taskArn"] for task in fleet.tasks(aws, outputs)} == before, "old tasks were replaced"
    assert fleet.service(aws, outputs)["taskDefinition"] == definition
    assert outputs["sample_video_id"] in http.get(f"{outputs['http_url']}/v1/videos").text
