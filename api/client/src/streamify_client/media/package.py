# SPDX-License-Identifier: Apache-2.0
"""Packages a video into HLS with CMAF segments: H.264 renditions and one AAC rendition beside them.

The layout that it makes:

    master.m3u8
    720p/index.m3u8   720p/init.mp4   720p/00000.m4s ...
    audio/index.m3u8  audio/init.mp4  audio/00000.m4s ...
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from streamify_client.media.ladder import Rung
from streamify_client.media.playlist import AudioTrack, MediaPlaylist, Variant, avc_codec, master_playlist
from streamify_client.media.probe import Source
from streamify_client.media.tools import run_ffmpeg

SEGMENT_SECONDS = 4
KEYFRAME_SECONDS = 2
AUDIO_BPS = 128_000
MASTER = "master.m3u8"
_AUDIO = "audio"
_FASTEST = Fraction(60)
_AUDIO_CODEC = "mp4a.40.2"  # AAC-LC

CONTENT_TYPES = {".m3u8": "application/vnd.apple.mpegurl", ".mp4": "video/mp4", ".m4s": "video/iso.segment"}


@dataclass(frozen=True)
class Package:
    """A packaged video.

    Attributes:
        folder: where it lies.
        files: paths of all its files below the folder, the master manifest last.
        duration: playing time in seconds.
        variants: its qualities, best first.
    """

    folder: Path
    files: tuple[str, ...]
    duration: float
    variants: tuple[Variant, ...]


def package(
    source: Source, ladder: Sequence[Rung], folder: Path, on_progress: Callable[[float], None] = lambda _: None
) -> Package:
    """Packages a video.

    All renditions come from one decoder and get their key frames at the same moments, so that a player can change
    between them at any segment.

    Args:
        source: what to package.
        ladder: the renditions to make, best first.
        folder: an empty folder to write into.
        on_progress: called with the seconds done so far.

    Raises:
        FfmpegError: ffmpeg is missing or failed.
    """
    for name in [*(rung.name for rung in ladder), *([_AUDIO] if source.audio_stream is not None else [])]:
        (folder / name).mkdir()
    run_ffmpeg(_arguments(source, ladder, folder), on_progress)

    audio = None
    if source.audio_stream is not None:
        audio = AudioTrack(f"{_AUDIO}/index.m3u8", _AUDIO_CODEC, MediaPlaylist.read(folder / _AUDIO / "index.m3u8"))
    rate = min(source.frame_rate, _FASTEST)
    variants = [
        Variant(
            name=rung.name,
            uri=f"{rung.name}/index.m3u8",
            width=rung.width,
            height=rung.height,
            frame_rate=float(rate),
            codec=avc_codec((folder / rung.name / "init.mp4").read_bytes()),
            media=MediaPlaylist.read(folder / rung.name / "index.m3u8"),
            audio=audio,
        )
        for rung in ladder
    ]
    (folder / MASTER).write_text(master_playlist(variants, audio))
    files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    files.sort(key=lambda name: name == MASTER)
    return Package(folder, tuple(files), max(v.media.duration for v in variants), tuple(variants))


def _arguments(source: Source, ladder: Sequence[Rung], folder: Path) -> list[str]:
    rate = min(source.frame_rate, _FASTEST)
    # Every rendition is scaled from the next larger one: cheaper than scaling each from the source.
    graph = [f"[0:{source.video_stream}]fps={rate},format=yuv420p[chain0]"]
    for index, rung in enumerate(ladder):
        is_last = index == len(ladder) - 1
        end = f"[out{index}]" if is_last else f",split[out{index}][chain{index + 1}]"
        graph.append(f"[chain{index}]scale={rung.width}:{rung.height}:flags=bicubic,setsar=1{end}")
    arguments = ["-i", f"file:{source.path}", "-filter_complex", ";".join(graph)]
    group = round(rate * KEYFRAME_SECONDS) or 1
    for index, rung in enumerate(ladder):
        arguments += ["-map", f"[out{index}]", "-c:v", "libx264", "-preset", "veryfast", "-profile:v", "high"]
        arguments += ["-crf", "23", "-maxrate", str(rung.peak_bps), "-bufsize", str(2 * rung.peak_bps)]
        arguments += ["-g", str(group), "-keyint_min", str(group), "-sc_threshold", "0", "-flags", "+cgop"]
        arguments += ["-force_key_frames", f"expr:gte(t,n_forced*{KEYFRAME_SECONDS})"]
        arguments += _hls(folder / rung.name)
    if source.audio_stream is not None:
        arguments += [
            "-map",
            f"0:{source.audio_stream}",
            "-c:a",
            "aac",
            "-b:a",
            str(AUDIO_BPS),
            "-ac",
            "2",
            "-ar",
            "48000",
        ]
        arguments += _hls(folder / _AUDIO)
    return arguments


def _hls(folder: Path) -> list[str]:
    muxer = ["-f", "hls", "-hls_time", str(SEGMENT_SECONDS), "-hls_playlist_type", "vod", "-hls_segment_type", "fmp4"]
    names = ["-hls_fmp4_init_filename", "init.mp4", "-hls_segment_filename", f"{folder}/%05d.m4s"]
    clean = ["-map_metadata", "-1", "-map_chapters", "-1"]
    return [*clean, *muxer, "-hls_flags", "independent_segments", *names, f"{folder}/index.m3u8"]
