# SPDX-License-Identifier: Apache-2.0
"""The janitor comes as EventBridge Scheduler sends it, and cleans up as its own role."""

import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import httpx
from deployed.fleet import wait_until
from streamify.upload.v1 import upload_service_pb2 as pb
from streamify.upload.v1 import upload_service_pb2_grpc as upload_grpc

LONG_AGO = "2020-01-01T00:00:00.000000Z"


def abandoned_upload(outputs: dict[str, str], channel: grpc.Channel) -> str:
    """An upload with its one part, that nobody completes."""
    stub = upload_grpc.UploadServiceStub(channel)
    metadata = (("authorization", f"Bearer {Path(outputs['grpc_token_file']).read_text().strip()}"),)
    request = pb.CreateUploadRequest(
        request_id=str(uuid.uuid4()), title="Lost", filename="lost.mp4", content_type="video/mp4", size_bytes=11
    )
    upload_id: str = stub.CreateUpload(request, metadata=metadata, timeout=20).upload.upload_id
    parts = pb.CreatePartUrlsRequest(upload_id=upload_id, part_numbers=[1])
    (part,) = stub.CreatePartUrls(parts, metadata=metadata, timeout=20).urls
    httpx.put(part.url, content=b"hello world", headers=dict(part.headers)).raise_for_status()
    return upload_id


def backdate(aws: Any, table: str, upload_id: str) -> None:
    """Let the upload have expired long ago."""
    dynamodb, key = aws("dynamodb"), {"S": f"UPLOAD#{upload_id}"}
    rows = {"UPLOAD": {"expire_time": LONG_AGO}, "CHORE": {"due_time": LONG_AGO, "gsi1sk": f"{LONG_AGO}#{upload_id}"}}
    for sort, values in rows.items():
        item = dynamodb.get_item(TableName=table, Key={"pk": key, "sk": {"S": sort}})["Item"]
        dynamodb.put_item(TableName=table, Item=item | {name: {"S": value} for name, value in values.items()})


def test_the_schedule_sends_a_janitor_who_ends_an_expired_upload(
    outputs: dict[str, str], aws: Any, channel: grpc.Channel
) -> None:
    scheduler, ecs, s3 = aws("scheduler"), aws("ecs"), aws("s3")
    schedule = scheduler.get_schedule(Name=f"{outputs['ecs_service']}-janitor")
    definition = schedule["Target"]["EcsParameters"]["TaskDefinitionArn"]
    (container,) = ecs.describe_task_definition(taskDefinition=definition)["taskDefinition"]["containerDefinitions"]
    told = {each["name"]: each["value"] for each in container["environment"]}
    upload_id = abandoned_upload(outputs, channel)
    backdate(aws, told["STREAMIFY_TABLE_NAME"], upload_id)

    name = f"now-{uuid.uuid4()}"
    scheduler.create_schedule(
        Name=name,
        ScheduleExpression=f"at({datetime.now(UTC):%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target=schedule["Target"],
        ActionAfterCompletion="DELETE",
    )
    ended: list[dict[str, Any]] = []

    def has_ended() -> bool:
        arns = ecs.list_tasks(
            cluster=outputs["ecs_cluster"], startedBy=f"chronos-schedule/{name}", desiredStatus="STOPPED"
        )["taskArns"]
        ended[:] = ecs.describe_tasks(cluster=outputs["ecs_cluster"], tasks=arns)["tasks"] if arns else []
        return bool(ended) and ended[0]["lastStatus"] == "STOPPED"

    wait_until(has_ended, "the janitor has come and gone")
    assert [each["exitCode"] for each in ended[0]["containers"]] == [0], ended[0]["stoppedReason"]
    left = s3.list_multipart_uploads(Bucket=told["STREAMIFY_UPLOAD_BUCKET"], Prefix=f"{upload_id}/").get("Uploads", [])
    assert left == []
