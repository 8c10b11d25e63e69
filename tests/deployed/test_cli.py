# SPDX-License-Identifier: Apache-2.0
"""The first upload service against the deployed platform."""

import json
from pathlib import Path
from typing import Any


def state(aws: Any) -> tuple[int, int, int]:
    """How much the platform holds: items, media objects and unfinished multipart uploads."""
    tables = aws("dynamodb").list_tables()["TableNames"]
    items = sum(aws("dynamodb").scan(TableName=table, Select="COUNT")["Count"] for table in tables)
    buckets = [bucket["Name"] for bucket in aws("s3").list_buckets()["Buckets"]]
    objects = sum(aws("s3").list_objects_v2(Bucket=bucket)["KeyCount"] for bucket in buckets)
    unfinished = sum(len(aws("s3").list_multipart_uploads(Bucket=bucket).get("Uploads", [])) for bucket in buckets)
    return items, objects, unfinished


def test_uploading_a_text_file_says_so_and_leaves_nothing_behind(aws: Any, streamify: Any, tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("This is not a video.\n" * 50)
    temporary = tmp_path / "temporary"  # its own: other programs use the machine's meanwhile
    temporary.mkdir()
    before = state(aws)
    finished = streamify("upload", str(text), TMPDIR=str(temporary))
    assert finished.returncode != 0
    assert finished.stdout == ""
    message = finished.stderr.strip()
    assert len(message.splitlines()) == 1
    assert "notes.txt" in message
    assert "Traceback" not in message
    assert state(aws) == before
    assert list(temporary.iterdir()) == []


def test_the_sample_is_listed_to_players_and_services(outputs: dict[str, str], streamify: Any, http: Any) -> None:
    videos = http.get(f"{outputs['http_url']}/v1/videos").json()
    assert outputs["sample_video_id"] in json.dumps(videos)
    shown = streamify("show", "--json", outputs["sample_video_id"])
    assert shown.returncode == 0, shown.stderr
    assert json.loads(shown.stdout)["video_id"] == outputs["sample_video_id"]
