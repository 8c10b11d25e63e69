# SPDX-License-Identifier: Apache-2.0
"""Processes that serve while something is measured."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.load import Connections
from contract.processes import clean_environment, wait_for


@contextmanager
def server(command: list[str], folder: Path, port: int, environment: dict[str, str]) -> Iterator[int]:
    """A process that serves; gives its id. Its logs go to a file, as they go to a pipe elsewhere."""
    with (folder / f"{port}.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=clean_environment() | environment)

    def listening() -> bool:
        assert process.poll() is None, (folder / f"{port}.log").read_text()
        try:
            Connections(port, 1).close()
        except OSError:
            return False
        return True

    try:
        wait_for(f"{command[0]} listens", listening)
        yield process.pid
    finally:
        process.kill()
        process.wait(10)
