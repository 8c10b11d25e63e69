# SPDX-License-Identifier: Apache-2.0
"""The largest items are no larger than docs/data-model.md says."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from streamify_api.adapters.dynamodb_items import (
    Item,
    chore_item,
    publication_item,
    request_item,
    upload_item,
    video_item,
)
from streamify_api.domain.checksums import ChecksumAlgorithm
from streamify_api.domain.uploads import MAX_UPLOAD_BYTES, Upload, UploadState
from streamify_api.domain.videos import (
    MAX_DESCRIPTION_CHARACTERS,
    MAX_FAILURE_MESSAGE_CHARACTERS,
    MAX_PATH_CHARACTERS,
    MAX_RENDITIONS,
    MAX_TITLE_CHARACTERS,
    Failure,
    PlaybackPolicy,
    Rendition,
    Video,
    VideoState,
)
from streamify_api.services.ports import Chore, RequestRecord

DOCUMENT = Path(__file__).resolve().parents[3] / "docs/data-model.md"
NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
VIDEO_ID, UPLOAD_ID, TENANT = "vid_01ARZ3NDEKTSV4RRFFQ69G5FAV", "upl_01ARZ3NDEKTSV4RRFFQ69G5FAV", "t" * 64
WIDE = "\U0001d11e"  # four bytes, and twelve where JSON escapes it

SMALL_VIDEO = Video(VIDEO_ID, TENANT[:5], "A walk in the park", VideoState.WAITING_UPLOAD, "m" * 32, NOW)
LARGE_VIDEO = Video(
    VIDEO_ID,
    TENANT,
    WIDE * MAX_TITLE_CHARACTERS,
    VideoState.PUBLISHED,
    "m" * 32,
    NOW,
    publish_time=NOW,
    manifest_path="m" * MAX_PATH_CHARACTERS,
    duration=timedelta(hours=47, microseconds=1),
    renditions=(Rendition(WIDE * 32, 16384, 16384, 10**9, WIDE * 100),) * MAX_RENDITIONS,
    description=WIDE * MAX_DESCRIPTION_CHARACTERS,
    progress_percent=100,
    failure=Failure("A" * 64, WIDE * MAX_FAILURE_MESSAGE_CHARACTERS),
    upload_id=UPLOAD_ID,
    update_time=NOW,
    revision=10**9,
    playback_policy=PlaybackPolicy.PRIVATE,
)
LARGE_UPLOAD = Upload(
    UPLOAD_ID,
    VIDEO_ID,
    TENANT,
    UploadState.COMPLETED,
    WIDE * 255,
    "v" * 100,
    MAX_UPLOAD_BYTES,
    MAX_UPLOAD_BYTES,
    f"{UPLOAD_ID}/source",
    "s" * 128,  # S3's ids of multipart uploads are about so long
    NOW,
    NOW,
    checksum_algorithm=ChecksumAlgorithm.SHA256,
    checksum="c" * 50,
)
RECORD = RequestRecord(f"{'o' * 32}#CompleteUpload#{'r' * 36}", "f" * 64, NOW)


def size(item: Item) -> int:
    """Names and values in bytes, numbers as if they were text.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    values = ((name, value) for name, attribute in item.items() for value in attribute.values())
    return sum(len(name.encode()) + len(value.encode()) for name, value in values)


LARGEST = {
    "video": video_item(LARGE_VIDEO),
    "publication": publication_item(LARGE_VIDEO),
    "upload": upload_item(LARGE_UPLOAD),
    "request": request_item(replace(RECORD, outcome=LARGE_VIDEO)),
    "chore": chore_item(Chore(VIDEO_ID, NOW)),
    "invalidation": chore_item(Chore(VIDEO_ID, NOW, "r" * 32)),
}
USUAL = {
    "video": video_item(SMALL_VIDEO),
    "publication": publication_item(replace(SMALL_VIDEO, publish_time=NOW)),
    "upload": upload_item(replace(LARGE_UPLOAD, filename="walk.mp4", content_type="video/mp4", tenant=TENANT[:5])),
    "request": request_item(replace(RECORD, outcome=SMALL_VIDEO)),
    "chore": chore_item(Chore(VIDEO_ID, NOW)),
    "invalidation": chore_item(Chore(VIDEO_ID, NOW, "r" * 26)),
}


def documented(kind: str) -> tuple[float, float]:
    """Smallest and largest size in KB that the table of items states."""
    for line in DOCUMENT.read_text().splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) > 6 and re.match(rf"{kind}\b", cells[1]):
            numbers = [float(number) for number in re.findall(r"[\d.]+", cells[6])]
            return numbers[0], numbers[-1]
    raise AssertionError(f"{kind} has no row")


@pytest.mark.parametrize("kind", LARGEST)
def test_the_documented_sizes_hold(kind: str) -> None:
    least, most = documented(kind)
    assert size(LARGEST[kind]) / 1024 <= most
    assert size(LARGEST[kind]) / 1024 > 0.8 * most, "the document states far more"
    assert size(USUAL[kind]) / 1024 >= 0.8 * least
