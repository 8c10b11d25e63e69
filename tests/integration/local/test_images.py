# SPDX-License-Identifier: Apache-2.0
"""Images of an environment that is taken down go, though others of the same content are in use."""

import io
import uuid
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from docker.errors import ImageNotFound, NotFound
from integration.local.conftest import Cloud
from streamify_local import base_image, engine

pytestmark = pytest.mark.integration
GONE, KEPT = "127.0.0.1:1/gone", "127.0.0.1:2/kept"


@pytest.fixture
def container(cloud: Cloud) -> Iterator[Any]:
    """A running container of an image that two environments have under names of their own."""
    base = base_image.ensure(cloud.docker)["tag"]
    lines = f"FROM {base}\nLABEL test={uuid.uuid4().hex}\n"
    image, _ = cloud.docker.images.build(fileobj=io.BytesIO(lines.encode()), rm=True)
    image.tag(GONE, "1")
    image.tag(KEPT, "1")
    made = cloud.docker.containers.run(f"{KEPT}:1", ["sleep", "600"], detach=True)
    yield made
    with suppress(NotFound):
        made.remove(force=True)
    engine._remove_images(cloud.docker, (f"{GONE}:", f"{KEPT}:"))


def test_a_name_goes_though_another_environments_container_runs_the_image(cloud: Cloud, container: Any) -> None:
    engine._remove_images(cloud.docker, (f"{GONE}:",))
    assert cloud.docker.images.get(f"{KEPT}:1").tags == [f"{KEPT}:1"]
    container.reload()
    assert container.status == "running"
    container.remove(force=True)
    engine._remove_images(cloud.docker, (f"{KEPT}:",))
    with pytest.raises(ImageNotFound):
        cloud.docker.images.get(f"{KEPT}:1")
