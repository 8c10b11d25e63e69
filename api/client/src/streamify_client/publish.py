# SPDX-License-Identifier: Apache-2.0
"""The way of a file to a watchable video, over the platform's gRPC API.

Everything that can fail on this machine comes first: a file that cannot be packaged never becomes an upload.
"""

import itertools
import math
import mimetypes
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import grpc
from google.protobuf.duration_pb2 import Duration
from streamify.catalog.v1 import catalog_service_pb2 as catalog
from streamify.catalog.v1.catalog_service_pb2_grpc import VideoServiceStub
from streamify.upload.v1 import upload_service_pb2 as upload
from streamify.upload.v1.upload_service_pb2_grpc import UploadServiceStub

from streamify_client.channel import CALL_SECONDS, Connection, explained, open_channel
from streamify_client.errors import ClientError
from streamify_client.media.ladder import choose_ladder
from streamify_client.media.package import CONTENT_TYPES, MASTER, Package, package
from streamify_client.media.probe import Source, probe
from streamify_client.transfer import PARALLEL, Piece, Sender

# Presigned URLs live for minutes: they are asked for a few at a time, just before they are used.
_PARTS_AT_ONCE = 4 * PARALLEL
_FILES_AT_ONCE = 100
_LONGEST_TITLE = 200
_LONGEST_NAME = 255


class Progress(Protocol):
    """Who is told how far it is."""

    def begin(self, step: str, total: float) -> None:
        """A step begins; total is in the unit of its advances."""

    def advance(self, amount: float) -> None:
        """The step came further, or fell back when the amount is negative."""

    def end(self) -> None:
        """The step is done."""


class Platform:
    """The platform's API with one connection."""

    def __init__(self, channel: grpc.Channel, connection: Connection) -> None:
        self._uploads = UploadServiceStub(channel)
        self._videos = VideoServiceStub(channel)
        self._connection = connection

    def get_video(self, video_id: str) -> catalog.Video:
        """Reads one video; raises ClientError."""
        request = catalog.GetVideoRequest(video_id=video_id)
        with explained(self._connection):
            return self._videos.GetVideo(request, timeout=CALL_SECONDS).video

    def list_videos(self, limit: int) -> Iterator[catalog.Video]:
        """The newest videos, at most that many; raises ClientError."""
        token = ""
        while limit > 0:
            request = catalog.ListVideosRequest(page_size=min(limit, 100), page_token=token)
            with explained(self._connection):
                page = self._videos.ListVideos(request, timeout=CALL_SECONDS)
            yield from itertools.islice(page.videos, limit)
            limit -= len(page.videos)
            token = page.next_page_token
            if not token:
                return

    def send_source(self, source: Source, title: str, sender: Sender, progress: Progress) -> str:
        """Uploads the file in parts.

        Returns:
            The id of the video that it made.

        Raises:
            ClientError: the platform or its storage refused.
        """
        with explained(self._connection):
            made = self._uploads.CreateUpload(
                upload.CreateUploadRequest(
                    request_id=str(uuid.uuid4()),
                    title=title[:_LONGEST_TITLE],
                    filename=source.path.name[-_LONGEST_NAME:],
                    content_type=_content_type(source.path),
                    size_bytes=source.size_bytes,
                ),
                timeout=CALL_SECONDS,
            ).upload
        if made.part_count != math.ceil(source.size_bytes / made.part_size_bytes):
            raise ClientError("The platform's parts do not add up to the file.")
        done: list[upload.CompletedPart] = []
        progress.begin("Uploading", source.size_bytes)
        for numbers in itertools.batched(range(1, made.part_count + 1), _PARTS_AT_ONCE, strict=False):
            with explained(self._connection):
                urls = self._uploads.CreatePartUrls(
                    upload.CreatePartUrlsRequest(upload_id=made.upload_id, part_numbers=numbers), timeout=CALL_SECONDS
                ).urls
            pieces = [_part(source, made, url) for url in urls]
            etags = sender.send_all(pieces, progress.advance)
            done += [upload.CompletedPart(part_number=u.part_number, etag=etags[_label(u.part_number)]) for u in urls]
        with explained(self._connection):
            self._uploads.CompleteUpload(
                upload.CompleteUploadRequest(upload_id=made.upload_id, request_id=str(uuid.uuid4()), parts=done),
                timeout=CALL_SECONDS,
            )
        progress.end()
        return str(made.video_id)

    def send_media(self, video_id: str, packed: Package, sender: Sender, progress: Progress) -> None:
        """Uploads the packaged video, its master manifest last; raises ClientError."""
        sizes = {name: (packed.folder / name).stat().st_size for name in packed.files}
        progress.begin("Sending media", sum(sizes.values()))
        segments, master = packed.files[:-1], packed.files[-1:]
        for names in [*itertools.batched(segments, _FILES_AT_ONCE, strict=False), master]:
            files = [
                catalog.MediaFile(path=n, content_type=CONTENT_TYPES[Path(n).suffix], size_bytes=sizes[n])
                for n in names
            ]
            with explained(self._connection):
                urls = self._videos.CreateMediaUrls(
                    catalog.CreateMediaUrlsRequest(video_id=video_id, files=files), timeout=CALL_SECONDS
                ).urls
            pieces = [Piece(packed.folder / u.path, 0, sizes[u.path], u.url, dict(u.headers), u.path) for u in urls]
            sender.send_all(pieces, progress.advance)
        progress.end()

    def publish(self, video_id: str, packed: Package) -> catalog.Video:
        """Makes the video watchable; raises ClientError."""
        duration = Duration()
        duration.FromMilliseconds(max(1, round(packed.duration * 1000)))
        renditions = [
            catalog.Rendition(name=v.name, width=v.width, height=v.height, bandwidth_bps=v.peak_bps, codecs=v.codecs)
            for v in packed.variants
        ]
        request = catalog.PublishVideoRequest(
            video_id=video_id,
            request_id=str(uuid.uuid4()),
            manifest_path=MASTER,
            duration=duration,
            renditions=renditions,
        )
        with explained(self._connection):
            return self._videos.PublishVideo(request, timeout=CALL_SECONDS).video


@contextmanager
def open_platform(connection: Connection) -> Iterator[Platform]:
    """The platform over a channel of its own; raises UsageError when the token or CA file cannot be read."""
    with open_channel(connection) as channel:
        yield Platform(channel, connection)


def upload_file(
    connection: Connection, path: Path, progress: Progress, *, title: str = "", sizes: Sequence[int] = ()
) -> catalog.Video:
    """Uploads, packages and publishes a file.

    Args:
        connection: the platform and who is calling.
        path: the file.
        progress: is told how far it is.
        title: of the video; empty takes the file's name.
        sizes: renditions to make; empty leaves the choice to us.

    Raises:
        ClientError: in one of its subclasses, with a sentence that says what is wrong.
    """
    source = probe(path)
    ladder = choose_ladder(source.width, source.height, sizes)
    with open_platform(connection) as platform, tempfile.TemporaryDirectory(prefix="streamify-") as folder:
        # Half an hour of packaging is no time to find out that the token has expired.
        next(platform.list_videos(1), None)
        progress.begin("Packaging", source.duration)
        done = 0.0

        def on_seconds(seconds: float) -> None:
            nonlocal done
            progress.advance(seconds - done)
            done = seconds

        packed = package(source, ladder, Path(folder), on_seconds)
        progress.end()
        with Sender(connection.ca_file) as sender:
            video_id = platform.send_source(source, title or path.stem, sender, progress)
            platform.send_media(video_id, packed, sender, progress)
        return platform.publish(video_id, packed)


def _part(source: Source, made: upload.Upload, url: upload.PartUrl) -> Piece:
    offset = (url.part_number - 1) * made.part_size_bytes
    size = min(made.part_size_bytes, source.size_bytes - offset)
    return Piece(source.path, offset, size, url.url, dict(url.headers), _label(url.part_number))


def _label(part_number: int) -> str:
    return f"part {part_number}"


def _content_type(path: Path) -> str:
    guess = mimetypes.guess_type(path.name)[0] or ""
    return guess if guess.startswith(("video/", "audio/")) else "application/octet-stream"
