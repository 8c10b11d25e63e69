# SPDX-License-Identifier: Apache-2.0
import json
import re
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamify_client.errors import UsageError
from streamify_client.media.ladder import choose_ladder
from streamify_client.media.package import Package, package
from streamify_client.media.playlist import MediaPlaylist, avc_codec
from streamify_client.media.probe import probe
from unit.client.conftest import make_film


@pytest.mark.parametrize(
    ("size", "names"),
    [
        ((3840, 2160), ["1080p", "720p", "480p", "240p"]),
        ((1280, 720), ["720p", "480p", "240p"]),
        ((720, 1280), ["720p", "480p", "240p"]),
        ((854, 480), ["480p", "360p", "240p"]),
        ((426, 240), ["360p", "240p", "144p"]),
        ((64, 48), ["360p", "240p", "144p"]),
    ],
)
def test_the_ladder_fits_the_source(size: tuple[int, int], names: list[str]) -> None:
    assert [rung.name for rung in choose_ladder(*size)] == names


@given(st.integers(2, 8000), st.integers(2, 8000))
def test_there_are_three_renditions_and_none_is_larger_without_need(width: int, height: int) -> None:
    ladder = choose_ladder(width, height)
    sizes = [min(rung.width, rung.height) for rung in ladder]
    assert len(ladder) >= 3
    assert sizes == sorted(set(sizes), reverse=True)
    assert all(rung.width % 2 == 0 and rung.height % 2 == 0 for rung in ladder)
    if min(width, height) >= 360:
        assert max(sizes) <= min(width, height)


def test_a_wanted_ladder_is_made() -> None:
    assert [rung.name for rung in choose_ladder(1920, 1080, [1080, 480, 144])] == ["1080p", "480p", "144p"]


def test_a_size_that_we_do_not_make_is_refused() -> None:
    with pytest.raises(UsageError, match="size 500"):
        choose_ladder(1920, 1080, [500])


def test_an_upright_film_is_packaged_upright(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", size="320x180", seconds=1)
    turned = tmp_path / "turned.mp4"
    turn = ["ffmpeg", "-v", "error", "-i", str(film), "-c", "copy", "-metadata:s:v", "rotate=90", str(turned)]
    subprocess.run(turn, check=True)
    source = probe(turned)
    assert (source.width, source.height) == (180, 320)


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Package:
    folder = tmp_path_factory.mktemp("package")
    film = make_film(folder / "film.mp4", size="640x480", seconds=9)
    source = probe(film)
    (folder / "out").mkdir()
    return package(source, choose_ladder(source.width, source.height), folder / "out")


def test_the_master_names_every_rendition_with_what_players_need(packed: Package) -> None:
    master = (packed.folder / "master.m3u8").read_text()
    streams = re.findall(r"#EXT-X-STREAM-INF:(.*)\n(.*)", master)
    assert [uri for _, uri in streams] == ["480p/index.m3u8", "360p/index.m3u8", "240p/index.m3u8"]
    for attributes, _ in streams:
        assert re.search(r"BANDWIDTH=\d+,AVERAGE-BANDWIDTH=\d+,RESOLUTION=\d+x\d+,FRAME-RATE=10\.000", attributes)
        assert re.search(r'CODECS="avc1\.64[0-9a-f]{4},mp4a\.40\.2",AUDIO="audio"', attributes)


def test_segments_begin_at_the_same_moments_in_every_rendition(packed: Package) -> None:
    playlists = [packed.folder / v.name / "index.m3u8" for v in packed.variants]
    lengths = [re.findall(r"#EXTINF:([\d.]+)", p.read_text()) for p in playlists]
    assert lengths[0] == ["4.000000", "4.000000", "1.000000"]
    assert all(a == b for a, b in pairwise(lengths))
    assert all("#EXT-X-ENDLIST" in p.read_text() for p in playlists)


def test_key_frames_are_two_seconds_apart(packed: Package) -> None:
    folder = packed.folder / "480p"
    whole = packed.folder.parent / "whole.mp4"
    whole.write_bytes(b"".join(p.read_bytes() for p in [folder / "init.mp4", *sorted(folder.glob("*.m4s"))]))
    command = ["ffprobe", "-v", "error", "-of", "json", "-skip_frame", "nokey", "-select_streams", "v"]
    found = subprocess.run([*command, "-show_entries", "frame=pts_time", str(whole)], check=True, capture_output=True)
    times = [float(frame["pts_time"]) for frame in json.loads(found.stdout)["frames"]]
    assert [b - a for a, b in pairwise(times)] == pytest.approx([2.0] * 4)


def test_every_file_is_listed_and_the_master_comes_last(packed: Package) -> None:
    there = {str(p.relative_to(packed.folder)) for p in packed.folder.rglob("*") if p.is_file()}
    assert set(packed.files) == there
    assert packed.files[-1] == "master.m3u8"


def test_the_peak_of_a_playlist_ignores_a_short_last_segment(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(4000))
    (tmp_path / "b").write_bytes(bytes(500))
    (tmp_path / "index.m3u8").write_text("#EXTM3U\n#EXTINF:4.0,\na\n#EXTINF:0.1,\nb\n#EXT-X-ENDLIST\n")
    playlist = MediaPlaylist.read(tmp_path / "index.m3u8")
    assert playlist.duration == pytest.approx(4.1)
    assert playlist.peak_bps == 8000


def test_a_playlist_without_segments_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "index.m3u8").write_text("#EXTM3U\n")
    with pytest.raises(ValueError, match="no segments"):
        MediaPlaylist.read(tmp_path / "index.m3u8")


def test_the_codec_is_read_from_the_initialisation_segment() -> None:
    assert avc_codec(b"....avcC\x01\x64\x00\x1f....") == "avc1.64001f"
    with pytest.raises(ValueError, match=r"no H\.264 track"):
        avc_codec(b"....hvcC....")
