# SPDX-License-Identifier: Apache-2.0
"""Rules of uploads, videos, ids and playback."""

import base64
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamify_api.domain import checksums, ids, playback, uploads, videos
from streamify_api.domain.errors import InvalidArgumentError, StateConflictError

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def an_upload(size_bytes: int = 100) -> uploads.Upload:
    return uploads.Upload(
        upload_id=ids.new_upload_id(),
        video_id=ids.new_video_id(),
        tenant="acme",
        state=uploads.UploadState.WAITING,
        filename="walk.mp4",
        content_type="video/mp4",
        size_bytes=size_bytes,
        part_size_bytes=uploads.part_size_for(size_bytes),
        key="k",
        storage_upload_id="s",
        create_time=NOW,
        expire_time=NOW + uploads.UPLOAD_LIFETIME,
    )


def a_video(state: videos.VideoState = videos.VideoState.PROCESSING) -> videos.Video:
    return videos.Video(ids.new_video_id(), "acme", "Title", state, ids.new_media_prefix(), NOW)


@given(st.integers(1, uploads.MAX_UPLOAD_BYTES))
def test_the_parts_make_up_the_file_within_the_limits_of_s3(size: int) -> None:
    upload = an_upload(size)
    assert 1 <= upload.part_count <= uploads.MAX_PARTS
    last = upload.part_bytes(upload.part_count)
    assert 1 <= last <= upload.part_size_bytes <= 5 * 1024**3
    assert upload.part_size_bytes * (upload.part_count - 1) + last == size


def test_every_state_has_its_transitions() -> None:
    assert set(uploads.TRANSITIONS) == set(uploads.UploadState)
    assert set(videos.TRANSITIONS) == set(videos.VideoState)


@pytest.mark.parametrize("state", [state for state in uploads.UploadState if state != uploads.UploadState.WAITING])
def test_an_upload_that_is_over_cannot_be_completed(state: uploads.UploadState) -> None:
    with pytest.raises(StateConflictError) as caught:
        replace(an_upload(), state=state).closed(uploads.UploadState.COMPLETED)
    assert caught.value.reason == f"UPLOAD_{state.upper()}"


def test_expiry_is_judged_on_read_and_only_while_waiting() -> None:
    upload = an_upload()
    assert upload.at(upload.expire_time - timedelta(seconds=1)).state is uploads.UploadState.WAITING
    assert upload.at(upload.expire_time).state is uploads.UploadState.EXPIRED
    assert upload.at(upload.expire_time).revision == upload.revision + 1
    done = upload.closed(uploads.UploadState.COMPLETED)
    assert done.at(upload.expire_time) == done


STEPS: dict[videos.VideoState, Callable[[videos.Video], videos.Video]] = {
    videos.VideoState.PUBLISHED: lambda video: video.published("master.m3u8", timedelta(seconds=1), (), NOW),
    videos.VideoState.UNPUBLISHED: lambda video: video.unpublished(NOW),
    videos.VideoState.FAILED: lambda video: video.failed(videos.UPLOAD_CANCELLED, NOW),
    videos.VideoState.DELETED: lambda video: video.deleted(NOW),
}


@pytest.mark.parametrize("after", STEPS)
@pytest.mark.parametrize("before", videos.VideoState)
def test_a_video_moves_only_where_its_state_allows(before: videos.VideoState, after: videos.VideoState) -> None:
    video = a_video(before)
    if after in videos.TRANSITIONS[before]:
        moved = STEPS[after](video)
        assert (moved.state, moved.revision, moved.update_time) == (after, video.revision + 1, NOW)
        assert moved.etag != video.etag
    elif before is after is videos.VideoState.DELETED:
        assert STEPS[after](video) is video
    else:
        with pytest.raises(StateConflictError):
            STEPS[after](video)


def test_progress_never_goes_back() -> None:
    video = a_video().progressed(40, NOW)
    assert video.progressed(30, NOW) is video
    assert video.progressed(41, NOW).progress_percent == 41
    with pytest.raises(InvalidArgumentError):
        video.progressed(101, NOW)


def test_every_state_after_a_revision_is_told_again() -> None:
    done = an_upload().closed(uploads.UploadState.COMPLETED)
    assert [state.state for state in done.states_after(0)] == ["waiting", "completed"]
    assert [state.state for state in done.states_after(1)] == ["completed"]
    assert done.states_after(2) == ()
    assert an_upload().states_after(1) == ()


@pytest.mark.parametrize(
    ("algorithm", "of_nine_digits"), [("SHA256", None), ("CRC32", "y/Q5Jg=="), ("CRC32C", "4waSgw==")]
)
def test_composite_checksums_are_made_as_s3_makes_them(algorithm: str, of_nine_digits: str | None) -> None:
    """The check values of the CRCs are those of the catalogue of CRCs; a composite hashes the parts' digests."""
    kind = checksums.ChecksumAlgorithm(algorithm)
    digest = checksums._DIGESTS[kind]
    if of_nine_digits is not None:
        assert base64.b64encode(digest(b"123456789")).decode() == of_nine_digits
    parts = [base64.b64encode(digest(data)).decode() for data in (b"one", b"two")]
    whole = base64.b64encode(digest(digest(b"one") + digest(b"two"))).decode()
    assert checksums.composite(kind, parts) == f"{whole}-2"


@pytest.mark.parametrize("path", ["", "/a", "a/", "a//b", "..", "a/../b", ".hidden", "a b", "a\n", "é", "a" * 201])
def test_a_path_that_could_lead_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(InvalidArgumentError):
        videos.check_media_path(path)


def test_ids_are_checked_to_the_letter() -> None:
    video_id = ids.new_video_id()
    assert ids.parse_video_id(video_id) == video_id
    for wrong in ("", video_id.lower(), video_id + "\n", video_id[:-1], video_id[:-1] + "U", ids.new_upload_id()):
        with pytest.raises(InvalidArgumentError):
            ids.parse_video_id(wrong)


@pytest.mark.parametrize("value", ["", "x", "{12345678-1234-4234-8234-123456789abc}", "1" * 32])
def test_a_request_id_is_a_uuid_in_its_usual_form(value: str) -> None:
    with pytest.raises(InvalidArgumentError):
        ids.parse_request_id(value)


def test_media_prefixes_cannot_be_guessed() -> None:
    made = {ids.new_media_prefix() for _ in range(1000)}
    assert len(made) == 1000
    assert all(len(prefix) == 32 and prefix.isalnum() and prefix.islower() for prefix in made)


@given(st.integers(0, 10**9), st.integers(60, 86400))
def test_playback_lasts_as_long_as_asked_and_at_most_a_bucket_more(offset: int, seconds: int) -> None:
    now = NOW + timedelta(seconds=offset)
    lasts = playback.expiry(now, timedelta(seconds=seconds)) - now
    assert timedelta(seconds=seconds) <= lasts < timedelta(seconds=seconds) + playback.TIME_BUCKET
