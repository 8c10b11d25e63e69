# SPDX-License-Identifier: Apache-2.0
"""A plain AWS emulator on an address of its own, for tests that need AWS's APIs and no containers."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

_START_SECONDS = 60


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/_ministack/health", timeout=1):
            return True
    except OSError:
        return False


@contextlib.contextmanager
def emulator(directory: Path) -> Iterator[str]:
    """Starts the emulator, yields its URL, and stops it; its log is `directory`/emulator.log."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DOCKER_"))} | {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "DOCKER_HOST": "unix:///nonexistent",  # no containers
        "TMPDIR": str(directory),
        "IOT_MTLS_ENABLED": "0",
    }
    with (directory / "emulator.log").open("wb") as log:
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name("ministack"))], env=environment, stdout=log, stderr=log, cwd=directory
        )
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not _is_ready(url):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the emulator did not start:\n{(directory / 'emulator.log').read_text()[-3000:]}")
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=20)
