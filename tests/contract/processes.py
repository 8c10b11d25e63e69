# SPDX-License-Identifier: Apache-2.0
"""The emulator and the API as real processes on free ports of this machine, stopped by their own ids."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_START_SECONDS = 60


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(condition: str, check: Any, seconds: float = _START_SECONDS) -> None:
    """Wait until the check is true; fail with the condition's name."""
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {condition}")
        time.sleep(0.05)


def clean_environment() -> dict[str, str]:
    """This process's environment without settings of AWS or of the API."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "STREAMIFY_"))}


@contextmanager
def run_emulator(folder: Path) -> Iterator[str]:
    """The AWS emulator; gives its URL."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = clean_environment() | {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "TMPDIR": str(folder),
        "S3_DATA_DIR": str(folder / "s3"),
        "LOG_LEVEL": "WARNING",
    }
    with (folder / "emulator.log").open("w") as log:
        process = subprocess.Popen([sys.executable, "-m", "ministack"], env=environment, stdout=log, stderr=log)

    def healthy() -> bool:
        assert process.poll() is None, (folder / "emulator.log").read_text()
        try:
            with urllib.request.urlopen(f"{url}/_ministack/health", timeout=1) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    try:
        wait_for("the emulator answers", healthy)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


@dataclass
class Api:
    """A running API process and what it logged."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)

    def events(self) -> list[dict[str, Any]]:
        """Its log lines."""
        return [json.loads(line) for line in list(self.lines)]

    def event(self, name: str) -> dict[str, Any] | None:
        """The first log line of this event."""
        return next((event for event in self.events() if event["event"] == name), None)

    @property
    def http_url(self) -> str:
        """Where it serves HTTP."""
        return f"http://127.0.0.1:{self._started['http_port']}"

    @property
    def grpc_target(self) -> str:
        """Where it serves gRPC."""
        return f"127.0.0.1:{self._started['grpc_port']}"

    @property
    def _started(self) -> dict[str, Any]:
        started = self.event("started")
        assert started is not None
        return started

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.process.send_signal(signal.SIGTERM)


@contextmanager
def run_api(environment: Mapping[str, str]) -> Iterator[Api]:
    """The API with these settings, once it serves."""
    process = subprocess.Popen(
        [sys.executable, "-m", "streamify_api"],
        env=clean_environment() | {"PYTHONPATH": str(ROOT / "api/src")} | dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    api = Api(process)
    stdout = process.stdout
    assert stdout is not None

    def read() -> None:
        with stdout:
            for line in stdout:
                api.lines.append(line)

    def serving() -> bool:
        assert process.poll() is None, "\n".join(api.lines)
        return any('"started"' in line for line in list(api.lines))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        wait_for("the API serves", serving)
        yield api
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(10)
        reader.join(10)
