# SPDX-License-Identifier: Apache-2.0
"""The uploads' history: what callers were told, and at the end what is there. Nothing lost, nothing doubled."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import grpc
from streamify.catalog.v1 import catalog_service_pb2 as catalog
from streamify.catalog.v1 import catalog_service_pb2_grpc as catalog_grpc
from streamify.upload.v1 import upload_service_pb2 as upload_pb
from streamify.upload.v1 import upload_service_pb2_grpc as upload_grpc

WAITING, COMPLETED = upload_pb.UPLOAD_STATE_WAITING, upload_pb.UPLOAD_STATE_COMPLETED
ALLOWED: dict[int | None, set[int]] = {
    None: {WAITING, COMPLETED},
    WAITING: {WAITING, COMPLETED},
    COMPLETED: {COMPLETED},
}


@dataclass
class UploadHistory:
    """One upload as its caller saw it; the title tells it from every other.

    Attributes:
        ids: (upload_id, video_id) of each answer to CreateUpload.
        completed: a CompleteUpload was acknowledged.
        seen: (revision, state) in the order in which they were told, by any answer.
    """

    title: str
    body: bytes
    ids: set[tuple[str, str]] = field(default_factory=set)
    completed: bool = False
    seen: list[tuple[int, int]] = field(default_factory=list)

    def saw(self, upload: Any) -> None:
        """An answer or an event told this state."""
        self.ids.add((upload.upload_id, upload.video_id))
        self.seen.append((upload.revision, upload.state))
        self.completed |= upload.state == COMPLETED


@dataclass(frozen=True)
class Verdict:
    """What the check found. `lost` and `doubled` are acknowledged writes, `wrong` is anything else; in words."""

    checked: int
    acknowledged: int
    lost: list[str]
    doubled: list[str]
    wrong: list[str]

    @property
    def is_good(self) -> bool:
        return not (self.lost or self.doubled or self.wrong)

    def __str__(self) -> str:
        found = [*self.lost, *self.doubled, *self.wrong]
        return (
            f"{self.acknowledged} acknowledged writes of {self.checked} uploads: {len(self.lost)} lost,"
            f" {len(self.doubled)} doubled, {len(self.wrong)} wrong" + "".join(f"\n  {text}" for text in found[:20])
        )


@dataclass(frozen=True)
class Truth:
    """Where the end is read from: the API and the store itself."""

    videos: Callable[[], Counter[str]]  # how often each title is in the tenant's catalogue
    upload: Callable[[str], Any | None]
    video: Callable[[str], Any | None]
    source: Callable[[str], bytes | None]  # of an upload


def check(histories: Iterable[UploadHistory], truth: Truth) -> Verdict:
    """Compare every history with what is there now."""
    histories = list(histories)
    lost, doubled, wrong, acknowledged = [], [], [], 0
    titles = truth.videos()
    known = {history.title for history in histories}
    wrong += [f"{title}: nobody asked for it" for title in titles if title not in known]
    for history in histories:
        name = history.title
        acknowledged += bool(history.ids) + history.completed
        if titles[name] > 1 or len(history.ids) > 1:
            doubled.append(f"{name}: {titles[name]} videos, ids {sorted(history.ids)}")
        if history.ids and not titles[name]:
            lost.append(f"{name}: its video is not in the catalogue")
        wrong += _transitions(history)
        for upload_id, video_id in history.ids:
            _check_upload(history, truth, upload_id, video_id, lost, wrong)
    return Verdict(len(histories), acknowledged, lost, doubled, wrong)


def _check_upload(
    history: UploadHistory, truth: Truth, upload_id: str, video_id: str, lost: list[str], wrong: list[str]
) -> None:
    name, upload = f"{history.title} ({upload_id})", truth.upload(upload_id)
    if upload is None:
        lost.append(f"{name}: the upload is gone")
        return
    last = max(history.seen, default=(0, 0))
    if upload.revision < last[0] or (history.completed and upload.state != COMPLETED):
        lost.append(f"{name}: told revision {last[0]}, state {last[1]}; is {upload.revision}, {upload.state}")
    if upload.video_id != video_id:
        wrong.append(f"{name}: belongs to {upload.video_id}, was told {video_id}")
    video = truth.video(video_id)
    if video is None:
        lost.append(f"{name}: its video {video_id} is gone")
    elif (upload.state == COMPLETED) != (video.state == catalog.VIDEO_STATE_PROCESSING):
        wrong.append(f"{name}: upload in state {upload.state}, video in state {video.state}")
    if upload.state == COMPLETED:
        source = truth.source(upload_id)
        if source is None:
            lost.append(f"{name}: its bytes are gone")
        elif hashlib.sha256(source).digest() != hashlib.sha256(history.body).digest():
            lost.append(f"{name}: its bytes are others ({len(source)} bytes, {len(history.body)} were sent)")


def _transitions(history: UploadHistory) -> list[str]:
    """States move forward only; one revision is one state."""
    problems, state = [], None
    by_revision: dict[int, int] = {}
    for revision, told in sorted(history.seen):
        if by_revision.setdefault(revision, told) != told:
            problems.append(f"{history.title}: revision {revision} was told as {by_revision[revision]} and as {told}")
        if told not in ALLOWED.get(state, set()):
            problems.append(f"{history.title}: went from state {state} to {told}")
        state = told
    return problems


def truth_of(channel: grpc.Channel, token: str, s3: Any, bucket: str) -> Truth:
    """The truth of one tenant's uploads, read through the API and from S3 itself."""
    uploads, catalogue = upload_grpc.UploadServiceStub(channel), catalog_grpc.VideoServiceStub(channel)
    metadata = (("authorization", f"Bearer {token}"),)

    def found(call: Any, request: Any) -> Any | None:
        try:
            return call(request, metadata=metadata, timeout=30)
        except grpc.RpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                return None
            raise

    def titles() -> Counter[str]:
        counted: Counter[str] = Counter()
        token = ""
        while True:
            request = catalog.ListVideosRequest(page_size=100, page_token=token)
            page = catalogue.ListVideos(request, metadata=metadata, timeout=30)
            counted.update(video.title for video in page.videos)
            token = page.next_page_token
            if not token:
                return counted

    def upload(upload_id: str) -> Any | None:
        answer = found(uploads.GetUpload, upload_pb.GetUploadRequest(upload_id=upload_id))
        return answer and answer.upload

    def video(video_id: str) -> Any | None:
        answer = found(catalogue.GetVideo, catalog.GetVideoRequest(video_id=video_id))
        return answer and answer.video

    def source(upload_id: str) -> bytes | None:
        try:
            body: bytes = s3.get_object(Bucket=bucket, Key=f"{upload_id}/source")["Body"].read()
        except s3.exceptions.NoSuchKey:
            return None
        return body

    return Truth(titles, upload, video, source)
