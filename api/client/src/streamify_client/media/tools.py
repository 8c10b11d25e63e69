# SPDX-License-Identifier: Apache-2.0
"""Running ffmpeg and ffprobe."""

import contextlib
import shutil
import subprocess
from collections.abc import Callable, Sequence

from streamify_client.errors import FfmpegError


def find_tool(name: str) -> str:
    """Path of ffmpeg or ffprobe.

    Raises:
        FfmpegError: it is not installed.
    """
    path = shutil.which(name)
    if path is None:
        raise FfmpegError(f"{name} is not installed: it is part of the package ffmpeg.")
    return path


def run_ffmpeg(arguments: Sequence[str], on_progress: Callable[[float], None] = lambda _: None) -> None:
    """Runs ffmpeg to its end; it dies with us when we are interrupted.

    Args:
        arguments: what follows `ffmpeg` and its general options.
        on_progress: called with the seconds of output written so far.

    Raises:
        FfmpegError: ffmpeg is missing or failed; the message holds the last line it wrote.
    """
    command = [find_tool("ffmpeg"), "-hide_banner", "-nostdin", "-y", "-v", "error", "-progress", "pipe:1", *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace"
    ) as process:
        try:
            assert process.stdout is not None  # noqa: S101 - for the type checker
            assert process.stderr is not None  # noqa: S101
            for line in process.stdout:
                key, _, value = line.strip().partition("=")
                if key == "out_time_us":  # "N/A" until the first packet
                    with contextlib.suppress(ValueError):
                        on_progress(max(0.0, int(value) / 1e6))
            complaint = process.stderr.read().strip()
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        last = complaint.splitlines()[-1] if complaint else f"exit code {process.returncode}"
        raise FfmpegError(f"ffmpeg failed: {last.rstrip('.')}.")
