# SPDX-License-Identifier: Apache-2.0
"""VideoService: parse, call one use case, render."""

from streamify.catalog.v1 import catalog_service_pb2 as pb
from streamify.catalog.v1 import catalog_service_pb2_grpc as pb_grpc

from streamify_api.domain.videos import Failure, MediaFile, Rendition, Video
from streamify_api.services.video_changes import Publication, VideoChanges
from streamify_api.services.videos import Videos
from streamify_api.transports.grpc.convert import duration, playback_policy, timestamp, video_message
from streamify_api.transports.grpc.handlers import Context
from streamify_api.transports.grpc.interceptors import current_caller


class VideoServicer(pb_grpc.VideoServiceServicer):
    """See protos/streamify/catalog/v1/catalog_service.proto."""

    def __init__(self, videos: Videos, changes: VideoChanges, public_url: str) -> None:
        self._videos = videos
        self._changes = changes
        self._public_url = public_url

    def _message(self, video: Video) -> pb.Video:
        return video_message(video, self._public_url)

    async def GetVideo(self, request: pb.GetVideoRequest, context: Context) -> pb.GetVideoResponse:  # noqa: ARG002, N802
        """Read a video."""
        video = await self._videos.get(current_caller(), request.video_id)
        return pb.GetVideoResponse(video=self._message(video))

    async def ListVideos(self, request: pb.ListVideosRequest, context: Context) -> pb.ListVideosResponse:  # noqa: ARG002, N802
        """List the tenant's videos."""
        page = await self._videos.list(current_caller(), request.page_size, request.page_token)
        return pb.ListVideosResponse(
            videos=[self._message(video) for video in page.videos],
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
            duration=duration(request.duration, "duration"),
            renditions=tuple(
                Rendition(item.name, item.width, item.height, item.bandwidth_bps, item.codecs)
                for item in request.renditions
            ),
        )
        video = await self._changes.publish(current_caller(), request.video_id, publication)
        return pb.PublishVideoResponse(video=self._message(video))

    async def UpdateVideo(self, request: pb.UpdateVideoRequest, context: Context) -> pb.UpdateVideoResponse:  # noqa: ARG002, N802
        """Change what people read about a video."""
        mask = frozenset(request.update_mask.paths)
        changes = {"title": request.title, "description": request.description}
        if "playback_policy" in mask:
            changes["playback_policy"] = playback_policy(request.playback_policy)
        video = await self._changes.update(
            current_caller(),
            request.video_id,
            request.request_id,
            changes,
            mask,
            request.etag,
        )
        return pb.UpdateVideoResponse(video=self._message(video))

    async def UnpublishVideo(self, request: pb.UnpublishVideoRequest, context: Context) -> pb.UnpublishVideoResponse:  # noqa: ARG002, N802
        """Take a video from its viewers."""
        video = await self._changes.unpublish(current_caller(), request.video_id, request.request_id)
        return pb.UnpublishVideoResponse(video=self._message(video))

    async def DeleteVideo(self, request: pb.DeleteVideoRequest, context: Context) -> pb.DeleteVideoResponse:  # noqa: ARG002, N802
        """Take a video from everybody."""
        video = await self._changes.delete(current_caller(), request.video_id, request.request_id, request.etag)
        return pb.DeleteVideoResponse(video=self._message(video))

    async def ReportProgress(self, request: pb.ReportProgressRequest, context: Context) -> pb.ReportProgressResponse:  # noqa: ARG002, N802
        """Say how far packaging is."""
        video = await self._changes.report_progress(
            current_caller(), request.video_id, request.request_id, request.progress_percent
        )
        return pb.ReportProgressResponse(video=self._message(video))

    async def FailVideo(self, request: pb.FailVideoRequest, context: Context) -> pb.FailVideoResponse:  # noqa: ARG002, N802
        """Give a video up."""
        failure = Failure(request.failure.code, request.failure.message)
        video = await self._changes.fail(current_caller(), request.video_id, request.request_id, failure)
        return pb.FailVideoResponse(video=self._message(video))
