# SPDX-License-Identifier: Apache-2.0
"""A platform to talk to, films to send, and a way to run the command."""

import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from streamify_client.cli import main
from unit.client.fake_platform import FakePlatform, Storage, make_certificate, serve_grpc, serve_storage, write_settings

type Command = Callable[..., "Outcome"]


@dataclass
class Outcome:
    """How a command ended."""

    code: int
    stdout: str
    stderr: str


def make_film(path: Path, *, size: str = "320x180", sound: bool = True, seconds: float = 5) -> Path:
    """A small film."""
    inputs = ["-f", "lavfi", "-i", f"testsrc2=size={size}:rate=10:duration={seconds}"]
    if sound:
        inputs += ["-f", "lavfi", "-i", f"sine=duration={seconds}"]
    codecs = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac"]
    subprocess.run(["ffmpeg", "-v", "error", "-y", *inputs, *codecs, str(path)], check=True)
    return path


@pytest.fixture(scope="session")
def certificate() -> tuple[bytes, bytes]:
    return make_certificate()


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_film(tmp_path_factory.mktemp("films") / "film.mp4")


@pytest.fixture
def platform(certificate: tuple[bytes, bytes]) -> Iterator[FakePlatform]:
    fake = FakePlatform(Storage())
    storage = serve_storage(fake.storage)
    server = serve_grpc(fake, certificate)
    yield fake
    server.stop(0).wait()
    storage.shutdown()
    storage.server_close()


@pytest.fixture
def settings(
    platform: FakePlatform, certificate: tuple[bytes, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """The environment of somebody who may use the platform; temporary files go to a folder of the test's own."""
    ca_file, token_file = write_settings(tmp_path, certificate[0])
    (tmp_path / "temporary").mkdir()
    values = {
        "STREAMIFY_GRPC_TARGET": platform.target,
        "STREAMIFY_CA_FILE": str(ca_file),
        "STREAMIFY_TOKEN_FILE": str(token_file),
        "TMPDIR": str(tmp_path / "temporary"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("STREAMIFY_PUBLIC_URL", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", None)
    return values


@pytest.fixture
def left_behind(tmp_path: Path) -> Callable[[], list[Path]]:
    """Temporary files that are there now."""
    return lambda: list((tmp_path / "temporary").iterdir())


@pytest.fixture
def streamify(settings: dict[str, str], capsys: pytest.CaptureFixture[str]) -> Iterator[Command]:
    """Runs the command in this process."""

    def run(*arguments: str | Path) -> Outcome:
        code = 0
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as ended:
            code = int(ended.code or 0)
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    before = signal.getsignal(signal.SIGTERM)
    yield run
    signal.signal(signal.SIGTERM, before)
