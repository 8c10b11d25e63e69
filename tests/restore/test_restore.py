# SPDX-License-Identifier: Apache-2.0
"""A video with its media is deleted and others are spoilt; restore.yml goes back, and every later run keeps that.

`make restore` runs it, in an environment of its own: the platform works with another table afterwards.
"""

import datetime as dt
import json
import time
from typing import Any

import httpx
import pytest
import yaml
from deployed import fleet, hls
from deployed.conftest import ENVIRONMENT, ROOT, STATE
from support.playbooks import Run, play

PLATFORM = f"streamify-{ENVIRONMENT}"
WRITTEN = STATE / "restored_table.yml"
pytestmark = pytest.mark.timeout(1800)


class Disaster:
    """What was there before it, when that was, and how long the way back took."""

    def __init__(self) -> None:
        self.moment = ""
        self.objects: dict[str, str] = {}
        self.title = ""
        self.run = Run(1, "")
        self.seconds = 0.0


def objects(aws: Any) -> dict[str, str]:
    """Every object of the media bucket and what is in it."""
    pages = aws("s3").get_paginator("list_objects_v2").paginate(Bucket=f"{PLATFORM}-media-000000000000")
    return {item["Key"]: item["ETag"] for page in pages for item in page.get("Contents", [])}


def items(aws: Any, table: str) -> list[dict[str, Any]]:
    return list(aws("dynamodb").scan(TableName=table, ConsistentRead=True)["Items"])


def after_this_second() -> str:
    """A moment between what was done and what will be: both AWS and S3 count whole seconds."""
    moment = dt.datetime.now(dt.UTC).replace(microsecond=0) + dt.timedelta(seconds=1)
    fleet.wait_until(lambda: dt.datetime.now(dt.UTC) > moment + dt.timedelta(seconds=1), "the second is over")
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def table_of_the_tasks(aws: Any, outputs: dict[str, str]) -> str:
    name = fleet.service(aws, outputs)["taskDefinition"]
    containers = aws("ecs").describe_task_definition(taskDefinition=name)["taskDefinition"]["containerDefinitions"]
    return next(str(each["value"]) for each in containers[0]["environment"] if each["name"] == "STREAMIFY_TABLE_NAME")


def shown(streamify: Any, outputs: dict[str, str]) -> Any:
    """What an upload service is told about the sample; None: there is no such video."""
    finished = streamify("show", "--json", outputs["sample_video_id"])
    return json.loads(finished.stdout) if finished.returncode == 0 else None


@pytest.fixture(scope="module")
def disaster(aws: Any, outputs: dict[str, str], streamify: Any) -> Disaster:
    """The sample is deleted, its media are deleted or overwritten, everything else is spoilt; then it is restored."""
    fleet.wait_until(lambda: fleet.is_whole(aws, outputs), "three healthy tasks before the disaster")
    told = Disaster()
    told.objects, told.title = objects(aws), shown(streamify, outputs)["title"]
    assert len(told.objects) > 12
    told.moment = after_this_second()
    dynamodb, s3 = aws("dynamodb"), aws("s3")
    for item in items(aws, PLATFORM):
        if outputs["sample_video_id"] in item["pk"]["S"]:
            dynamodb.delete_item(TableName=PLATFORM, Key={"pk": item["pk"], "sk": item["sk"]})
        else:
            dynamodb.put_item(TableName=PLATFORM, Item={**item, "title": {"S": "spoilt"}, "state": {"S": "spoilt"}})
    dynamodb.put_item(TableName=PLATFORM, Item={"pk": {"S": "VIDEO#vid_later"}, "sk": {"S": "VIDEO"}})
    for number, key in enumerate(told.objects):
        if number % 3:
            s3.delete_object(Bucket=f"{PLATFORM}-media-000000000000", Key=key)
        else:
            s3.put_object(Bucket=f"{PLATFORM}-media-000000000000", Key=key, Body=b"spoilt")
    assert shown(streamify, outputs) is None, "the video is still there: nothing is shown by what follows"
    after_this_second()
    begun = time.monotonic()
    told.run = play("playbooks/restore.yml", "-e", f"restore_to={told.moment} restore_confirm={ENVIRONMENT}")
    told.seconds = time.monotonic() - begun
    assert told.run.code == 0, told.run.output
    return told


@pytest.fixture
def restored(disaster: Disaster) -> str:
    """The restored table's name."""
    return str(yaml.safe_load(WRITTEN.read_text())["storage_table"])


def test_the_video_plays_again(
    disaster: Disaster,
    restored: str,
    aws: Any,
    outputs: dict[str, str],
    http: httpx.Client,
    streamify: Any,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with capsys.disabled():
        lost = len(disaster.objects)
        print(f"\n  {len(items(aws, restored))} items and {lost} objects restored in {disaster.seconds:.0f} s")
    assert {key: etag for key, etag in objects(aws).items() if key in disaster.objects} == disaster.objects
    answer = http.get(f"{outputs['http_url']}/v1/videos/{outputs['sample_video_id']}/playback")
    assert answer.status_code == 200, answer.text
    playlists, segments = hls.walk(http, answer.json()["manifest_url"])
    assert len(playlists) >= 4
    assert {http.get(segment).status_code for segment in segments} == {200}
    assert shown(streamify, outputs)["title"] == disaster.title


def test_the_new_table_holds_what_was_there_then_and_is_protected_as_the_old_one(
    disaster: Disaster, restored: str, aws: Any
) -> None:
    assert restored == f"{PLATFORM}-restored-{disaster.moment.replace('-', '').replace(':', '')}"
    titles = [item.get("title", {}).get("S") for item in items(aws, restored)]
    assert "spoilt" not in titles
    assert not [item for item in items(aws, restored) if item["pk"]["S"] == "VIDEO#vid_later"]
    dynamodb = aws("dynamodb")

    def protection(name: str) -> dict[str, Any]:
        table = dynamodb.describe_table(TableName=name)["Table"]
        backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
        return {
            "expiry": dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"],
            "recovery": backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"],
            "tags": dynamodb.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"],
            "protected": table.get("DeletionProtectionEnabled"),
            "keys": table["KeySchema"],
            "indexes": [(each["IndexName"], each["KeySchema"]) for each in table["GlobalSecondaryIndexes"]],
            "billing": table["BillingModeSummary"]["BillingMode"],
        }

    assert protection(restored) == protection(PLATFORM)
    assert protection(restored)["recovery"] == "ENABLED"


def test_tasks_role_and_alarms_know_the_new_table_alone(restored: str, aws: Any, outputs: dict[str, str]) -> None:
    assert table_of_the_tasks(aws, outputs) == restored
    role = f"{PLATFORM}-api-task"
    policy = aws("iam").get_role_policy(RoleName=role, PolicyName=role)["PolicyDocument"]
    tables = {
        resource.split("table/")[1].split("/")[0]
        for statement in policy["Statement"]
        for resource in statement["Resource"]
        if ":table/" in resource
    }
    assert tables == {restored}
    (alarm,) = aws("cloudwatch").describe_alarms(AlarmNames=[f"{PLATFORM}-table-throttles"])["MetricAlarms"]
    metrics = [each["MetricStat"]["Metric"] for each in alarm["Metrics"] if "MetricStat" in each]
    watched = {each["Value"] for metric in metrics for each in metric["Dimensions"] if each["Name"] == "TableName"}
    assert watched == {restored}


def test_every_later_run_keeps_the_restored_table(
    disaster: Disaster, restored: str, aws: Any, outputs: dict[str, str]
) -> None:
    again = play("playbooks/restore.yml", "-e", f"restore_to={disaster.moment} restore_confirm={ENVIRONMENT}")
    assert (again.code, again.changes) == (0, []), again.output
    site = play("site.yml")
    assert (site.code, site.changes) == (0, []), site.output
    assert table_of_the_tasks(aws, outputs) == restored


def test_the_video_can_be_changed(restored: str, streamify: Any, outputs: dict[str, str]) -> None:
    changed = streamify("update", outputs["sample_video_id"], "--title", "After the restore")
    assert changed.returncode == 0, changed.stderr
    assert shown(streamify, outputs)["title"] == "After the restore"


def test_a_run_that_does_not_know_the_restored_table_is_refused(
    restored: str, aws: Any, outputs: dict[str, str]
) -> None:
    forgot = play("site.yml", "-e", json.dumps({"storage_table": PLATFORM, "storage_former_tables": []}))
    assert forgot.code != 0
    assert f"storage_table: the API works with {restored}, not with {PLATFORM}" in forgot.output
    back = play("playbooks/rollback.yml")
    assert back.code != 0
    assert f"works with the table {PLATFORM}, which restore.yml has replaced" in " ".join(back.output.split())
    assert table_of_the_tasks(aws, outputs) == restored


def test_a_restore_without_the_name_or_the_moment_changes_nothing(restored: str, aws: Any) -> None:
    tables = aws("dynamodb").list_tables()["TableNames"]
    for said, arguments in (
        ("Say which moment", f"restore_confirm={ENVIRONMENT}"),
        ("Say which moment", f"restore_to=yesterday restore_confirm={ENVIRONMENT}"),
        (f"That is not '{ENVIRONMENT}'", "restore_to=2026-01-31T12:00:00Z restore_confirm=another"),
        ("can be restored to moments from", f"restore_to=2020-01-31T12:00:00Z restore_confirm={ENVIRONMENT}"),
    ):
        refused = play("playbooks/restore.yml", "-e", arguments)
        assert refused.code != 0
        assert said in " ".join(refused.output.split())
        assert refused.changes == []
    assert aws("dynamodb").list_tables()["TableNames"] == tables


def test_the_teardown_removes_the_old_table_too(restored: str, aws: Any) -> None:
    assert {PLATFORM, restored} <= set(aws("dynamodb").list_tables()["TableNames"])
    gone = play("playbooks/teardown.yml", "-e", f"teardown_confirm={ENVIRONMENT} teardown_local_cloud=false")
    assert gone.code == 0, gone.output
    assert aws("dynamodb").list_tables()["TableNames"] == []
    assert (ROOT / "inventory" / "local" / "group_vars" / "all" / "restored_table.yml").exists() is False
