# SPDX-License-Identifier: Apache-2.0
"""The short form of `make soak`: an upload whose client and whose API task are killed on the way."""

from pathlib import Path

from chaos.platform import Platform
from soak import interrupted_upload

MEBIBYTES = 384
KILLS = (("client", 0.1), ("task", 0.3))
PARALLEL = 1  # a quick machine must not be done before everybody is killed


def test_an_upload_survives_its_client_and_an_api_task(tmp_path: Path, outputs: dict[str, str]) -> None:
    platform = Platform()
    assert platform.outputs == outputs
    size = MEBIBYTES * interrupted_upload.MEBIBYTE
    result = interrupted_upload.run(platform, size, tmp_path, kills=KILLS, parallel=PARALLEL)
    print(*result.notes, sep="\n")
    assert result.downloaded_sha256 == result.file_sha256
    assert result.upload["checksum"] == result.stored_composite == result.composite
    assert result.left_open == 0
