# SPDX-License-Identifier: Apache-2.0
"""Every failure is one sentence, a documented exit code, and nothing left behind."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from unit.client.conftest import Command, Outcome
from unit.client.fake_platform import FakePlatform, make_certificate

type LeftBehind = Callable[[], list[Path]]


def sentence(outcome: Outcome) -> str:
    """The one line that was said."""
    assert outcome.stdout == ""
    (line,) = outcome.stderr.splitlines()
    assert line.startswith("streamify: ")
    assert line.endswith(".")
    return line


def ffmpeg(*arguments: str) -> None:
    subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments], check=True)


def text_file(path: Path) -> None:
    path.write_text("This is not a video.\n" * 50)


def empty_file(path: Path) -> None:
    path.touch()


def noise(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 40)


def picture(path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=320x180", "-frames:v", "1", "-f", "image2", "-c:v", "png", str(path))


def sound(path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "sine=duration=1", "-f", "mp4", "-c:a", "aac", str(path))


@pytest.mark.parametrize("make", [text_file, empty_file, noise, picture, sound])
@pytest.mark.parametrize("suffix", [".txt", ".mp4", ".png"])
def test_what_is_no_video_never_reaches_the_platform(
    make: Callable[[Path], None],
    suffix: str,
    streamify: Command,
    platform: FakePlatform,
    tmp_path: Path,
    left_behind: LeftBehind,
) -> None:
    file = tmp_path / f"file{suffix}"
    make(file)
    done = streamify("upload", file)
    assert done.code == 3
    assert str(file) in sentence(done)
    assert platform.calls == []
    assert left_behind() == []


def test_a_file_cut_short_is_no_upload(
    streamify: Command, platform: FakePlatform, film: Path, tmp_path: Path, left_behind: LeftBehind
) -> None:
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(film.read_bytes()[:-20_000])  # the index is at the end
    assert streamify("upload", cut).code == 3
    assert platform.calls == []
    assert left_behind() == []


@pytest.mark.parametrize("command", [("list",), ("show", "vid_x")])
def test_a_platform_that_is_not_there_is_named(
    command: tuple[str, ...], streamify: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and not listening
        target = f"127.0.0.1:{taken.getsockname()[1]}"
        monkeypatch.setenv("STREAMIFY_GRPC_TARGET", target)
        done = streamify(*command)
    assert done.code == 4
    assert f"cannot be reached at {target}" in sentence(done)


def test_a_certificate_of_somebody_else_is_not_trusted(
    streamify: Command, tmp_path: Path, platform: FakePlatform
) -> None:
    other = tmp_path / "other.pem"
    other.write_bytes(make_certificate()[0])
    done = streamify("list", "--ca-file", other)
    assert done.code == 4
    assert "not trusted" in sentence(done)
    assert platform.calls == []


def test_a_ca_file_without_a_certificate_is_named(streamify: Command, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("not a certificate")
    done = streamify("list", "--ca-file", wrong)
    assert done.code == 2
    assert f"{wrong} holds no certificate" in sentence(done)


def test_the_grpc_library_adds_nothing_to_our_sentence(settings: dict[str, str], tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    other.write_bytes(make_certificate()[0])
    command = [sys.executable, "-m", "streamify_client", "list", "--ca-file", str(other)]
    done = subprocess.run(command, env={**os.environ, **settings}, capture_output=True, text=True, check=False)
    assert done.returncode == 4
    assert len(done.stderr.splitlines()) == 1, done.stderr


def test_a_refused_token_is_found_out_before_packaging(
    streamify: Command, film: Path, tmp_path: Path, platform: FakePlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("wrong-token")
    monkeypatch.setattr("streamify_client.publish.package", None)
    done = streamify("upload", film, "--token-file", wrong)
    assert done.code == 5
    assert "refused the token" in sentence(done)
    assert "wrong-token" not in done.stderr
    assert platform.calls == []


def test_an_unknown_video_is_not_found(streamify: Command) -> None:
    done = streamify("show", "vid_01BX5ZZKBKACTAV9WEVGEMMVRZ")
    assert done.code == 6
    assert "There is no such video" in sentence(done)


def test_a_missing_ffmpeg_is_named(streamify: Command, film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    done = streamify("upload", film)
    assert done.code == 7
    assert "not installed" in sentence(done)


@pytest.mark.parametrize("name", ["STREAMIFY_GRPC_TARGET", "STREAMIFY_TOKEN_FILE"])
def test_a_missing_setting_is_named(name: str, streamify: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(name)
    done = streamify("list")
    assert done.code == 2
    assert name in sentence(done)


@pytest.mark.parametrize("option", ["--token-file", "--ca-file"])
def test_a_file_that_cannot_be_read_is_named(option: str, streamify: Command, tmp_path: Path) -> None:
    done = streamify("list", option, tmp_path / "missing")
    assert done.code == 2
    assert str(tmp_path / "missing") in sentence(done)


@pytest.mark.parametrize("ladder", ["big", "721", "1080,720,480,360,240,144,1440,2160,1"])
def test_a_ladder_that_makes_no_sense_is_refused(
    ladder: str, streamify: Command, film: Path, platform: FakePlatform
) -> None:
    done = streamify("upload", film, "--ladder", ladder)
    assert done.code == 2
    sentence(done)
    assert platform.calls == []


def test_wrong_usage_ends_with_2(streamify: Command, tmp_path: Path) -> None:
    assert streamify("upload", tmp_path / "missing.mp4").code == 2
    assert streamify("fly").code == 2


def test_the_help_lists_every_exit_code(streamify: Command) -> None:
    text = streamify("--help").stdout
    for code in (0, 1, 2, 3, 4, 5, 6, 7, 8, 130):
        assert f"\n    {code} " in text or f"\n  {code} " in text, code
