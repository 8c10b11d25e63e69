# SPDX-License-Identifier: Apache-2.0
"""One pass of the janitor, as a process."""

import json
import subprocess
import sys
from typing import Any

from contract.callers import Service, new_id
from contract.platform_state import MEDIA, TABLE, UPLOADS, aws
from contract.processes import ROOT, clean_environment
from streamify.catalog.v1 import catalog_service_pb2 as catalog
from streamify.upload.v1 import upload_service_pb2 as pb

LONG_AGO = "2020-01-01T00:00:00.000000Z"


def run_janitor(environment: dict[str, str]) -> dict[str, Any]:
    """What the pass says of itself."""
    done = subprocess.run(
        [sys.executable, "-m", "streamify_api", "janitor"],
        env=clean_environment() | {"PYTHONPATH": str(ROOT / "api/src")} | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return next(event for line in done.stdout.splitlines() if "is done" in (event := json.loads(line))["event"])


def backdate(emulator: str, key: dict[str, Any], name: str) -> None:
    """Make something have happened long ago, its chore too."""
    dynamodb = aws("dynamodb", emulator)
    resource_id = key["pk"]["S"].partition("#")[2]
    for sort, changes in ((key["sk"], f"SET {name} = :then"), ({"S": "CHORE"}, "SET due_time = :then, gsi1sk = :due")):
        values = {":then": {"S": LONG_AGO}} | ({":due": {"S": f"{LONG_AGO}#{resource_id}"}} if "due" in changes else {})
        dynamodb.update_item(
            TableName=TABLE,
            Key={"pk": key["pk"], "sk": sort},
            UpdateExpression=changes,
            ExpressionAttributeValues=values,
        )


async def test_an_abandoned_upload_is_aborted_and_its_video_fails(
    service: Service, emulator: str, environment: dict[str, str]
) -> None:
    upload, going_on = await service.create(), await service.create()
    await service.send_parts(upload, b"hello world")
    backdate(emulator, {"pk": {"S": f"UPLOAD#{upload.upload_id}"}, "sk": {"S": "UPLOAD"}}, "expire_time")
    run_janitor(environment)
    keys = {item["Key"] for item in aws("s3", emulator).list_multipart_uploads(Bucket=UPLOADS).get("Uploads", [])}
    assert f"{upload.upload_id}/source" not in keys
    assert f"{going_on.upload_id}/source" in keys
    now = (await service.upload("GetUpload", pb.GetUploadRequest(upload_id=upload.upload_id))).upload
    assert (now.state, now.revision) == (pb.UPLOAD_STATE_EXPIRED, 2)
    video = (await service.video("GetVideo", catalog.GetVideoRequest(video_id=upload.video_id))).video
    assert (video.state, video.failure.code) == (catalog.VIDEO_STATE_FAILED, "UPLOAD_EXPIRED")
    assert run_janitor(environment)["errors"] == []


async def test_media_and_source_of_a_deleted_video_are_removed(
    service: Service, emulator: str, environment: dict[str, str]
) -> None:
    upload = await service.uploaded()
    await service.send_manifest(upload.video_id)
    key = {"pk": {"S": f"VIDEO#{upload.video_id}"}, "sk": {"S": "VIDEO"}}
    dynamodb, s3 = aws("dynamodb", emulator), aws("s3", emulator)
    prefix = dynamodb.get_item(TableName=TABLE, Key=key)["Item"]["media_prefix"]["S"]

    def left() -> int:
        media = s3.list_objects_v2(Bucket=MEDIA, Prefix=f"v/{prefix}/")["KeyCount"]
        source = s3.list_objects_v2(Bucket=UPLOADS, Prefix=f"{upload.upload_id}/")["KeyCount"]
        return int(media + source)

    assert left() == 2
    await service.video("DeleteVideo", catalog.DeleteVideoRequest(video_id=upload.video_id, request_id=new_id()))
    assert run_janitor(environment)["put_off"] >= 1, "URLs that were signed still work for a while"
    assert left() == 0
    backdate(emulator, key, "update_time")
    assert run_janitor(environment)["done"] >= 1
    chore = {"pk": key["pk"], "sk": {"S": "CHORE"}}
    assert "Item" not in dynamodb.get_item(TableName=TABLE, Key=chore)
