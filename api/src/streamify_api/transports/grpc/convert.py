# SPDX-License-Identifier: Apache-2.0
"""Domain values as messages."""

from datetime import datetime

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from streamify.catalog.v1 import catalog_service_pb2 as catalog
from streamify.upload.v1 import upload_service_pb2 as upload_pb

from streamify_api.domain.uploads import Upload, UploadState
from streamify_api.domain.videos import Rendition, Video, VideoState

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
}


def timestamp(value: datetime) -> Timestamp:
    """A time as a message."""
    message = Timestamp()
    message.FromDatetime(value)
    return message


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
    )


def video_message(video: Video, public_url: str) -> catalog.Video:
    """A video as a message. The watch page exists once the video is published."""
    message = catalog.Video(
        video_id=video.video_id,
        title=video.title,
        state=VIDEO_STATES[video.state],
        renditions=[_rendition_message(rendition) for rendition in video.renditions],
        create_time=timestamp(video.create_time),
    )
    if video.duration is not None:
        duration = Duration()
        duration.FromTimedelta(video.duration)
        message.duration.CopyFrom(duration)
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
