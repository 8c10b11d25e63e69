# SPDX-License-Identifier: Apache-2.0
"""A video that is unpublished or deleted: refused by the API, and forgotten by the CDN."""

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

SECONDS = 60  # for what is true in the end: caches of the API and of the CDN's configuration


def until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline, f"not within {SECONDS} s: {what}"
        time.sleep(0.2)


@pytest.fixture
def video_id(streamify: Any, tmp_path: Path) -> str:
    """A film of two seconds, published."""
    film = tmp_path / "film.mp4"
    picture, sound = "testsrc2=size=320x180:rate=25:duration=2", "sine=frequency=440:duration=2"
    command = ["ffmpeg", "-v", "error", "-nostdin", "-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound]
    subprocess.run([*command, "-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac", film], check=True)
    done = streamify("upload", "--json", str(film))
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout)["video_id"])


def invalidated(aws: Any, manifest_url: str) -> int:
    """How often CloudFront was told to forget the folder of the manifest."""
    cloudfront = aws("cloudfront")
    (distribution,) = cloudfront.list_distributions()["DistributionList"]["Items"]
    listed = cloudfront.list_invalidations(DistributionId=distribution["Id"])["InvalidationList"].get("Items", [])
    found = [
        cloudfront.get_invalidation(DistributionId=distribution["Id"], Id=item["Id"])["Invalidation"] for item in listed
    ]
    folder = urlsplit(manifest_url).path.rpartition("/")[0]
    return sum(item["InvalidationBatch"]["Paths"]["Items"] == [f"{folder}/*"] for item in found)


@pytest.mark.parametrize("command", [("unpublish",), ("delete", "--yes")], ids=["unpublish", "delete"])
def test_what_is_withdrawn_is_refused_and_forgotten_at_the_edges(
    http: httpx.Client, outputs: dict[str, str], aws: Any, streamify: Any, video_id: str, command: tuple[str, ...]
) -> None:
    address = f"{outputs['http_url']}/v1/videos/{video_id}"
    playback = http.get(f"{address}/playback").raise_for_status().json()
    manifest = playback["manifest_url"]
    until(lambda: "hit" in http.get(manifest).headers["x-cache"].lower(), "the CDN keeps the manifest")
    assert invalidated(aws, manifest) == 0

    assert streamify(*command, video_id).returncode == 0
    assert invalidated(aws, manifest) == 1
    until(lambda: http.get(f"{address}/playback").status_code == 404, "every task refuses playback")
    renewal = {"session_token": playback["session_token"]}
    until(
        lambda: http.post(f"{outputs['http_url']}/v1/playback/renew", json=renewal).status_code == 404,
        "every task refuses renewals",
    )
    until(lambda: "miss" in http.get(manifest).headers["x-cache"].lower(), "the CDN asks the origin anew")
