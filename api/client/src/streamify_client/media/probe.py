# SPDX-License-Identifier: Apache-2.0
"""What a file holds, according to ffprobe."""

import json
import subprocess
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from streamify_client.errors import NotAVideoError
from streamify_client.media.tools import find_tool

PROBE_SECONDS = 60.0
# ffprobe happily calls a text file a "video" of the demuxer tty, and a picture one of a single frame.
_NO_VIDEO_FORMATS = ("tty", "image2", "lrc", "srt", "ass", "webvtt")


@dataclass(frozen=True)
class Source:
    """A file that can be packaged.

    Attributes:
        path: the file.
        size_bytes: its size.
        duration: playing time in seconds.
        width: displayed width in square pixels, rotation applied.
        height: displayed height in pixels, rotation applied.
        frame_rate: frames a second.
        video_stream: ffmpeg's index of the picture.
        audio_stream: ffmpeg's index of the sound, None for a silent film.
    """

    path: Path
    size_bytes: int
    duration: float
    width: int
    height: int
    frame_rate: Fraction
    video_stream: int
    audio_stream: int | None


def probe(path: Path) -> Source:
    """Looks into a file.

    Raises:
        NotAVideoError: it is no video, and the message says why.
        FfmpegError: ffprobe is missing.
    """
    try:
        size = path.stat().st_size
    except OSError as error:
        raise NotAVideoError(f"{path} cannot be read: {error.strerror}.") from error
    if size == 0:
        raise NotAVideoError(f"{path} is empty.")
    # The prefix keeps ffprobe from taking a name such as "http:x.mp4" for an address.
    command = [find_tool("ffprobe"), "-v", "error", "-of", "json", "-show_format", "-show_streams", f"file:{path}"]
    try:
        answer = subprocess.run(command, capture_output=True, timeout=PROBE_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise NotAVideoError(f"{path} is not a video: ffprobe gave up after {PROBE_SECONDS:.0f} s.") from error
    if answer.returncode != 0:
        raise NotAVideoError(f"{path} is not a video that ffmpeg can read.")
    return _understand(path, size, json.loads(answer.stdout))


def _understand(path: Path, size: int, found: dict[str, Any]) -> Source:
    container = found.get("format", {})
    streams: list[dict[str, Any]] = found.get("streams", [])
    names = str(container.get("format_name", "")).split(",")
    if any(name in _NO_VIDEO_FORMATS or name.endswith("_pipe") for name in names):
        raise NotAVideoError(f"{path} is not a video that ffmpeg can read.")
    pictures = [
        s for s in streams if s.get("codec_type") == "video" and not s.get("disposition", {}).get("attached_pic")
    ]
    if not pictures:
        raise NotAVideoError(f"{path} holds no moving picture.")
    picture = pictures[0]
    duration = _seconds(container.get("duration")) or _seconds(picture.get("duration"))
    if not duration:
        raise NotAVideoError(f"{path} has no known playing time: it is cut short or a live recording.")
    width, height = _displayed_size(picture)
    rate = _fraction(picture.get("avg_frame_rate")) or _fraction(picture.get("r_frame_rate"))
    if not (width and height and rate):
        raise NotAVideoError(f"{path} holds a picture without a size or a frame rate.")
    sounds = [int(s["index"]) for s in streams if s.get("codec_type") == "audio" and s.get("sample_rate")]
    return Source(
        path=path,
        size_bytes=size,
        duration=duration,
        width=width,
        height=height,
        frame_rate=rate,
        video_stream=int(picture["index"]),
        audio_stream=sounds[0] if sounds else None,
    )


def _displayed_size(picture: dict[str, Any]) -> tuple[int, int]:
    width, height = int(picture.get("width", 0)), int(picture.get("height", 0))
    pixel = _fraction(str(picture.get("sample_aspect_ratio", "")).replace(":", "/")) or Fraction(1)
    width = round(width * pixel)
    turns = [int(float(d["rotation"])) for d in picture.get("side_data_list", []) if "rotation" in d]
    return (height, width) if turns and turns[0] % 180 else (width, height)


def _seconds(text: str | None) -> float | None:
    try:
        seconds = float(text or "")
    except ValueError:
        return None
    return seconds if 0 < seconds < float("inf") else None


def _fraction(text: str | None) -> Fraction | None:
    try:
        value = Fraction(text or "")
    except (ValueError, ZeroDivisionError):
        return None
    return value if value > 0 else None
