# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables and objects go back to a moment: check, apply, check, apply; and what is refused, before anything is done."""

import datetime as dt
import time
from collections.abc import Callable
from typing import Any

import boto3
import pytest

Module = Callable[..., dict[str, Any]]
NOON = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
ASKED = {"name": "new", "source_table": "old", "restore_date_time": "2026-01-01T13:00:00+01:00"}
SUMMARY = {
    "SourceTableArn": "arn:aws:dynamodb:eu-central-1:123456789012:table/old",
    "RestoreDateTime": NOON,
    "RestoreInProgress": False,
}


def recovery(status: str = "ENABLED") -> dict[str, Any]:
    described: dict[str, Any] = {"PointInTimeRecoveryStatus": status}
    if status == "ENABLED":
        described |= {"EarliestRestorableDateTime": NOON - HOUR, "LatestRestorableDateTime": NOON + HOUR}
    backups = {"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": described}
    return {"ContinuousBackupsDescription": backups}


def tables(aws: Any, **by_name: Any) -> None:
    """Let DescribeTable answer by the table's name: one after another of the given answers, the last for ever."""
    from .conftest import refusal

    def answer(request: dict[str, Any]) -> Any:
        script = by_name.get(request["TableName"], [None])
        found = script.pop(0) if len(script) > 1 else script[0]
        return refusal("DescribeTable", "ResourceNotFoundException") if found is None else {"Table": found}

    aws.answer("DescribeTable", answer)
    aws.answer("DescribeContinuousBackups", recovery())


# ---- tables --------------------------------------------------------------------------------------------------------
def test_a_restore_begins_once_and_waits_for_the_table_and_its_indexes(run: Module, aws: Any) -> None:
    made = {"TableName": "new", "TableStatus": "ACTIVE", "RestoreSummary": SUMMARY}
    building = {"IndexName": "gsi1", "IndexStatus": "CREATING"}
    half = {**made, "GlobalSecondaryIndexes": [building]}
    creating = {**made, "TableStatus": "CREATING"}
    tables(aws, old=[{"TableName": "old", "TableStatus": "ACTIVE"}], new=[None, creating, half, made])
    first = run("dynamodb_table_restore", ASKED)
    assert first["changed"], first
    (request,) = aws.requests("RestoreTableToPointInTime")
    assert request == {"SourceTableName": "old", "TargetTableName": "new", "RestoreDateTime": NOON.isoformat()}
    assert first["table"]["restore_summary"]["restore_date_time"] == NOON.isoformat()
    assert not run("dynamodb_table_restore", ASKED)["changed"]
    assert not run("dynamodb_table_restore", {"name": "new", "source_table": "old"})["changed"]


def test_without_a_moment_it_is_the_latest(run: Module, aws: Any) -> None:
    made = {"TableName": "new", "TableStatus": "ACTIVE", "RestoreSummary": SUMMARY}
    tables(aws, old=[{"TableName": "old"}], new=[None, made])
    assert run("dynamodb_table_restore", {"name": "new", "source_table": "old"})["changed"]
    (request,) = aws.requests("RestoreTableToPointInTime")
    assert request == {"SourceTableName": "old", "TargetTableName": "new", "UseLatestRestorableTime": True}


def test_a_check_foretells_and_begins_nothing(run: Module, aws: Any) -> None:
    tables(aws, old=[{"TableName": "old"}])
    foretold = run("dynamodb_table_restore", ASKED, check=True)
    assert foretold["changed"]
    assert foretold["table"]["table_arn"].endswith(":table/new")
    assert aws.changes() == []


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"restore_date_time": "2026-01-01T10:59:59Z"}, "moments from 2026-01-01T11:00:00+00:00 to 2026-01-01T13:00"),
        ({"restore_date_time": "2026-01-01T13:00:01Z"}, "not to 2026-01-01T13:00:01+00:00"),
        ({"restore_date_time": "yesterday"}, "such as 2026-01-31T12:00:00Z, not 'yesterday'"),
        ({"restore_date_time": "2026-01-01T12:00:00"}, "must be a moment such as"),
        ({"source_table": "other"}, "there is no DynamoDB table other"),
        ({"name": "plain"}, "exists and was not restored from another"),
        ({"name": "made", "restore_date_time": "2026-01-01T12:30:00Z"}, "must be replaced"),
    ],
)
def test_what_cannot_be_restored_is_refused(
    check: bool, changes: dict[str, Any], said: str, run: Module, aws: Any
) -> None:
    made = {"TableName": "made", "TableStatus": "ACTIVE", "RestoreSummary": SUMMARY}
    tables(aws, old=[{"TableName": "old"}], plain=[{"TableName": "plain", "TableStatus": "ACTIVE"}], made=[made])
    refused = run("dynamodb_table_restore", {**ASKED, **changes}, check=check)
    assert said in refused["msg"]
    assert aws.changes() == []


def test_a_table_without_recovery_is_refused(run: Module, aws: Any) -> None:
    tables(aws, old=[{"TableName": "old"}])
    aws.answer("DescribeContinuousBackups", recovery("DISABLED"))
    assert "no point-in-time recovery" in run("dynamodb_table_restore", ASKED)["msg"]


def next_second() -> dt.datetime:
    """Wait for a moment that lies between what was done and what will be."""
    moment = dt.datetime.now(dt.UTC).replace(microsecond=0) + dt.timedelta(seconds=1)
    while dt.datetime.now(dt.UTC) < moment + dt.timedelta(seconds=1):
        time.sleep(0.05)
    return moment


@pytest.fixture
def client(patched_emulator: str) -> Callable[[str], Any]:
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name="eu-central-1")
    return lambda service: session.client(service, endpoint_url=patched_emulator)  # type: ignore[call-overload]


@pytest.mark.integration
def test_a_restored_table_holds_what_was_there_and_nothing_of_later(
    module: Module, client: Any, patched_emulator: str
) -> None:
    dynamodb = client("dynamodb")
    table = {
        "name": "coll-source",
        "attribute_definitions": [{"attribute_name": "pk", "attribute_type": "S"}],
        "key_schema": [{"attribute_name": "pk", "key_type": "HASH"}],
        "deletion_protection_enabled": False,
    }
    assert module("dynamodb_table", table)["changed"]
    for key in ("kept", "deleted", "changed"):
        dynamodb.put_item(TableName="coll-source", Item={"pk": {"S": key}, "v": {"S": "good"}})
    moment = next_second()
    dynamodb.delete_item(TableName="coll-source", Key={"pk": {"S": "deleted"}})
    for key in ("changed", "later"):
        dynamodb.put_item(TableName="coll-source", Item={"pk": {"S": key}, "v": {"S": "bad"}})
    next_second()
    asked = {"name": "coll-restored", "source_table": "coll-source", "restore_date_time": moment.isoformat()}
    assert module("dynamodb_table_restore", asked, check=True)["changed"]
    assert module("dynamodb_table_restore", asked)["changed"]
    assert not module("dynamodb_table_restore", asked, check=True)["changed"]
    assert not module("dynamodb_table_restore", asked)["changed"]
    items = dynamodb.scan(TableName="coll-restored")["Items"]
    assert {item["pk"]["S"]: item["v"]["S"] for item in items} == dict.fromkeys(("kept", "deleted", "changed"), "good")


# ---- objects -------------------------------------------------------------------------------------------------------
@pytest.mark.integration
def test_objects_that_were_deleted_or_overwritten_come_back(module: Module, client: Any, patched_emulator: str) -> None:
    s3 = client("s3")
    assert module("s3_bucket", {"name": "coll-versions", "versioning": True})["changed"]

    def put(key: str, body: str) -> None:
        s3.put_object(Bucket="coll-versions", Key=key, Body=body.encode(), ContentType="video/mp4")

    for key in ("v/kept", "v/deleted twice", "v/overwritten+ä", "v/overwritten, then deleted", "other/deleted"):
        put(key, "good")
    moment = next_second()
    for key in ("v/deleted twice", "v/deleted twice", "other/deleted"):
        s3.delete_object(Bucket="coll-versions", Key=key)
    for key in ("v/overwritten+ä", "v/overwritten, then deleted", "v/later"):
        put(key, "bad")
    s3.delete_object(Bucket="coll-versions", Key="v/overwritten, then deleted")
    asked = {"bucket": "coll-versions", "prefix": "v/", "restore_date_time": moment.isoformat()}
    foretold = module("s3_object_restore", asked, check=True)
    assert "Contents" not in s3.list_objects_v2(Bucket="coll-versions", Prefix="v/deleted"), "a check changes nothing"
    done = module("s3_object_restore", asked)
    assert done.get("changed"), done
    assert foretold["restore"] == done["restore"]
    assert {each["key"]: each["how"] for each in done["restore"]["objects"]} == {
        "v/deleted twice": "undeleted",
        "v/overwritten+ä": "copied",
        "v/overwritten, then deleted": "copied",
    }
    assert not module("s3_object_restore", asked, check=True)["changed"]
    assert not module("s3_object_restore", asked)["changed"]
    bodies = {
        item["Key"]: s3.get_object(Bucket="coll-versions", Key=item["Key"])["Body"].read().decode()
        for item in s3.list_objects_v2(Bucket="coll-versions")["Contents"]
    }
    assert bodies.pop("v/later") == "bad"
    assert bodies == dict.fromkeys(
        ("v/kept", "v/deleted twice", "v/overwritten+ä", "v/overwritten, then deleted"), "good"
    )
    copied = s3.head_object(Bucket="coll-versions", Key="v/overwritten+ä")
    assert copied["ContentType"] == "video/mp4"


def test_a_bucket_without_versions_is_refused(run: Module, aws: Any) -> None:
    aws.answer("GetBucketVersioning", {})
    refused = run("s3_object_restore", {"bucket": "b", "restore_date_time": "2026-01-01T12:00:00Z"})
    assert "keeps no versions" in refused["msg"]


def test_an_overwritten_object_that_s3_does_not_copy_at_once_stops_before_anything_is_changed(
    run: Module, aws: Any
) -> None:
    aws.answer("GetBucketVersioning", {"Status": "Enabled"})
    of = {"Key": "large", "Size": 6 * 1024**3}
    new = {**of, "VersionId": "2", "ETag": "b", "IsLatest": True, "LastModified": NOON + HOUR}
    old = {**of, "VersionId": "1", "ETag": "a", "IsLatest": False, "LastModified": NOON - HOUR}
    aws.answer("ListObjectVersions", {"Versions": [new, old], "IsTruncated": False})
    refused = run("s3_object_restore", {"bucket": "b", "restore_date_time": NOON.isoformat()})
    assert "larger than S3 copies in one call" in refused["msg"]
    assert aws.changes() == []
