# SPDX-License-Identifier: Apache-2.0
"""The platform's own roles with parts of their policies left out, and what no longer works then.

Nothing is judged on paper: the policy is changed in IAM, and the API's containers, the janitor's, ECS's start of them
and EventBridge Scheduler go on with it.
"""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
from contract.callers import new_id
from contract.processes import wait_for
from iam.cloud import RECORD, Cloud, recorded, user_of
from iam.story import BODY, Storage, Story, upload_service
from streamify.catalog.v1 import catalog_service_pb2 as catalog

LONG_AGO = "2020-01-01T00:00:00.000000Z"
FINISHED = "Essential container in task exited"


@dataclass(frozen=True)
class Cut:
    """What is left out of a role's policy: one action or one resource of a statement."""

    role: str  # without the platform's name: api-task
    sid: str
    key: str  # Action or Resource
    value: str

    def of(self, document: dict[str, Any]) -> dict[str, Any]:
        """The policy without it."""
        left = deepcopy(document)
        for statement in left["Statement"]:
            if statement["Sid"] == self.sid:
                statement[self.key] = [each for each in listed(statement[self.key]) if each != self.value]
        left["Statement"] = [each for each in left["Statement"] if each["Action"] and each["Resource"]]
        return left


@dataclass
class Outcome:
    """What did not work, and which actions IAM refused meanwhile."""

    failures: dict[str, str]
    refused: set[str] = field(default_factory=set)


def listed(value: Any) -> list[str]:
    """A policy's list, which may be written as its only item."""
    return [value] if isinstance(value, str) else list(value)


def cuts(role: str, document: dict[str, Any]) -> Iterator[Cut]:
    """Each action of each statement, and each resource where there are several."""
    for statement in document["Statement"]:
        for action in listed(statement["Action"]):
            yield Cut(role, statement["Sid"], "Action", action)
        resources = listed(statement["Resource"])
        for resource in resources if len(resources) > 1 else []:
            yield Cut(role, statement["Sid"], "Resource", resource)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).is_success
    except httpx.HTTPError:
        return False


class Platform:
    """The deployed platform as its owner sees it, and what is tried on it for each role."""

    def __init__(self, cloud: Cloud, name: str, outputs: dict[str, Any]) -> None:
        self._cloud = cloud
        self._name = name
        self._outputs = outputs
        self._ecs, self._iam, self._logs = cloud.aws("ecs"), cloud.aws("iam"), cloud.aws("logs")
        self._last = ""  # the task that was begun last
        service = self._service()
        self._network = service["networkConfiguration"]
        (container,) = self._definition(service["taskDefinition"])["containerDefinitions"]
        told = {each["name"]: each["value"] for each in container["environment"]}
        self._table, self._media = told["STREAMIFY_TABLE_NAME"], told["STREAMIFY_MEDIA_BUCKET"]
        self._uploads, self._http_port = told["STREAMIFY_UPLOAD_BUCKET"], told["STREAMIFY_HTTP_PORT"]
        distribution = told["STREAMIFY_CDN_DISTRIBUTION_ID"]
        self._storage = Storage(cloud.aws("s3"), self._uploads, cloud.aws("cloudfront"), distribution)

    def ablate(self) -> dict[tuple[str, Cut | None], Outcome]:
        """Try everything with the whole policies, and then without each part of each; None is the whole."""
        found: dict[tuple[str, Cut | None], Outcome] = {}
        with self._task_without_table() as address:
            tries: dict[str, Callable[[], dict[str, str]]] = {
                "api-task": lambda: asyncio.run(self._use(address)),
                "api-execution": self._start,
                "api-janitor": self._clean,
                "api-schedule": self._schedule,
            }
            for role, attempt in tries.items():
                found[role, None] = self._outcome(role, attempt)
                name = f"{self._name}-{role}"
                whole = self._iam.get_role_policy(RoleName=name, PolicyName=name)["PolicyDocument"]
                for cut in cuts(role, whole):
                    self._put(name, cut.of(whole))
                    try:
                        found[role, cut] = self._outcome(role, attempt)
                    finally:
                        self._put(name, whole)
                    told = "; ".join(found[role, cut].failures) or "NOTHING FAILS"
                    print(f"    {role} without {cut.value.rpartition('/')[2]} ({cut.sid}): {told}", flush=True)
        return found

    def _put(self, name: str, document: dict[str, Any]) -> None:
        if document["Statement"]:
            self._iam.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=json.dumps(document))
        else:
            self._iam.delete_role_policy(RoleName=name, PolicyName=name)

    def _outcome(self, role: str, attempt: Callable[[], dict[str, str]]) -> Outcome:
        before = RECORD.stat().st_size
        failures = attempt()
        return Outcome(failures, self._refused(role, before))

    def _refused(self, role: str, after: int) -> set[str]:
        return {
            each["context"]["action"]
            for each in recorded(after)
            if user_of(each) == f"{self._name}-{role}" and each["decision"] != "Allow"
        }

    # ---- the API's tasks ----
    async def _use(self, without_table: str) -> dict[str, str]:
        async with upload_service(self._outputs) as service:
            return await Story(self._outputs, service, self._storage, without_table).failures()

    @contextmanager
    def _task_without_table(self) -> Iterator[str]:
        """One more task of the API, for which DynamoDB is down from the start."""
        definition = self._definition(self._service()["taskDefinition"])
        definition["family"] += "-without-table"
        (container,) = definition["containerDefinitions"]
        for variable in container["environment"]:
            if variable["name"] == "AWS_ENDPOINT_URL_DYNAMODB":
                variable["value"] = "http://127.0.0.1:9"
        made = self._ecs.register_task_definition(**definition)["taskDefinition"]["taskDefinitionArn"]
        arn = self._run(made)
        try:
            wait_for("a task without a table runs", lambda: self._task(arn)["lastStatus"] == "RUNNING")
            address = self._task(arn)["containers"][0]["networkInterfaces"][0]["privateIpv4Address"]
            url = f"http://{address}:{self._http_port}"
            wait_for("it answers", lambda: _answers(f"{url}/health/live"))
            yield url
        finally:
            self._ecs.stop_task(cluster=self._name, task=arn)
            wait_for("that task is gone", lambda: self._task(arn)["lastStatus"] == "STOPPED")
            self._ecs.deregister_task_definition(taskDefinition=made)

    # ---- ECS's start of a task: the janitor's, which ends by itself ----
    def _start(self) -> dict[str, str]:
        before = RECORD.stat().st_size
        ended = self._ended(self._run(f"{self._name}-api-janitor"))
        if ended:
            return {"start": ended}
        # Lines are written while and after the task runs; whether they may be is asked once.
        wait_for(
            "the janitor's lines are logged, or refused",
            lambda: self._is_logged() or "logs:PutLogEvents" in self._refused("api-execution", before),
        )
        return {} if self._is_logged() else {"log": "nothing is logged"}

    def _is_logged(self) -> bool:
        group = self._definition(f"{self._name}-api-janitor")["containerDefinitions"][0]["logConfiguration"]["options"]
        stream = f"{group['awslogs-stream-prefix']}/janitor/{self._last.rpartition('/')[2]}"
        read = self._logs.get_log_events
        try:
            events = read(logGroupName=group["awslogs-group"], logStreamName=stream)["events"]
        except self._logs.exceptions.ResourceNotFoundException:
            return False
        return any("the janitor is done" in each["message"] for each in events)

    def _run(self, definition: str) -> str:
        request = {"taskDefinition": definition, "networkConfiguration": self._network, "launchType": "FARGATE"}
        self._last = str(self._ecs.run_task(cluster=self._name, **request)["tasks"][0]["taskArn"])
        return self._last

    def _ended(self, arn: str) -> str:
        """Wait for a task's end; empty if it ended well, else why."""
        wait_for("the task ends", lambda: self._task(arn)["lastStatus"] == "STOPPED")
        task = self._task(arn)
        code = task["containers"][0].get("exitCode")
        return "" if (task["stoppedReason"], code) == (FINISHED, 0) else f"{task['stoppedReason']} (exit code {code})"

    def _task(self, arn: str) -> dict[str, Any]:
        return dict(self._ecs.describe_tasks(cluster=self._name, tasks=[arn])["tasks"][0])

    def _service(self) -> dict[str, Any]:
        found = self._ecs.describe_services(cluster=self._name, services=[f"{self._name}-api"])["services"]
        return dict(found[0])

    def _definition(self, name: str) -> dict[str, Any]:
        """A task definition as it can be registered again."""
        read = self._ecs.describe_task_definition(taskDefinition=name)["taskDefinition"]
        model = self._ecs.meta.service_model.operation_model("RegisterTaskDefinition").input_shape.members
        return {key: value for key, value in read.items() if key in model}

    # ---- the janitor ----
    def _clean(self) -> dict[str, str]:
        upload_id, video_id = asyncio.run(self._chores())
        told = self._storage.invalidations()
        ended = self._ended(self._run(f"{self._name}-api-janitor"))
        s3 = self._cloud.aws("s3")
        root = self._item(f"VIDEO#{video_id}", "VIDEO")["media_prefix"]["S"]
        left = {
            "upload": s3.list_multipart_uploads(Bucket=self._uploads, Prefix=upload_id).get("Uploads"),
            "media": s3.list_objects_v2(Bucket=self._media, Prefix=f"v/{root}/").get("Contents"),
        }
        failures = {f"{what} left": str(len(found)) for what, found in left.items() if found}
        if self._storage.invalidations() == told:
            failures["edges"] = "the CDN was told nothing"
        return failures | ({"end": ended} if ended else {})

    async def _chores(self) -> tuple[str, str]:
        """An upload that has expired, and a video with media that was deleted long ago."""
        async with upload_service(self._outputs) as service:
            created = await service.create()
            await service.send_parts(created, BODY)
            video = (await service.published()).video_id
            await service.video("DeleteVideo", catalog.DeleteVideoRequest(video_id=video, request_id=new_id()))
        self._backdate(f"UPLOAD#{created.upload_id}", "UPLOAD", "expire_time")
        self._backdate(f"VIDEO#{video}", "VIDEO", "update_time")
        return created.upload_id, video

    def _item(self, partition: str, sort: str) -> dict[str, Any]:
        key = {"pk": {"S": partition}, "sk": {"S": sort}}
        return dict(self._cloud.aws("dynamodb").get_item(TableName=self._table, Key=key)["Item"])

    def _backdate(self, partition: str, sort: str, name: str) -> None:
        dynamodb = self._cloud.aws("dynamodb")
        due = f"{LONG_AGO}#{partition.partition('#')[2]}"
        changes = {sort: {name: LONG_AGO}, "CHORE": {"due_time": LONG_AGO, "gsi1sk": due}}
        for row, values in changes.items():
            dynamodb.put_item(
                TableName=self._table,
                Item={**self._item(partition, row), **{key: {"S": value} for key, value in values.items()}},
            )

    # ---- EventBridge Scheduler ----
    def _schedule(self) -> dict[str, str]:
        """The janitor's schedule once more, due now."""
        scheduler = self._cloud.aws("scheduler")
        target = scheduler.get_schedule(Name=f"{self._name}-api-janitor")["Target"]
        before, name = RECORD.stat().st_size, f"now-{datetime.now(UTC):%H%M%S%f}"
        scheduler.create_schedule(
            Name=name,
            ScheduleExpression=f"at({datetime.now(UTC):%Y-%m-%dT%H:%M:%S})",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target=target,
            ActionAfterCompletion="DELETE",
        )

        def begun() -> list[str]:
            return [
                arn
                for status in ("RUNNING", "STOPPED")
                for arn in self._ecs.list_tasks(
                    cluster=self._name, startedBy=f"chronos-schedule/{name}", desiredStatus=status
                )["taskArns"]
            ]

        wait_for("a task begins, or is refused", lambda: begun() or self._refused("api-schedule", before))
        if not begun():
            return {"begin": "no task"}
        ended = self._ended(begun()[0])
        return {"end": ended} if ended else {}
