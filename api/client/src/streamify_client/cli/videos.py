# SPDX-License-Identifier: Apache-2.0
"""Commands about videos."""

import sys
from pathlib import Path

import click

from streamify_client.cli.options import Session, connected, policy_of, policy_option, sizes_of
from streamify_client.cli.output import Bars, describe_upload, describe_video, print_list, print_one
from streamify_client.errors import UsageError
from streamify_client.publish import publish_again, publish_packaged


@click.command(name="list")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="Most of them to show.")
@click.option("--uploads", is_flag=True, help="List uploads instead of videos.")
@connected
def list_(session: Session, limit: int, uploads: bool) -> None:
    """List the newest videos."""
    if uploads:
        found = [describe_upload(item) for item in session.client.list_uploads(limit)]
        print_list(found, ["upload_id", "video_id", "state", "size_bytes", "created"], session)
        return
    videos = [describe_video(video, session) for video in session.client.list_videos(limit)]
    print_list(videos, ["video_id", "state", "duration", "title"], session)


@click.command()
@click.argument("item_id", metavar="VIDEO_ID|UPLOAD_ID")
@connected
def show(session: Session, item_id: str) -> None:
    """Show one video, or one upload."""
    if item_id.startswith("upl_"):
        print_one(describe_upload(session.client.get_upload(item_id)), session)
    else:
        print_one(describe_video(session.client.get_video(item_id), session), session)


@click.command()
@click.argument("video_id")
@click.option(
    "--file",
    "film",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Film to package for a video whose source is here; without it an unpublished video is published again.",
)
@click.option("--ladder", default="", metavar="SIZES", help='Renditions to make, such as "1080,720,480".')
@connected
def publish(session: Session, video_id: str, film: Path | None, ladder: str) -> None:
    """Make a video watchable; prints where to watch it."""
    if ladder and film is None:
        raise UsageError("--ladder needs the film: give it with --file.")
    sizes = sizes_of(ladder)
    if film is None:
        video = publish_again(session.client, video_id)
    else:
        with Bars() as bars:
            video = publish_packaged(session.client, video_id, film, bars, sizes=sizes)
    answer = describe_video(video, session)
    if session.as_json:
        print_one(answer, session)
    else:
        click.echo(answer["watch_url"])


@click.command()
@click.argument("video_id")
@connected
def unpublish(session: Session, video_id: str) -> None:
    """Take a video from its viewers; `publish` brings it back."""
    print_one(describe_video(session.client.unpublish_video(video_id), session), session)


@click.command()
@click.argument("video_id")
@click.option("--title", help="New title.")
@click.option("--description", help="New description.")
@policy_option
@click.option("--etag", default="", help="Only if the video is still the one that had this etag.")
@connected
def update(
    session: Session, video_id: str, title: str | None, description: str | None, policy: str | None, etag: str
) -> None:
    """Change a video's title or description, or who may watch it."""
    if title is None and description is None and policy is None:
        raise UsageError("What shall change? Give --title, --description or --policy.")
    video = session.client.update_video(
        video_id, title=title, description=description, playback_policy=policy_of(policy), etag=etag
    )
    print_one(describe_video(video, session), session)


@click.command()
@click.argument("video_id")
@click.option("--etag", default="", help="Only if the video is still the one that had this etag.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@connected
def delete(session: Session, video_id: str, etag: str, yes: bool) -> None:
    """Delete a video for good, whatever its state; asks first."""
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("Deleting is for good: confirm it with --yes.")
        video = session.client.get_video(video_id)
        click.confirm(f'Delete "{video.title}" ({video_id}) for good?', abort=True, err=True)
    print_one(describe_video(session.client.delete_video(video_id, etag=etag), session), session)
