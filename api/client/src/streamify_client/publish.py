# SPDX-License-Identifier: Apache-2.0
"""The way of a file to a watchable video, over the platform's gRPC API.

Everything that can fail on this machine comes first: a file that cannot be packaged never becomes an upload.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from streamify.catalog.v1 import catalog_service_pb2 as catalog

from streamify_client.aio import new_request_id, patiently
from streamify_client.errors import ConflictError
from streamify_client.media.ladder import Rung, choose_ladder
from streamify_client.media.package import CONTENT_TYPES, MASTER, Package, package
from streamify_client.media.probe import Source, probe
from streamify_client.resume import Memory
from streamify_client.sync import Client
from streamify_client.transfer import PARALLEL
from streamify_client.upload import Progress


def upload_file(
    client: Client,
    path: Path,
    progress: Progress,
    *,
    title: str = "",
    playback_policy: catalog.PlaybackPolicy = catalog.PLAYBACK_POLICY_UNSPECIFIED,
    sizes: Sequence[int] = (),
    resume: str = "",
    parallel: int = PARALLEL,
    memory: Memory | None = None,
) -> catalog.Video:
    """Uploads, packages and publishes a file, or goes on with that where it stopped.

    Args:
        client: the platform.
        path: the file.
        progress: is told how far it is.
        title: of the video; empty takes the file's name.
        playback_policy: who may watch it; everybody by default.
        sizes: renditions to make; empty leaves the choice to us.
        resume: id of the upload to go on with.
        parallel: parts on their way at once.
        memory: what this machine remembers of an earlier attempt; forgotten once the video is published.

    Raises:
        ClientError: in one of its subclasses, with a sentence that says what is wrong.
    """
    source = probe(path)
    ladder = choose_ladder(source.width, source.height, sizes)
    with tempfile.TemporaryDirectory(prefix="streamify-") as folder:
        # Half an hour of packaging is no time to find out that the token has expired.
        next(client.list_videos(1), None)
        packed = _package(source, ladder, Path(folder), progress)
        done = client.upload_source(
            path,
            title=title or path.stem,
            playback_policy=playback_policy,
            resume=resume,
            parallel=parallel,
            memory=memory,
            progress=progress,
        )
        video = client.get_video(done.video_id)
        if video.state != catalog.VIDEO_STATE_PUBLISHED:  # else an earlier attempt ended just before it could say so
            video = _send_and_publish(client, done.video_id, packed, progress, parallel)
    if memory:
        memory.forget()
    return video


def publish_packaged(
    client: Client, video_id: str, path: Path, progress: Progress, *, sizes: Sequence[int] = ()
) -> catalog.Video:
    """Packages a file for a video whose source has been uploaded, and publishes it.

    Raises:
        ConflictError: the video is not in the state PROCESSING.
        ClientError: in one of its subclasses, with a sentence that says what is wrong.
    """
    source = probe(path)
    ladder = choose_ladder(source.width, source.height, sizes)
    if client.get_video(video_id).state != catalog.VIDEO_STATE_PROCESSING:
        raise ConflictError(f"{video_id} does not wait for its media: only a video that is processing does.")
    with tempfile.TemporaryDirectory(prefix="streamify-") as folder:
        packed = _package(source, ladder, Path(folder), progress)
        return _send_and_publish(client, video_id, packed, progress, PARALLEL)


def publish_again(client: Client, video_id: str) -> catalog.Video:
    """Makes an unpublished video watchable again, with the media that it has.

    Raises:
        ConflictError: it was never published, or cannot be now.
        ClientError: the platform refused.
    """
    video = client.get_video(video_id)
    if video.state == catalog.VIDEO_STATE_PROCESSING:
        raise ConflictError(f"{video_id} has no media yet: give the film to package with --file.")
    return client.publish_video(
        video_id, seconds=video.duration.ToNanoseconds() / 1e9, renditions=list(video.renditions)
    )


def _package(source: Source, ladder: Sequence[Rung], folder: Path, progress: Progress) -> Package:
    progress.begin("Packaging", source.duration)
    done = 0.0

    def on_seconds(seconds: float) -> None:
        nonlocal done
        progress.advance(seconds - done)
        done = seconds

    packed = package(source, ladder, folder, on_seconds)
    progress.end()
    return packed


def _send_and_publish(
    client: Client, video_id: str, packed: Package, progress: Progress, parallel: int
) -> catalog.Video:
    files = [(name, CONTENT_TYPES[Path(name).suffix]) for name in packed.files]
    client.send_media(video_id, packed.folder, files, parallel=parallel, progress=progress)
    renditions = [
        catalog.Rendition(name=v.name, width=v.width, height=v.height, bandwidth_bps=v.peak_bps, codecs=v.codecs)
        for v in packed.variants
    ]
    request_id = new_request_id()
    return client.call(
        patiently,
        lambda: client.api.publish_video(
            video_id,
            seconds=packed.duration,
            renditions=renditions,
            manifest_path=MASTER,
            request_id=request_id,
        ),
    )
