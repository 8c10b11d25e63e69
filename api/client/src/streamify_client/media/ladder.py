# SPDX-License-Identifier: Apache-2.0
"""Which renditions to make of a video."""

from collections.abc import Sequence
from dataclasses import dataclass

from streamify_client.errors import UsageError

# Peak bits a second of H.264 for each size that we make, in the order of Apple's HLS authoring specification:
# https://developer.apple.com/documentation/http-live-streaming/hls-authoring-specification-for-apple-devices
_PEAK_BPS = {2160: 16_000_000, 1440: 9_000_000, 1080: 5_500_000, 720: 3_000_000, 480: 1_500_000}
_PEAK_BPS |= {360: 900_000, 240: 450_000, 144: 250_000}
_DEFAULT = (1080, 720, 480, 240)
_FILLERS = (360, 144)
_FEWEST = 3
_MOST = 8


@dataclass(frozen=True)
class Rung:
    """One rendition to make.

    Attributes:
        name: such as "720p"; also its folder.
        width: in pixels, even.
        height: in pixels, even.
        peak_bps: the most bits a second the picture may take.
    """

    name: str
    width: int
    height: int
    peak_bps: int


def choose_ladder(width: int, height: int, wanted: Sequence[int] = ()) -> list[Rung]:
    """The renditions for a picture of that size, best first.

    A size counts the shorter side ("720p"), so that upright films get the same qualities as wide ones. There are at
    least three, and none is larger than the source unless three could not be had otherwise.

    Args:
        width: of the source in pixels.
        height: of the source in pixels.
        wanted: sizes asked for; empty leaves the choice to us.

    Raises:
        UsageError: a size that we do not make, or too many of them.
    """
    short = min(width, height)
    if wanted:
        unknown = sorted(set(wanted) - set(_PEAK_BPS))
        if unknown:
            known = ", ".join(map(str, _PEAK_BPS))
            raise UsageError(f"No rendition of size {unknown[0]} is made: choose from {known}.")
        if len(set(wanted)) > _MOST:
            raise UsageError(f"At most {_MOST} renditions are made.")
        sizes = {size for size in wanted if size <= short}
    else:
        sizes = {size for size in _DEFAULT if size <= short}
    fillers = [size for size in (*_FILLERS, *sorted(_PEAK_BPS)) if size <= short]
    fillers += sorted(size for size in _PEAK_BPS if size > short)
    for size in fillers:
        if len(sizes) >= _FEWEST:
            break
        sizes.add(size)
    return [_rung(width, height, size) for size in sorted(sizes, reverse=True)]


def _rung(width: int, height: int, size: int) -> Rung:
    scale = size / min(width, height)
    return Rung(f"{size}p", _even(width * scale), _even(height * scale), _PEAK_BPS[size])


def _even(length: float) -> int:
    return max(2, 2 * round(length / 2))
