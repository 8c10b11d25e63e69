# SPDX-License-Identifier: Apache-2.0
"""What people do to a running platform: a release and a rollback, a release that is broken, new signing keys."""

import io
import uuid

from chaos.faults.base import Fault, Site
from chaos.platform import ChaosError, wait_until
from support.playbooks import Run, play

_CRASH = "import sys, time; time.sleep(2); sys.exit('crashing on purpose')"
_COOKIE_SECONDS = 10  # how long anybody goes on with the cookies of the old key: players here renew after 1.5 s


def _derive(site: Site, name: str, lines: str) -> str:
    """The running image with some lines more, pushed; its reference by digest."""
    platform = site.platform
    definition = platform.aws("ecs").describe_task_definition(taskDefinition=platform.service()["taskDefinition"])
    current = str(definition["taskDefinition"]["containerDefinitions"][0]["image"])
    repository, tag = current.split("@")[0], f"chaos-{name}-{uuid.uuid4().hex[:8]}"
    site.undo.add("remove_image", reference=f"{repository}:{tag}")
    dockerfile = io.BytesIO(f"FROM {current}\n{lines}\n".encode())
    platform.engine.images.build(fileobj=dockerfile, tag=f"{repository}:{tag}", rm=True)
    for line in platform.engine.images.push(repository, tag=tag, stream=True, decode=True):
        if "error" in line:
            raise ChaosError(f"the image could not be pushed: {line['error']}")
    digests = platform.engine.images.get(f"{repository}:{tag}").attrs["RepoDigests"]
    return str(next(reference for reference in digests if reference.startswith(repository)))


def _play(site: Site, playbook: str, *arguments: str) -> Run:
    return play(playbook, *arguments, STREAMIFY_ENV=site.platform.name)


def _must_work(run: Run, what: str) -> None:
    if run.code != 0:
        raise ChaosError(f"{what} failed:\n{run.output[-3000:]}")


class _Images:
    """The images that were made before the workload began."""

    made: dict[str, str] = {}  # noqa: RUF012 - one run at a time


def _prepare_good(site: Site) -> None:
    _Images.made["good"] = _derive(site, "good", f"LABEL streamify.chaos={uuid.uuid4().hex}")


def _prepare_crashing(site: Site) -> None:
    _Images.made["crashing"] = _derive(site, "crashing", f'ENTRYPOINT []\nCMD ["python3", "-c", "{_CRASH}"]')


def _release(site: Site) -> None:
    """A release, and the way back."""
    before = site.platform.service()["taskDefinition"]
    site.undo.add("deploy", task_definition=before)
    _must_work(_play(site, "playbooks/release.yml", "-e", f"image_reference={_Images.made['good']}"), "the release")
    tried = site.platform.service()["taskDefinition"]
    _must_work(_play(site, "playbooks/rollback.yml"), "the rollback")
    if site.platform.service()["taskDefinition"] != before or tried == before:
        raise ChaosError("the rollback did not lead back to what ran before.")
    wait_until(site.platform.is_settled, "nothing of the release is left", 120)
    site.platform.aws("ecs").deregister_task_definition(taskDefinition=tried)


def _broken_release(site: Site) -> None:
    before = site.platform.service()["taskDefinition"]
    site.undo.add("deploy", task_definition=before)
    run = _play(site, "playbooks/release.yml", "-e", f"image_reference={_Images.made['crashing']}")
    if run.code == 0:
        raise ChaosError("a release of an image that crashes was reported as a success.")
    wait_until(site.platform.is_settled, "the broken release is rolled back", 120)
    if site.platform.service()["taskDefinition"] != before:
        raise ChaosError("ECS did not roll the broken release back by itself.")
    site.notes.append("rolled back by itself; the playbook reported the failure")


def _rotate(site: Site) -> None:
    waits = (
        f"rotate_keys_cookie_seconds={_COOKIE_SECONDS} rotate_keys_margin_seconds=5 rotate_keys_propagation_seconds=5"
    )
    _must_work(_play(site, "playbooks/rotate_keys.yml", "-e", waits), "the rotation of the signing key")
    wait_until(site.platform.is_settled, "every task signs with the new key", 120)


FAULTS = (
    Fault(
        "broken_release", "a release whose image crashes", _broken_release, prepare=_prepare_crashing, is_release=True
    ),
    Fault("release_under_load", "a release and a rollback", _release, prepare=_prepare_good, is_release=True),
    Fault("keys_rotated", "the key that signs cookies is replaced", _rotate, is_release=True),
)
