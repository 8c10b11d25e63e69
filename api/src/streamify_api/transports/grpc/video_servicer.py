# SPDX-License-Identifier: Apache-2.0
"""VideoService: parse, call one use case, render."""

from datetime import timedelta

from streamify.catalog.v1 import catalog_service_pb2 as pb
from streamify.catalog.v1 import catalog_service_pb2_grpc as pb_grpc

from streamify_api.domain.errors import InvalidArgumentError
from streamify_api.domain.videos import MediaFile, Rendition
from streamify_api.services.videos import Publication, Videos
from streamify_api.transports.grpc.convert import timestamp, video_message
from streamify_api.transports.grpc.interceptors import Context, current_caller


class VideoServicer(pb_grpc.VideoServiceServicer):
    """See protos/streamify/catalog/v1/catalog_service.proto."""

    def __init__(self, videos: Videos, public_url: str) -> None:
        self._videos = videos
        self._public_url = public_url

    async def GetVideo(self, request: pb.GetVideoRequest, context: Context) -> pb.GetVideoResponse:  # noqa: ARG002, N802
        """Read a video."""
        video = await self._videos.get(current_caller(), request.video_id)
        return pb.GetVideoResponse(video=video_message(video, self._public_url))

    async def ListVideos(self, request: pb.ListVideosRequest, context: Context) -> pb.ListVideosResponse:  # noqa: ARG002, N802
        """List the tenant's videos."""
        page = await self._videos.list(current_caller(), request.page_size, request.page_token)
        return pb.ListVideosResponse(
            videos=[video_message(video, self._public_url) for video in page.videos],
            next_page_token=page.next_token or "",
        )

    async def CreateMediaUrls(self, request: pb.CreateMediaUrlsRequest, context: Context) -> pb.CreateMediaUrlsResponse:  # noqa: ARG002, N802
        """Presign media files."""
        files = [MediaFile(file.path, file.content_type, file.size_bytes) for file in request.files]
        presigned = await self._videos.presign_files(current_caller(), request.video_id, files)
        expire_time = timestamp(presigned.expire_time)
        urls = [
            pb.MediaUrl(path=path, url=put.url, headers=dict(put.headers), expire_time=expire_time)
            for path, put in zip(presigned.paths, presigned.puts, strict=True)
        ]
        return pb.CreateMediaUrlsResponse(urls=urls)

    async def PublishVideo(self, request: pb.PublishVideoRequest, context: Context) -> pb.PublishVideoResponse:  # noqa: ARG002, N802
        """Publish a video."""
        publication = Publication(
            request_id=request.request_id,
            manifest_path=request.manifest_path,
            duration=_duration(request),
            renditions=tuple(
                Rendition(item.name, item.width, item.height, item.bandwidth_bps, item.codecs)
                for item in request.renditions
            ),
        )
        video = await self._videos.publish(current_caller(), request.video_id, publication)
        return pb.PublishVideoResponse(video=video_message(video, self._public_url))


def _duration(request: pb.PublishVideoRequest) -> timedelta:
    try:
        return request.duration.ToTimedelta()
    except (OverflowError, ValueError) as error:
        raise InvalidArgumentError("INVALID_DURATION", "duration must be more than 0 and at most 48 hours.") from error
