# SPDX-License-Identifier: Apache-2.0
"""Domain values as messages."""

from datetime import datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from streamify.catalog.v1 import catalog_service_pb2 as catalog
from streamify.upload.v1 import upload_service_pb2 as upload_pb

from streamify_api.domain.checksums import ChecksumAlgorithm
from streamify_api.domain.errors import InvalidArgumentError
from streamify_api.domain.uploads import Upload, UploadState
from streamify_api.domain.videos import PlaybackPolicy, Rendition, Video, VideoState

UPLOAD_STATES: dict[UploadState, upload_pb.UploadState] = {
    UploadState.WAITING: upload_pb.UPLOAD_STATE_WAITING,
    UploadState.COMPLETED: upload_pb.UPLOAD_STATE_COMPLETED,
    UploadState.CANCELLED: upload_pb.UPLOAD_STATE_CANCELLED,
    UploadState.EXPIRED: upload_pb.UPLOAD_STATE_EXPIRED,
}
VIDEO_STATES: dict[VideoState, catalog.VideoState] = {
    VideoState.WAITING_UPLOAD: catalog.VIDEO_STATE_WAITING_UPLOAD,
    VideoState.PROCESSING: catalog.VIDEO_STATE_PROCESSING,
    VideoState.PUBLISHED: catalog.VIDEO_STATE_PUBLISHED,
    VideoState.FAILED: catalog.VIDEO_STATE_FAILED,
    VideoState.UNPUBLISHED: catalog.VIDEO_STATE_UNPUBLISHED,
    VideoState.DELETED: catalog.VIDEO_STATE_DELETED,
}
PLAYBACK_POLICIES: dict[PlaybackPolicy, catalog.PlaybackPolicy] = {
    PlaybackPolicy.PUBLIC: catalog.PLAYBACK_POLICY_PUBLIC,
    PlaybackPolicy.SIGNED: catalog.PLAYBACK_POLICY_SIGNED,
    PlaybackPolicy.PRIVATE: catalog.PLAYBACK_POLICY_PRIVATE,
}
CHECKSUM_ALGORITHMS: dict[ChecksumAlgorithm, upload_pb.ChecksumAlgorithm] = {
    ChecksumAlgorithm.SHA256: upload_pb.CHECKSUM_ALGORITHM_SHA256,
    ChecksumAlgorithm.CRC32: upload_pb.CHECKSUM_ALGORITHM_CRC32,
    ChecksumAlgorithm.CRC32C: upload_pb.CHECKSUM_ALGORITHM_CRC32C,
}
_ALGORITHMS = {value: name for name, value in CHECKSUM_ALGORITHMS.items()}
_POLICIES = {value: name for name, value in PLAYBACK_POLICIES.items()}


def checksum_algorithm(value: upload_pb.ChecksumAlgorithm) -> ChecksumAlgorithm | None:
    """The algorithm that a message names.

    Raises:
        InvalidArgumentError: it is not one of ours.
    """
    if value == upload_pb.CHECKSUM_ALGORITHM_UNSPECIFIED:
        return None
    if value not in _ALGORITHMS:
        raise InvalidArgumentError("INVALID_CHECKSUM_ALGORITHM", "checksum_algorithm is not one of ours.")
    return _ALGORITHMS[value]


def playback_policy(value: catalog.PlaybackPolicy) -> PlaybackPolicy:
    """The policy that a message names.

    Raises:
        InvalidArgumentError: it is not one of ours.
    """
    if value not in _POLICIES:
        raise InvalidArgumentError("INVALID_PLAYBACK_POLICY", "playback_policy is not one of ours.")
    return _POLICIES[value]


def timestamp(value: datetime) -> Timestamp:
    """A time as a message."""
    message = Timestamp()
    message.FromDatetime(value)
    return message


def duration(value: Duration, field: str) -> timedelta:
    """A length of time from a message.

    Raises:
        InvalidArgumentError: it is no valid duration.
    """
    try:
        return value.ToTimedelta()
    except (OverflowError, ValueError) as error:
        raise InvalidArgumentError(f"INVALID_{field.upper()}", f"{field} is out of range.") from error


def upload_message(upload: Upload) -> upload_pb.Upload:
    """An upload as a message."""
    return upload_pb.Upload(
        upload_id=upload.upload_id,
        video_id=upload.video_id,
        state=UPLOAD_STATES[upload.state],
        size_bytes=upload.size_bytes,
        part_size_bytes=upload.part_size_bytes,
        part_count=upload.part_count,
        create_time=timestamp(upload.create_time),
        expire_time=timestamp(upload.expire_time),
        revision=upload.revision,
        checksum_algorithm=(
            CHECKSUM_ALGORITHMS[upload.checksum_algorithm]
            if upload.checksum_algorithm is not None
            else upload_pb.CHECKSUM_ALGORITHM_UNSPECIFIED
        ),
        checksum=upload.checksum or "",
    )


def video_message(video: Video, public_url: str) -> catalog.Video:
    """A video as a message. The watch page exists once the video is published."""
    message = catalog.Video(
        video_id=video.video_id,
        title=video.title,
        state=VIDEO_STATES[video.state],
        renditions=[_rendition_message(rendition) for rendition in video.renditions],
        create_time=timestamp(video.create_time),
        description=video.description,
        etag=video.etag,
        progress_percent=video.progress_percent,
        update_time=timestamp(video.update_time or video.create_time),
        playback_policy=PLAYBACK_POLICIES[video.playback_policy],
    )
    if video.failure is not None:
        message.failure.CopyFrom(catalog.VideoFailure(code=video.failure.code, message=video.failure.message))
    if video.duration is not None:
        message.duration.FromTimedelta(video.duration)
    if video.publish_time is not None:
        message.publish_time.CopyFrom(timestamp(video.publish_time))
        message.watch_url = f"{public_url}/watch/{video.video_id}"
    return message


def _rendition_message(rendition: Rendition) -> catalog.Rendition:
    return catalog.Rendition(
        name=rendition.name,
        width=rendition.width,
        height=rendition.height,
        bandwidth_bps=rendition.bandwidth_bps,
        codecs=rendition.codecs,
    )
