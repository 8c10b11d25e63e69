# SPDX-License-Identifier: Apache-2.0
"""The history checker finds what is lost, doubled or out of order, and is content with what is right."""

from collections import Counter
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from chaos.history import COMPLETED, WAITING, Truth, UploadHistory, check
from streamify.catalog.v1 import catalog_service_pb2 as catalog

BODY = b"some bytes"


def told(revision: int, state: int, upload_id: str = "upl_1", video_id: str = "vid_1") -> Any:
    return SimpleNamespace(upload_id=upload_id, video_id=video_id, revision=revision, state=state)


def completed() -> UploadHistory:
    history = UploadHistory("one", BODY)
    history.saw(told(1, WAITING))
    history.saw(told(2, COMPLETED))
    return history


def truth(**changes: Any) -> Truth:
    right = Truth(
        videos=lambda: Counter({"one": 1}),
        upload=lambda _: told(2, COMPLETED),
        video=lambda _: SimpleNamespace(state=catalog.VIDEO_STATE_PROCESSING),
        source=lambda _: BODY,
    )
    return replace(right, **changes)


def test_what_was_acknowledged_and_is_there_is_right() -> None:
    verdict = check([completed()], truth())
    assert verdict.is_good
    assert verdict.acknowledged == 2


def test_create_that_was_never_acknowledged_may_be_there_or_not() -> None:
    history = UploadHistory("one", BODY)
    assert check([history], truth()).is_good
    assert check([history], truth(videos=Counter)).is_good


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"videos": Counter}, "not in the catalogue"),
        ({"upload": lambda _: None}, "the upload is gone"),
        ({"upload": lambda _: told(1, WAITING)}, "told revision 2"),
        ({"video": lambda _: None}, "its video vid_1 is gone"),
        ({"source": lambda _: None}, "its bytes are gone"),
        ({"source": lambda _: b"some butes"}, "its bytes are others"),
    ],
)
def test_what_was_acknowledged_and_is_not_there_is_lost(changes: dict[str, Any], text: str) -> None:
    verdict = check([completed()], truth(**changes))
    assert text in " ".join(verdict.lost)


def test_one_title_twice_is_doubled() -> None:
    assert check([completed()], truth(videos=lambda: Counter({"one": 2}))).doubled


def test_two_answers_to_one_request_are_doubled() -> None:
    history = completed()
    history.saw(told(1, WAITING, "upl_2", "vid_2"))
    assert check([history], truth()).doubled


def test_what_nobody_asked_for_is_wrong() -> None:
    verdict = check([completed()], truth(videos=lambda: Counter({"one": 1, "other": 1})))
    assert verdict.wrong == ["other: nobody asked for it"]


def test_states_go_forward_only() -> None:
    history = completed()
    history.saw(told(3, WAITING))
    assert "went from state" in " ".join(check([history], truth(upload=lambda _: told(3, COMPLETED))).wrong)


def test_a_revision_is_one_state() -> None:
    history = completed()
    history.saw(told(2, WAITING))
    assert "was told as" in " ".join(check([history], truth()).wrong)


def test_upload_and_video_agree() -> None:
    verdict = check([completed()], truth(video=lambda _: SimpleNamespace(state=catalog.VIDEO_STATE_WAITING_UPLOAD)))
    assert "video in state" in " ".join(verdict.wrong)
