# SPDX-License-Identifier: Apache-2.0
"""Rules of uploads, videos, ids and playback."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamify_api.domain import ids, playback, uploads, videos
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
        replace(an_upload(), state=state).completed()
    assert caught.value.reason == f"UPLOAD_{state.upper()}"


def test_expiry_is_judged_on_read_and_only_while_waiting() -> None:
    upload = an_upload()
    assert upload.at(upload.expire_time - timedelta(seconds=1)).state is uploads.UploadState.WAITING
    assert upload.at(upload.expire_time).state is uploads.UploadState.EXPIRED
    assert upload.completed().at(upload.expire_time).state is uploads.UploadState.COMPLETED


@pytest.mark.parametrize("state", [state for state in videos.VideoState if state != videos.VideoState.PROCESSING])
def test_only_a_processed_video_is_published(state: videos.VideoState) -> None:
    with pytest.raises(StateConflictError):
        a_video(state).published("master.m3u8", timedelta(seconds=1), (), NOW)
    assert a_video().published("master.m3u8", timedelta(seconds=1), (), NOW).publish_time == NOW


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
