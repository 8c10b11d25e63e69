# SPDX-License-Identifier: Apache-2.0
"""Commands about uploads."""

import json
from pathlib import Path

import click
from streamify.catalog.v1.catalog_service_pb2 import PLAYBACK_POLICY_UNSPECIFIED

from streamify_client.cli.options import Session, connected, policy_of, policy_option, sizes_of
from streamify_client.cli.output import Bars, describe_upload, describe_video, print_one
from streamify_client.errors import UsageError
from streamify_client.publish import upload_file
from streamify_client.resume import Memory
from streamify_client.transfer import PARALLEL


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--title", default="", help="Title of the video; the file's name by default.")
@policy_option
@click.option("--ladder", default="", metavar="SIZES", help='Renditions to make, such as "1080,720,480".')
@click.option("--source-only", is_flag=True, help="Only bring the file here; somebody else packages and publishes it.")
@click.option("--resume", default="", metavar="UPLOAD_ID", help="Go on with this upload, whichever machine began it.")
@click.option("--restart", is_flag=True, help="Begin anew, although an earlier attempt was interrupted.")
@click.option(
    "--parallel", default=PARALLEL, show_default=True, type=click.IntRange(1, 32), help="Parts on their way at once."
)
@connected
def upload(
    session: Session,
    file: Path,
    title: str,
    policy: str | None,
    ladder: str,
    source_only: bool,
    resume: str,
    restart: bool,
    parallel: int,
) -> None:
    """Upload FILE, package it and publish it; prints where to watch it.

    Interrupted, the same command goes on where it stopped: storage is asked which parts it holds. On another machine
    name the upload with --resume. Every part, and the whole, is compared with storage by SHA-256.
    """
    if resume and restart:
        raise UsageError("--resume goes on and --restart begins anew: give one of them.")
    if resume and policy is not None:
        raise UsageError("--policy is for a new upload: change the video's with `streamify update --policy`.")
    if source_only and ladder:
        raise UsageError("--source-only makes no renditions: leave --ladder out.")
    sizes = sizes_of(ladder)
    wanted = policy_of(policy) or PLAYBACK_POLICY_UNSPECIFIED
    client = session.client
    memory = Memory(client.api.connection.target, file)
    if restart:
        memory.forget()
    with Bars() as bars:
        if source_only:
            done = client.upload_source(
                file,
                title=title,
                playback_policy=wanted,
                resume=resume,
                parallel=parallel,
                memory=memory,
                progress=bars,
            )
            memory.forget()
        else:
            video = upload_file(
                client,
                file,
                bars,
                title=title,
                playback_policy=wanted,
                sizes=sizes,
                resume=resume,
                parallel=parallel,
                memory=memory,
            )
    if source_only:
        click.echo(json.dumps(describe_upload(done)) if session.as_json else done.video_id)
    else:
        answer = describe_video(video, session)
        click.echo(json.dumps(answer) if session.as_json else answer["watch_url"])


@click.command()
@click.argument("upload_id")
@click.option("--after", default=0, metavar="REVISION", type=click.IntRange(0), help="Skip states up to this revision.")
@connected
def watch(session: Session, upload_id: str, after: int) -> None:
    """Print every state of an upload as it comes, until it is over; with --json one object a line."""
    for item in session.client.watch_upload(upload_id, after):
        described = describe_upload(item)
        line = json.dumps(described) if session.as_json else f"{described['revision']:<4} {described['state']}"
        click.echo(line)


@click.command()
@click.argument("upload_id")
@connected
def cancel(session: Session, upload_id: str) -> None:
    """Give an upload up; what was sent of it is thrown away."""
    print_one(describe_upload(session.client.cancel_upload(upload_id)), session)
