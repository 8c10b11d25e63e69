# SPDX-License-Identifier: Apache-2.0
"""HLS playlists: reading what ffmpeg wrote, writing the master (RFC 8216).

ffmpeg could write the master too, but announces bit rates that it was asked for; ours are those that came out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class MediaPlaylist:
    """The segments of one rendition.

    Attributes:
        duration: playing time in seconds.
        peak_bps: bit rate of its heaviest segment, in bits a second.
        average_bps: bit rate over all of it.
    """

    duration: float
    peak_bps: int
    average_bps: int

    @classmethod
    def read(cls, path: Path) -> "MediaPlaylist":
        """Reads a playlist and weighs the segments beside it.

        Raises:
            ValueError: it has no segments.
        """
        seconds = 0.0
        segments: list[tuple[float, int]] = []
        for line in path.read_text().splitlines():
            if line.startswith("#EXTINF:"):
                seconds = float(line.removeprefix("#EXTINF:").partition(",")[0])
            elif line and not line.startswith("#"):
                segments.append((seconds, 8 * (path.parent / line).stat().st_size))
        total = sum(s for s, _ in segments)
        if total <= 0:
            raise ValueError(f"{path} has no segments")
        # A last segment of a few frames would make the peak look absurd: only those near full length count for it.
        longest = max(s for s, _ in segments)
        peak = max(bits / s for s, bits in segments if s >= longest / 2)
        return cls(total, round(peak), round(sum(bits for _, bits in segments) / total))


@dataclass(frozen=True)
class AudioTrack:
    """The sound, a playlist of its own that all variants share."""

    uri: str
    codec: str
    media: MediaPlaylist


@dataclass(frozen=True)
class Variant:
    """One quality: a picture, and the sound that goes with it.

    Attributes:
        name: such as "720p".
        uri: of its playlist, relative to the master.
        width: in pixels.
        height: in pixels.
        frame_rate: frames a second.
        codec: of the picture, as in RFC 6381.
        media: its segments.
        audio: the sound, None for a silent film.
    """

    name: str
    uri: str
    width: int
    height: int
    frame_rate: float
    codec: str
    media: MediaPlaylist
    audio: AudioTrack | None

    @property
    def codecs(self) -> str:
        """Codecs of picture and sound, as in RFC 6381."""
        return self.codec if self.audio is None else f"{self.codec},{self.audio.codec}"

    @property
    def peak_bps(self) -> int:
        """Peak bit rate of picture and sound, in bits a second."""
        return self.media.peak_bps + (self.audio.media.peak_bps if self.audio else 0)

    @property
    def average_bps(self) -> int:
        """Average bit rate of picture and sound, in bits a second."""
        return self.media.average_bps + (self.audio.media.average_bps if self.audio else 0)


def master_playlist(variants: Sequence[Variant], audio: AudioTrack | None) -> str:
    """The master playlist of the variants, best first."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-INDEPENDENT-SEGMENTS"]
    if audio:
        lines.append(
            '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Sound",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",'
            f'URI="{audio.uri}"'
        )
    for variant in variants:
        stream = f"BANDWIDTH={variant.peak_bps},AVERAGE-BANDWIDTH={variant.average_bps},"
        stream += (
            f'RESOLUTION={variant.width}x{variant.height},FRAME-RATE={variant.frame_rate:.3f},CODECS="{variant.codecs}"'
        )
        lines += [f"#EXT-X-STREAM-INF:{stream}" + (',AUDIO="audio"' if audio else ""), variant.uri]
    return "\n".join(lines) + "\n"


def avc_codec(init_segment: bytes) -> str:
    """The RFC 6381 name of an H.264 track: profile, constraints and level from its AVCDecoderConfigurationRecord.

    ISO/IEC 14496-15, 5.3.3.1: the box "avcC" starts with a version byte, followed by those three.

    Raises:
        ValueError: there is no H.264 track.
    """
    at = init_segment.find(b"avcC")
    if at < 0 or len(init_segment) < at + 8:
        raise ValueError("the initialisation segment describes no H.264 track")
    return f"avc1.{init_segment[at + 5 : at + 8].hex()}"
