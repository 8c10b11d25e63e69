# SPDX-License-Identifier: Apache-2.0
"""Every command, as people and as programs use it."""

import json
import subprocess
from pathlib import Path

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from streamify.catalog.v1 import catalog_service_pb2 as catalog
from streamify.upload.v1 import upload_service_pb2 as upload
from unit.client.conftest import Command
from unit.client.fake_platform import UPLOAD_ID, VIDEO_ID, FakePlatform

RENDITION = catalog.Rendition(name="720p", width=1280, height=720, bandwidth_bps=3_000_000, codecs="avc1.64001f")


@pytest.fixture
def waiting(platform: FakePlatform) -> upload.Upload:
    made = upload.Upload(
        upload_id=UPLOAD_ID,
        video_id=VIDEO_ID,
        state=upload.UPLOAD_STATE_WAITING,
        size_bytes=5,
        revision=1,
        create_time=Timestamp(seconds=1_700_000_000),
    )
    platform.uploads[UPLOAD_ID] = made
    return made


def test_show_tells_videos_from_uploads(streamify: Command, waiting: upload.Upload) -> None:
    assert json.loads(streamify("show", "--json", VIDEO_ID).stdout)["state"] == "processing"
    shown = json.loads(streamify("show", "--json", UPLOAD_ID).stdout)
    assert (shown["state"], shown["created"]) == ("waiting", "2023-11-14T22:13:20+00:00")
    lines = streamify("show", UPLOAD_ID).stdout.splitlines()
    assert lines[0].split() == ["upload_id", UPLOAD_ID]
    assert not any(line.startswith("checksum") for line in lines), "what is not set is not shown"


def test_list_is_a_table_for_people_and_json_for_programs(
    streamify: Command, platform: FakePlatform, waiting: upload.Upload
) -> None:
    table = streamify("list").stdout.splitlines()
    assert table[0].split() == ["video_id", "state", "duration", "title"]
    assert len(table) == 3
    videos = json.loads(streamify("list", "--json").stdout)
    assert [video["title"] for video in videos] == ["Film more", "Film "]
    assert len(json.loads(streamify("list", "--json", "--limit", "1").stdout)) == 1
    (found,) = json.loads(streamify("list", "--uploads", "--json").stdout)
    assert found["upload_id"] == UPLOAD_ID


def test_cancel_gives_an_upload_up_and_a_completed_one_is_refused(
    streamify: Command, platform: FakePlatform, waiting: upload.Upload
) -> None:
    assert json.loads(streamify("cancel", UPLOAD_ID, "--json").stdout)["state"] == "cancelled"
    waiting.state = upload.UPLOAD_STATE_COMPLETED
    refused = streamify("cancel", UPLOAD_ID)
    assert refused.code == 8
    assert "The upload is over: COMPLETED" in refused.stderr
    assert streamify("cancel", "upl_unknown").code == 6


def test_watch_goes_on_over_a_broken_stream_and_misses_nothing(
    streamify: Command, platform: FakePlatform, waiting: upload.Upload
) -> None:
    done = upload.Upload(upload_id=UPLOAD_ID, state=upload.UPLOAD_STATE_COMPLETED, revision=2)
    heartbeat = upload.WatchUploadResponse(heartbeat=upload.Heartbeat())
    first = upload.WatchUploadResponse(upload=waiting)
    platform.events = [[heartbeat, first], [], [heartbeat, upload.WatchUploadResponse(upload=done)]]
    shown = streamify("watch", UPLOAD_ID)
    assert (shown.code, [line.split() for line in shown.stdout.splitlines()]) == (
        0,
        [["1", "waiting"], ["2", "completed"]],
    )
    assert [request.after_revision for request in platform.asked("WatchUpload")] == [0, 1, 1]
    platform.events = [[upload.WatchUploadResponse(upload=done)]]
    lines = streamify("watch", UPLOAD_ID, "--after", "1", "--json").stdout.splitlines()
    assert [json.loads(line)["revision"] for line in lines] == [2]


def test_unpublish_and_publish_again(streamify: Command, platform: FakePlatform) -> None:
    platform.video_state, platform.renditions = catalog.VIDEO_STATE_PUBLISHED, [RENDITION]
    assert json.loads(streamify("unpublish", VIDEO_ID, "--json").stdout)["state"] == "unpublished"
    done = streamify("publish", VIDEO_ID)
    assert (done.code, done.stdout) == (0, f"https://watch.example/watch/{VIDEO_ID}\n")
    (asked,) = platform.asked("PublishVideo")
    assert (list(asked.renditions), asked.duration.seconds) == ([RENDITION], 5)


def test_a_video_whose_source_is_here_is_packaged_and_published(
    streamify: Command, platform: FakePlatform, film: Path
) -> None:
    without = streamify("publish", VIDEO_ID)
    assert without.code == 8
    assert "--file" in without.stderr
    done = streamify("publish", VIDEO_ID, "--file", film, "--json")
    assert json.loads(done.stdout)["state"] == "published"
    assert platform.storage.order[-1] == "/media/master.m3u8"
    again = streamify("publish", VIDEO_ID, "--file", film)
    assert again.code == 8
    assert "only a video that is processing" in again.stderr


def test_update_names_only_what_changes(streamify: Command, platform: FakePlatform) -> None:
    assert streamify("update", VIDEO_ID, "--title", "New").code == 0
    (asked,) = platform.asked("UpdateVideo")
    assert list(asked.update_mask.paths) == ["title"]
    nothing = streamify("update", VIDEO_ID)
    assert nothing.code == 2
    assert "--title" in nothing.stderr


def test_delete_is_confirmed_and_keeps_to_its_etag(streamify: Command, platform: FakePlatform) -> None:
    unasked = streamify("delete", VIDEO_ID)
    assert unasked.code == 2
    assert "--yes" in unasked.stderr
    assert platform.asked("DeleteVideo") == []
    stale = streamify("delete", VIDEO_ID, "--yes", "--etag", "old")
    assert stale.code == 8
    assert "etag" in stale.stderr
    assert json.loads(streamify("delete", VIDEO_ID, "--yes", "--json").stdout)["state"] == "deleted"


@pytest.mark.parametrize(
    "arguments",
    [
        ("--resume", UPLOAD_ID, "--restart"),
        ("--source-only", "--ladder", "720"),
        ("--parallel", "0"),
    ],
)
def test_options_that_contradict_each_other(
    arguments: tuple[str, ...], streamify: Command, platform: FakePlatform, film: Path
) -> None:
    assert streamify("upload", film, *arguments).code == 2
    assert platform.calls == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_printed(shell: str, streamify: Command) -> None:
    done = streamify("completion", shell)
    assert done.code == 0, done.stderr
    assert f"_STREAMIFY_COMPLETE={shell}_complete" in done.stdout


def test_bash_takes_what_completion_prints(streamify: Command) -> None:
    script = streamify("completion", "bash").stdout + "\ncomplete -p streamify\n"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert "_streamify_completion" in done.stdout, done.stderr


def test_nothing_but_the_answer_is_on_stdout(streamify: Command, film: Path) -> None:
    done = streamify("upload", film, "--json")
    assert json.loads(done.stdout)["video_id"] == VIDEO_ID
    assert f"--resume {UPLOAD_ID}" in done.stderr
    assert "\x1b" not in done.stderr, "no bars where no terminal is"
