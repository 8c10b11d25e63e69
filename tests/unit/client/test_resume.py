# SPDX-License-Identifier: Apache-2.0
"""An upload that stopped goes on where it stopped, and what storage holds is what was sent."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from streamify.upload.v1 import upload_service_pb2 as upload
from streamify_client import AsyncClient, ChecksumError, Connection, Memory, upload_source
from unit.client.conftest import Command
from unit.client.fake_platform import PART_BYTES, UPLOAD_ID, VIDEO_ID, FakePlatform, sha256

PARTS = 7
LAST_BYTES = 123


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    path.write_bytes(os.urandom((PARTS - 1) * PART_BYTES + LAST_BYTES))
    return path


def part(file: Path, number: int) -> bytes:
    return file.read_bytes()[(number - 1) * PART_BYTES : number * PART_BYTES]


def presigned(platform: FakePlatform) -> list[int]:
    return sorted(n for request in platform.asked("CreatePartUrls") for n in request.part_numbers)


def interrupt_after_some_parts(platform: FakePlatform, streamify: Command, file: Path) -> None:
    """Storage takes a few parts and then refuses for good."""
    platform.storage.answers = [200] * 3 + [400] * 50
    assert streamify("upload", "--source-only", file).code == 1
    platform.storage.answers = []
    platform.calls.clear()
    assert 0 < len(platform.stored()) < PARTS


def whole(platform: FakePlatform) -> bytes:
    return b"".join(b for p, b in sorted(platform.storage.objects.items()) if p.startswith("/source/"))


def test_the_same_command_goes_on_and_sends_only_what_is_missing(
    platform: FakePlatform, streamify: Command, file: Path
) -> None:
    interrupt_after_some_parts(platform, streamify, file)
    held = {stored.part_number for stored in platform.stored()}
    done = streamify("upload", "--source-only", file)
    assert (done.code, done.stdout) == (0, f"{VIDEO_ID}\n"), done.stderr
    assert platform.asked("CreateUpload") == []
    assert presigned(platform) == [n for n in range(1, PARTS + 1) if n not in held]
    assert whole(platform) == file.read_bytes()


def test_another_machine_goes_on_by_the_uploads_id(
    platform: FakePlatform, streamify: Command, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupt_after_some_parts(platform, streamify, file)
    held = {stored.part_number for stored in platform.stored()}
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "elsewhere"))
    done = streamify("upload", "--source-only", "--resume", UPLOAD_ID, file)
    assert done.code == 0, done.stderr
    assert platform.asked("CreateUpload") == []
    assert not held & set(presigned(platform))
    assert whole(platform) == file.read_bytes()


def test_a_part_that_storage_holds_with_other_bytes_is_sent_again(
    platform: FakePlatform, streamify: Command, file: Path
) -> None:
    interrupt_after_some_parts(platform, streamify, file)
    first = f"/source/{platform.stored()[0].part_number:04}"
    platform.storage.objects[first] = bytes(len(platform.storage.objects[first]))
    assert streamify("upload", "--source-only", file).code == 0
    assert whole(platform) == file.read_bytes()


def test_a_client_killed_outright_goes_on(
    platform: FakePlatform, settings: dict[str, str], streamify: Command, file: Path
) -> None:
    command = [sys.executable, "-m", "streamify_client", "upload", "--source-only", "--parallel", "1", str(file)]
    running: list[subprocess.Popen[bytes]] = []

    def kill(method: str) -> None:
        if method == "CreatePartUrls" and len(platform.stored()) >= 2:
            running[0].send_signal(signal.SIGKILL)
            platform.before = lambda _: None

    platform.before = kill
    with subprocess.Popen(command, env=os.environ | settings, stderr=subprocess.DEVNULL) as process:
        running.append(process)
        process.wait(30)
    assert process.returncode == -signal.SIGKILL
    platform.calls.clear()
    assert streamify("upload", "--source-only", file).code == 0
    assert platform.asked("CreateUpload") == []
    assert len(presigned(platform)) < PARTS
    assert whole(platform) == file.read_bytes()


def test_a_kill_before_the_answer_repeats_the_same_creation(
    platform: FakePlatform, streamify: Command, file: Path
) -> None:
    remembered = Memory(platform.target, file).recall("film")
    Memory(platform.target, file).keep(remembered)
    assert streamify("upload", "--source-only", file).code == 0
    (created,) = platform.asked("CreateUpload")
    assert created.request_id == remembered.request_id


def test_what_was_completed_is_not_sent_again(platform: FakePlatform, streamify: Command, file: Path) -> None:
    assert streamify("upload", "--source-only", file).code == 0
    platform.calls.clear()
    done = streamify("upload", "--source-only", "--resume", UPLOAD_ID, "--json", file)
    assert json.loads(done.stdout)["state"] == "completed"
    assert [name for name, _ in platform.calls] == ["GetUpload"]


def test_a_changed_file_is_a_new_upload(platform: FakePlatform, streamify: Command, file: Path) -> None:
    interrupt_after_some_parts(platform, streamify, file)
    file.write_bytes(os.urandom(PART_BYTES))
    platform.storage.objects.clear()
    assert streamify("upload", "--source-only", file).code == 0
    assert len(platform.asked("CreateUpload")) == 1


def test_restart_begins_anew(platform: FakePlatform, streamify: Command, file: Path) -> None:
    interrupt_after_some_parts(platform, streamify, file)
    assert streamify("upload", "--source-only", "--restart", file).code == 0
    assert len(platform.asked("CreateUpload")) == 1


@pytest.mark.parametrize("state", [upload.UPLOAD_STATE_CANCELLED, upload.UPLOAD_STATE_EXPIRED])
def test_an_upload_that_is_over(
    platform: FakePlatform, streamify: Command, file: Path, state: upload.UploadState
) -> None:
    interrupt_after_some_parts(platform, streamify, file)
    platform.uploads[UPLOAD_ID].state = state
    named = streamify("upload", "--source-only", "--resume", UPLOAD_ID, file)
    assert named.code == 8
    assert "begin anew" in named.stderr
    assert streamify("upload", "--source-only", file).code == 0  # remembered only: nobody asked for that one
    assert len(platform.asked("CreateUpload")) == 1


def test_another_file_is_not_the_uploads(
    platform: FakePlatform, streamify: Command, file: Path, tmp_path: Path
) -> None:
    interrupt_after_some_parts(platform, streamify, file)
    other = tmp_path / "other.mp4"
    other.write_bytes(b"other")
    done = streamify("upload", "--source-only", "--resume", UPLOAD_ID, other)
    assert done.code == 2
    assert f"is for a file of {file.stat().st_size} bytes" in done.stderr


def test_checksums_go_with_the_parts_and_the_whole(platform: FakePlatform, streamify: Command, file: Path) -> None:
    assert streamify("upload", "--source-only", file).code == 0
    (created,) = platform.asked("CreateUpload")
    assert created.checksum_algorithm == upload.CHECKSUM_ALGORITHM_SHA256
    (completed,) = platform.asked("CompleteUpload")
    assert [p.checksum for p in completed.parts] == [sha256(part(file, n)) for n in range(1, PARTS + 1)]
    assert completed.checksum.endswith(f"-{PARTS}")
    sent = platform.storage.headers["/source/0001"]
    assert sent["x-amz-checksum-sha256"] == sha256(part(file, 1))


def test_storage_that_holds_something_else_is_found_out(platform: FakePlatform, streamify: Command, file: Path) -> None:
    platform.spoiled = True
    done = streamify("upload", "--source-only", file)
    assert done.code == 1
    assert "Storage holds something else" in done.stderr


def test_a_file_that_changes_meanwhile_is_not_completed(platform: FakePlatform, streamify: Command, file: Path) -> None:
    def touch(method: str) -> None:
        if method == "CreatePartUrls":
            os.utime(file, ns=(1, 1))

    platform.before = touch
    done = streamify("upload", "--source-only", file)
    assert done.code == 8
    assert "changed while it was being sent" in done.stderr
    assert platform.asked("CompleteUpload") == []


def test_an_expired_link_is_replaced(platform: FakePlatform, streamify: Command, file: Path) -> None:
    platform.storage.answers = [403]
    assert streamify("upload", "--source-only", file).code == 0
    assert len(presigned(platform)) == PARTS + 1


def test_an_empty_file_is_no_upload(platform: FakePlatform, streamify: Command, tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    done = streamify("upload", "--source-only", tmp_path / "empty.mp4")
    assert done.code == 2
    assert "is empty" in done.stderr
    assert platform.calls == []


async def test_asyncio_programs_upload_too(platform: FakePlatform, settings: dict[str, str], file: Path) -> None:
    connection = Connection(
        settings["STREAMIFY_GRPC_TARGET"], Path(settings["STREAMIFY_TOKEN_FILE"]), Path(settings["STREAMIFY_CA_FILE"])
    )
    async with AsyncClient(connection) as client:
        done = await upload_source(client, file)
        assert done.state == upload.UPLOAD_STATE_COMPLETED
        assert [item.upload_id async for item in client.list_uploads()] == [UPLOAD_ID]
        platform.spoiled = True
        with pytest.raises(ChecksumError):
            await upload_source(client, file)
