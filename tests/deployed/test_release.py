# SPDX-License-Identifier: Apache-2.0
"""Releases and rollbacks under load: what callers notice, and what the person who releases is told."""

import io
import ssl
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from deployed import fleet, load
from support.playbooks import play

CRASH = "import sys, time; time.sleep(2); sys.exit('crashing on purpose')"
Derive = Callable[[str, str], str]


@pytest.fixture
def playback_url(outputs: dict[str, str]) -> str:
    return f"{outputs['http_url']}/v1/videos/{outputs['sample_video_id']}/playback"


@pytest.fixture
def whole_fleet(aws: Any, outputs: dict[str, str]) -> None:
    fleet.wait_until(lambda: fleet.is_whole(aws, outputs), "three healthy tasks before the release")


def running_image(aws: Any, outputs: dict[str, str]) -> str:
    service = fleet.service(aws, outputs)
    definition = aws("ecs").describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    return str(definition["containerDefinitions"][0]["image"])


@pytest.fixture
def derive(aws: Any, outputs: dict[str, str], engine: Any) -> Iterator[Derive]:
    """Returns a function: tag, Dockerfile lines -> the running image with them, pushed; its reference by digest."""
    made = []

    def image(name: str, lines: str) -> str:
        tag = f"{name}-{uuid.uuid4().hex[:8]}"  # tags are immutable, and the test may be repeated
        current = running_image(aws, outputs)
        repository = current.split("@")[0]
        engine.images.build(
            fileobj=io.BytesIO(f"FROM {current}\n{lines}\n".encode()), tag=f"{repository}:{tag}", rm=True
        )
        made.append(f"{repository}:{tag}")
        for line in engine.images.push(repository, tag=tag, stream=True, decode=True):
            assert "error" not in line, line
        digests = engine.images.get(f"{repository}:{tag}").attrs["RepoDigests"]
        return str(next(reference for reference in digests if reference.startswith(repository)))

    yield image
    for reference in made:
        engine.images.remove(reference, force=True)


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("whole_fleet")
def test_a_crashing_image_fails_the_release_and_the_old_tasks_serve_on(
    aws: Any, outputs: dict[str, str], tls: ssl.SSLContext, playback_url: str, derive: Derive
) -> None:
    before = {task["taskArn"] for task in fleet.tasks(aws, outputs)}
    definition = fleet.service(aws, outputs)["taskDefinition"]
    image = derive("crashing", f'ENTRYPOINT []\nCMD ["python3", "-c", "{CRASH}"]')
    with (
        load.playback_requests(playback_url, tls, per_second=5) as requests,
        load.grpc_requests(outputs, per_second=5) as calls,
    ):
        finished = play("playbooks/release.yml", "-e", f"image_reference={image}")
        fleet.wait_until(lambda: fleet.is_whole(aws, outputs), "three healthy tasks after the rollback")
    assert finished.code != 0, "the playbook reported a broken release as a success"
    said = finished.output.split("The release failed;")[-1]
    assert "circuit breaker" in said
    assert "Essential container in task exited" in said, "ECS's reason for the stopped tasks is not shown"
    assert requests.failed_first + calls.failed_first == []
    assert {task["taskArn"] for task in fleet.tasks(aws, outputs)} == before, "old tasks were replaced"
    assert fleet.service(aws, outputs)["taskDefinition"] == definition
    found = aws("ecs").list_task_definitions(familyPrefix=outputs["ecs_service"], status="ACTIVE")["taskDefinitionArns"]
    active = [arn for arn in found if f"/{outputs['ecs_service']}:" in arn]  # not the janitor's
    assert definition in active
    assert all(int(arn.split(":")[-1]) <= int(definition.split(":")[-1]) for arn in active), (
        "a rollback could end there"
    )


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("whole_fleet")
def test_a_good_release_and_a_rollback_fail_no_request(
    aws: Any,
    outputs: dict[str, str],
    tls: ssl.SSLContext,
    playback_url: str,
    derive: Derive,
    capsys: pytest.CaptureFixture[str],
) -> None:
    definition = fleet.service(aws, outputs)["taskDefinition"]
    image = derive("good", "LABEL streamify.test=release")
    with (
        load.playback_requests(playback_url, tls, per_second=20) as requests,
        load.grpc_requests(outputs, per_second=10) as calls,
    ):
        released = play("playbooks/release.yml", "-e", f"image_reference={image}")
        assert released.code == 0, released.output
        assert running_image(aws, outputs) == image
        tried = fleet.service(aws, outputs)["taskDefinition"]
        back = play("playbooks/rollback.yml")
        assert back.code == 0, back.output
    with capsys.disabled():
        print(
            f"\n  a release and a rollback: {requests.sent} requests, {len(requests.failed_first)} failed;"
            f" {calls.sent} gRPC calls, {len(calls.failed_first)} failed"
        )
    assert requests.failed_first == []
    assert calls.failed_first == []
    assert fleet.service(aws, outputs)["taskDefinition"] == definition
    # Nothing is left of the release: the family's latest revision is the running one again.
    fleet.wait_until(lambda: fleet.is_whole(aws, outputs), "three healthy tasks after the rollback")
    aws("ecs").deregister_task_definition(taskDefinition=tried)
