# SPDX-License-Identifier: Apache-2.0
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from unit.client.conftest import Command, make_film
from unit.client.fake_platform import PART_BYTES, VIDEO_ID, FakePlatform, etag

type LeftBehind = Callable[[], list[Path]]


def test_a_film_is_uploaded_packaged_and_published(
    streamify: Command, platform: FakePlatform, film: Path, left_behind: LeftBehind
) -> None:
    done = streamify("upload", film, "--title", "A film")
    assert (done.code, done.stdout) == (0, f"https://watch.example/watch/{VIDEO_ID}\n"), done.stderr
    methods = list(dict.fromkeys(name for name, _ in platform.calls))
    assert methods == [
        "ListVideos",
        "CreateUpload",
        "ListParts",
        "CreatePartUrls",
        "CompleteUpload",
        "GetVideo",
        "CreateMediaUrls",
        "PublishVideo",
    ]
    assert left_behind() == []


def test_the_parts_add_up_to_the_file_and_their_etags_are_told(
    streamify: Command, platform: FakePlatform, film: Path
) -> None:
    streamify("upload", film)
    parts = {path: body for path, body in sorted(platform.storage.objects.items()) if path.startswith("/source/")}
    assert len(parts) > 1
    assert all(len(body) == PART_BYTES for body in list(parts.values())[:-1])
    assert b"".join(parts.values()) == film.read_bytes()
    (completed,) = platform.asked("CompleteUpload")
    assert {p.part_number: p.etag for p in completed.parts} == {
        int(path.rpartition("/")[2]): etag(body) for path, body in parts.items()
    }


def test_the_upload_is_announced_with_the_files_name_and_type(
    streamify: Command, platform: FakePlatform, film: Path
) -> None:
    streamify("upload", film)
    (announced,) = platform.asked("CreateUpload")
    assert (announced.title, announced.filename, announced.content_type) == ("film", "film.mp4", "video/mp4")
    assert announced.size_bytes == film.stat().st_size
    assert uuid.UUID(announced.request_id).version == 4


def test_the_master_manifest_is_sent_last_with_its_type(streamify: Command, platform: FakePlatform, film: Path) -> None:
    streamify("upload", film)
    assert platform.storage.order[-1] == "/media/master.m3u8"
    assert platform.storage.headers["/media/master.m3u8"]["content-type"] == "application/vnd.apple.mpegurl"
    assert platform.storage.headers["/media/144p/init.mp4"]["content-type"] == "video/mp4"


def test_the_publication_names_what_was_made(streamify: Command, platform: FakePlatform, film: Path) -> None:
    answer = json.loads(streamify("upload", film, "--json").stdout)
    (published,) = platform.asked("PublishVideo")
    assert published.manifest_path == "master.m3u8"
    assert published.duration.ToMilliseconds() == pytest.approx(5000, abs=100)
    assert [r.name for r in published.renditions] == ["360p", "240p", "144p"]
    assert all(r.codecs.startswith("avc1.") and r.bandwidth_bps > 0 for r in published.renditions)
    assert [r["name"] for r in answer["renditions"]] == ["360p", "240p", "144p"]
    assert answer["video_id"] == VIDEO_ID
    assert answer["state"] == "published"


def test_the_watch_address_can_be_that_of_another_host(
    streamify: Command, film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STREAMIFY_PUBLIC_URL", "https://localhost:8443/")
    assert streamify("upload", film).stdout == f"https://localhost:8443/watch/{VIDEO_ID}\n"


def test_a_silent_film_has_no_sound_track(streamify: Command, platform: FakePlatform, tmp_path: Path) -> None:
    done = streamify("upload", make_film(tmp_path / "silent.mp4", sound=False, seconds=1))
    assert done.code == 0, done.stderr
    master = platform.storage.objects["/media/master.m3u8"].decode()
    assert "AUDIO" not in master
    assert "mp4a" not in master


def test_storage_in_trouble_is_tried_again(streamify: Command, platform: FakePlatform, film: Path) -> None:
    platform.storage.answers = [503, 500, 429]
    assert streamify("upload", film).code == 0
    parts = [body for path, body in sorted(platform.storage.objects.items()) if path.startswith("/source/")]
    assert b"".join(parts) == film.read_bytes()


def test_a_part_that_storage_refuses_ends_it(
    streamify: Command, platform: FakePlatform, film: Path, left_behind: LeftBehind
) -> None:
    platform.storage.answers = [403] * 20
    done = streamify("upload", film)
    assert done.code == 1
    assert "answered 403" in done.stderr
    assert platform.asked("CompleteUpload") == []
    assert left_behind() == []


def test_a_draining_task_is_tried_again(streamify: Command, platform: FakePlatform, film: Path) -> None:
    platform.unavailable = 2
    assert streamify("upload", film).code == 0


@pytest.mark.parametrize("status", [grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.CANCELLED])
def test_an_error_that_is_not_the_platforms_own_is_a_broken_connection_and_tried_again(
    status: grpc.StatusCode, streamify: Command, platform: FakePlatform, film: Path
) -> None:
    platform.unavailable, platform.failure = 2, status
    assert streamify("upload", film, "--source-only").code == 0


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_upload_leaves_nothing_behind(
    name: signal.Signals, platform: FakePlatform, settings: dict[str, str], tmp_path: Path, left_behind: LeftBehind
) -> None:
    film = make_film(tmp_path / "long.mp4", size="1280x720", seconds=40)
    command = [sys.executable, "-m", "streamify_client", "upload", str(film)]
    with subprocess.Popen(
        command,
        env=os.environ | settings,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background job ignores it
    ) as process:
        deadline = time.monotonic() + 30
        while not list((tmp_path / "temporary").rglob("*.m4s")):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(name)
        _, stderr = process.communicate(timeout=20)
    assert process.returncode == 130, stderr
    assert stderr.splitlines()[-1] == "streamify: Interrupted."
    assert "Traceback" not in stderr
    assert left_behind() == []
    assert platform.asked("CreateUpload") == []
