# SPDX-License-Identifier: Apache-2.0
"""How videos, uploads and progress are shown."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any, Self

import click
from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table
from rich.text import Text
from streamify.catalog.v1 import catalog_service_pb2 as catalog
from streamify.upload.v1 import upload_service_pb2 as upload

from streamify_client.cli.options import Session

_say = Console(stderr=True, highlight=False, markup=False)


class _OfBytes(ProgressColumn):
    """A column that means something for bytes only."""

    def __init__(self, column: ProgressColumn) -> None:
        super().__init__()
        self._column = column

    def render(self, task: Any) -> Any:
        """The column, or nothing."""
        return self._column.render(task) if task.fields["is_bytes"] else Text("")


class Bars:
    """Shows how far it is, on stderr: bars on a terminal, one line a step elsewhere."""

    def __init__(self) -> None:
        self._bars = Progress(
            TextColumn("{task.description:<14}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            _OfBytes(DownloadColumn(binary_units=True)),
            _OfBytes(TransferSpeedColumn()),
            TimeRemainingColumn(),
            console=_say,
            disable=not _say.is_terminal,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def begin(self, step: str, total: float) -> None:
        """A step begins."""
        self._task = self._bars.add_task(step, total=total, is_bytes=step != "Packaging")
        if not _say.is_terminal:
            _say.print(f"{step} ...")

    def advance(self, amount: float) -> None:
        """It came further."""
        if self._task is not None:
            self._bars.update(self._task, advance=amount)

    def end(self) -> None:
        """It is done."""
        if self._task is not None:
            total = next(task.total for task in self._bars.tasks if task.id == self._task)
            self._bars.update(self._task, completed=total)

    def note(self, text: str) -> None:
        """Something worth knowing."""
        _say.print(text, soft_wrap=True)


def describe_video(video: catalog.Video, session: Session) -> dict[str, Any]:
    """What --json prints of a video."""
    base = session.public_url.rstrip("/")
    described: dict[str, Any] = {
        "video_id": video.video_id,
        "title": video.title,
        "description": video.description,
        "state": catalog.VideoState.Name(video.state).removeprefix("VIDEO_STATE_").lower(),
        "policy": catalog.PlaybackPolicy.Name(video.playback_policy).removeprefix("PLAYBACK_POLICY_").lower(),
        "progress_percent": video.progress_percent,
        "duration": video.duration.ToNanoseconds() / 1e9,
        "renditions": [
            {"name": r.name, "width": r.width, "height": r.height, "bandwidth_bps": r.bandwidth_bps, "codecs": r.codecs}
            for r in video.renditions
        ],
        "created": _time(video.create_time),
        "published": _time(video.publish_time),
        "updated": _time(video.update_time),
        "watch_url": f"{base}/watch/{video.video_id}" if base else video.watch_url,
        "etag": video.etag,
    }
    if video.HasField("failure"):
        described["failure"] = {"code": video.failure.code, "message": video.failure.message}
    return described


def describe_upload(item: upload.Upload) -> dict[str, Any]:
    """What --json prints of an upload."""
    return {
        "upload_id": item.upload_id,
        "video_id": item.video_id,
        "state": upload.UploadState.Name(item.state).removeprefix("UPLOAD_STATE_").lower(),
        "revision": item.revision,
        "size_bytes": item.size_bytes,
        "part_size_bytes": item.part_size_bytes,
        "part_count": item.part_count,
        "created": _time(item.create_time),
        "expires": _time(item.expire_time),
        "checksum": item.checksum,
    }


def print_one(described: Mapping[str, Any], session: Session) -> None:
    """A video or an upload: JSON, or a line a field that is set."""
    if session.as_json:
        click.echo(json.dumps(described))
        return
    for key, value in described.items():
        if value in ("", None, []):
            continue
        match key, value:
            case "renditions", _:
                text = ", ".join(r["name"] for r in value)
            case "failure", _:
                text = f"{value['code']}: {value['message']}"
            case _:
                text = str(value)
        click.echo(f"{key:<16} {text}")


def print_list(described: Sequence[Mapping[str, Any]], columns: Sequence[str], session: Session) -> None:
    """A JSON list, or a table of these fields."""
    if session.as_json:
        click.echo(json.dumps(described))
        return
    table = Table(*columns, box=None)
    for item in described:
        table.add_row(*(Text(str(item[column])) for column in columns))
    # A pipe has no width to keep within.
    Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else 400).print(table)


def _time(stamp: Timestamp) -> str:
    """RFC 3339, "" if unset."""
    return stamp.ToDatetime(UTC).isoformat(timespec="seconds") if stamp.seconds else ""
