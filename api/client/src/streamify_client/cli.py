# SPDX-License-Identifier: Apache-2.0
"""The command `streamify`."""

import json
import os
import signal
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table
from streamify.catalog.v1 import catalog_service_pb2 as catalog

from streamify_client.channel import Connection
from streamify_client.errors import ClientError, ExitCode, UsageError
from streamify_client.publish import open_platform, upload_file

_HELP = """Uploads videos to Streamify and shows what is there.

\b
Exit codes:
  0    done
  1    the platform or its storage refused
  2    wrong usage, or a setting is missing
  3    the file is no video that can be published
  4    the platform cannot be reached, or its certificate is not trusted
  5    the token is refused, or does not allow this
  6    no such video
  7    ffmpeg is missing or failed
  130  interrupted
"""

_say = Console(stderr=True, highlight=False)


class _Bars:
    """Shows how far an upload is, on stderr: bars on a terminal, one line a step elsewhere."""

    def __init__(self) -> None:
        columns = (TextColumn("{task.description:<14}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
        self._bars = Progress(*columns, TimeRemainingColumn(), console=_say, disable=not _say.is_terminal)
        self._task: TaskID | None = None

    def __enter__(self) -> "_Bars":
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def begin(self, step: str, total: float) -> None:
        self._task = self._bars.add_task(step, total=total)
        if not _say.is_terminal:
            _say.print(f"{step} ...")

    def advance(self, amount: float) -> None:
        if self._task is not None:
            self._bars.update(self._task, advance=amount)

    def end(self) -> None:
        if self._task is not None:
            total = self._bars.tasks[self._task].total
            self._bars.update(self._task, completed=total)


def _connected[**P, R](command: Callable[Concatenate[Connection, str, P], R]) -> Callable[P, R]:
    """Adds the options that every command needs; the command gets the connection and the public address."""
    options = [
        click.option("--target", envvar="STREAMIFY_GRPC_TARGET", help="host:port of the gRPC API.", show_envvar=True),
        click.option(
            "--token-file",
            envvar="STREAMIFY_TOKEN_FILE",
            type=click.Path(path_type=Path),
            help="File holding the bearer token.",
            show_envvar=True,
        ),
        click.option(
            "--ca-file",
            envvar="STREAMIFY_CA_FILE",
            type=click.Path(path_type=Path),
            help="Certificate authority to trust (PEM); the system's by default.",
            show_envvar=True,
        ),
        click.option(
            "--public-url",
            envvar="STREAMIFY_PUBLIC_URL",
            default="",
            help="Address of the platform's web pages, for watch links; the platform's own answer by default.",
            show_envvar=True,
        ),
    ]

    @wraps(command)
    def with_connection(*args: P.args, **kwargs: P.kwargs) -> R:
        values: dict[str, Any] = dict(kwargs)
        target, token_file = values.pop("target"), values.pop("token_file")
        ca_file, public_url = values.pop("ca_file"), values.pop("public_url")
        if not target:
            raise UsageError("Where is the platform? Give --target or STREAMIFY_GRPC_TARGET.")
        if not token_file:
            raise UsageError("Who is calling? Give --token-file or STREAMIFY_TOKEN_FILE.")
        connection = Connection(target=target, token_file=token_file, ca_file=ca_file)
        return command(connection, public_url, *args, **values)

    wrapped: Callable[P, R] = with_connection
    for option in options:
        wrapped = option(wrapped)
    return wrapped


@click.group(help=_HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="streamify-client")
def streamify() -> None:
    """The command group."""


@streamify.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--title", default="", help="Title of the video; the file's name by default.")
@click.option("--ladder", default="", metavar="SIZES", help='Renditions to make, such as "1080,720,480".')
@click.option("--json", "as_json", is_flag=True, help="Print the video as JSON.")
@_connected
def upload(connection: Connection, public_url: str, file: Path, title: str, ladder: str, as_json: bool) -> None:
    """Upload FILE, package it and publish it; prints where to watch it."""
    with _Bars() as bars:
        video = upload_file(connection, file, bars, title=title, sizes=_sizes(ladder))
    answer = _describe(video, public_url)
    click.echo(json.dumps(answer) if as_json else answer["watch_url"])


@streamify.command()
@click.argument("video_id")
@click.option("--json", "as_json", is_flag=True, help="Print the video as JSON.")
@_connected
def show(connection: Connection, public_url: str, video_id: str, as_json: bool) -> None:
    """Show one video."""
    with open_platform(connection) as platform:
        answer = _describe(platform.get_video(video_id), public_url)
    if as_json:
        click.echo(json.dumps(answer))
        return
    for key, value in answer.items():
        text = ", ".join(r["name"] for r in value) if key == "renditions" else value
        click.echo(f"{key:<12} {text}")


@streamify.command(name="list")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="Most videos to show.")
@click.option("--json", "as_json", is_flag=True, help="Print the videos as a JSON list.")
@_connected
def list_(connection: Connection, public_url: str, limit: int, as_json: bool) -> None:
    """List the newest videos."""
    with open_platform(connection) as platform:
        answers = [_describe(video, public_url) for video in platform.list_videos(limit)]
    if as_json:
        click.echo(json.dumps(answers))
        return
    table = Table("video", "state", "seconds", "title", box=None)
    for answer in answers:
        table.add_row(answer["video_id"], answer["state"], f"{answer['duration']:.1f}", answer["title"])
    Console(highlight=False, markup=False).print(table)


def _sizes(ladder: str) -> list[int]:
    try:
        return [int(size.strip().removesuffix("p")) for size in ladder.split(",") if size.strip()]
    except ValueError as error:
        raise UsageError(f'--ladder "{ladder}" is not a list of sizes such as "1080,720,480".') from error


def _describe(video: catalog.Video, public_url: str) -> dict[str, Any]:
    own = f"{public_url.rstrip('/')}/watch/{video.video_id}" if public_url else video.watch_url
    return {
        "video_id": video.video_id,
        "title": video.title,
        "state": catalog.VideoState.Name(video.state).removeprefix("VIDEO_STATE_").lower(),
        "duration": video.duration.ToNanoseconds() / 1e9,
        "renditions": [
            {"name": r.name, "width": r.width, "height": r.height, "bandwidth_bps": r.bandwidth_bps, "codecs": r.codecs}
            for r in video.renditions
        ],
        "watch_url": own,
    }


def main(arguments: list[str] | None = None) -> None:
    """Runs the command and exits with one of the documented codes; a failure is one sentence on stderr."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # its library writes to stderr what we say in a sentence
    # A service manager's SIGTERM cleans up as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        streamify.main(arguments, prog_name="streamify", standalone_mode=False)
    except ClientError as error:
        sys.exit(_fail(str(error), error.exit_code))
    except (click.Abort, KeyboardInterrupt):
        sys.exit(_fail("Interrupted.", ExitCode.INTERRUPTED))
    except click.ClickException as error:
        sys.exit(_fail(error.format_message(), ExitCode.USAGE))


def _fail(sentence: str, code: ExitCode) -> int:
    click.echo(f"streamify: {sentence}", err=True)
    return int(code)
