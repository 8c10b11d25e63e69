#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tells in a few lines how the platform is: service, tasks and zones, targets, alarms, stopped tasks, events.

Reads {"cluster", "service", "target_groups", "alarms"} on stdin, the last two lists of names, and prints text, its
first line the verdict. Changes nothing. Exit code 0 whatever it sees; 1, with one sentence, when AWS cannot be asked.
"""

import datetime as dt
import json
import sys
from collections.abc import Iterator
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

STOPPED_TASKS = 3
EVENTS = 5
REASON_LENGTH = 160
Answer = dict[str, Any]


def short(arn: str) -> str:
    """The end of an ARN, by which people call the thing."""
    return arn.rpartition("/")[2]


def moment(value: dt.datetime | None) -> str:
    """A time in UTC, to the second; `?` when AWS does not tell it yet."""
    return value.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S") if value else "?"


def shortened(reason: str) -> str:
    """A reason on one line, cut where it becomes long."""
    line = " ".join(reason.split())
    return line if len(line) <= REASON_LENGTH else f"{line[: REASON_LENGTH - 3]}..."


# ---- what each part says, and what is wrong with it ----------------------------------------------------------------
def service_lines(service: Answer) -> tuple[list[str], list[str]]:
    """The service and its deployments. Returns (lines, what is wrong)."""
    wanted, running, pending = (service[key] for key in ("desiredCount", "runningCount", "pendingCount"))
    lines = [f"{service['serviceName']}: {running} of {wanted} tasks run, {pending} start"]
    wrong = [f"{running} of {wanted} tasks run"] if running < wanted else []
    for each in service["deployments"]:
        state = each.get("rolloutState", "?")
        reason = "" if state == "COMPLETED" else f": {shortened(each.get('rolloutStateReason', ''))}"
        lines.append(f"{each['status']} {short(each['taskDefinition'])} {state}, {each['runningCount']} run{reason}")
        if each["status"] == "PRIMARY" and state != "COMPLETED":
            wrong.append(f"a deployment is {state}")
    return lines, wrong


def address(task: Answer) -> str:
    """The task's private address."""
    details = [detail for each in task.get("attachments", []) for detail in each.get("details", [])]
    return next((str(each["value"]) for each in details if each["name"] == "privateIPv4Address"), "no address")


def task_lines(tasks: list[Answer], zones: int) -> tuple[list[str], list[str]]:
    """Each task with its zone. Returns (lines, what is wrong)."""
    by_zone = sorted(tasks, key=lambda task: (task.get("availabilityZone", ""), task["taskArn"]))
    lines = [
        f"{task.get('availabilityZone', 'no zone'):16} {address(task):15} {task['lastStatus']:12}"
        f" since {moment(task.get('startedAt'))}  revision {task['taskDefinitionArn'].rpartition(':')[2]}"
        f"  {short(task['taskArn'])}"
        for task in by_zone
    ]
    used = {task.get("availabilityZone") for task in tasks if task["lastStatus"] == "RUNNING"}
    wrong = [f"tasks run in {len(used)} zones, not {zones}"] if len(used) < zones else []
    return lines or ["none"], wrong


def target_lines(group: str, targets: list[Answer]) -> tuple[list[str], list[str]]:
    """A target group: how many targets are healthy, and each that is not. Returns (lines, what is wrong)."""
    ill = [each for each in targets if each["TargetHealth"]["State"] != "healthy"]
    lines = [f"{group}: {len(targets) - len(ill)} of {len(targets)} healthy"]
    for each in ill:
        health = each["TargetHealth"]
        why = " ".join(filter(None, (health.get("Reason"), health.get("Description"))))
        lines.append(f"  {each['Target']['Id']} {health['State']} {shortened(why)}".rstrip())
    bad = [each for each in ill if each["TargetHealth"]["State"] not in ("draining", "initial")]
    wrong = [f"{len(bad)} of {len(targets)} targets of {group} are not healthy"] if bad else []
    if not len(targets) - len(ill):
        wrong = [f"{group} has no healthy target"]
    return lines, wrong


def alarm_lines(alarms: list[Answer], names: list[str]) -> tuple[list[str], list[str]]:
    """Which alarms are on. Returns (lines, what is wrong)."""
    ringing = [each for each in alarms if each["StateValue"] == "ALARM"]
    missing = sorted(set(names) - {each["AlarmName"] for each in alarms})
    lines = [f"{len(ringing)} of {len(alarms)} ring; docs/runbook.md has a section for each"]
    lines += [
        f"  {each['AlarmName']} since {moment(each.get('StateUpdatedTimestamp'))}:"
        f" {shortened(each.get('StateReason') or each.get('AlarmDescription', ''))}"
        for each in ringing
    ]
    lines += [f"  {name} does not exist" for name in missing]
    wrong = [f"the alarm {each['AlarmName']} rings" for each in ringing]
    wrong += [f"{len(missing)} alarms do not exist"] if missing else []
    return lines, wrong


def stopped_lines(tasks: list[Answer]) -> list[str]:
    """Why the last tasks stopped, newest first."""
    oldest = dt.datetime.min.replace(tzinfo=dt.UTC)
    newest = sorted(tasks, key=lambda task: task.get("stoppedAt") or oldest, reverse=True)[:STOPPED_TASKS]
    lines = []
    for task in newest:
        exits = [
            f"{each['name']} exited with {each['exitCode']}" if "exitCode" in each else str(each.get("reason", ""))
            for each in task.get("containers", [])
        ]
        told = "; ".join(filter(None, [shortened(task.get("stoppedReason", "no reason given")), *exits]))
        when = moment(task["stoppedAt"]) if task.get("stoppedAt") else "stops now"
        lines.append(f"{when} {short(task['taskArn'])}: {told}")
    return lines or ["none in the last hour"]


def event_lines(service: Answer) -> list[str]:
    """What ECS said last, newest first."""
    return [f"{moment(each['createdAt'])} {shortened(each['message'])}" for each in service["events"][:EVENTS]] or [
        "none"
    ]


# ---- asking --------------------------------------------------------------------------------------------------------
def tasks_of(ecs: Any, asked: Answer, status: str) -> list[Answer]:
    """The service's tasks that shall run, or that are stopped."""
    arns = ecs.list_tasks(cluster=asked["cluster"], serviceName=asked["service"], desiredStatus=status)["taskArns"]
    return list(ecs.describe_tasks(cluster=asked["cluster"], tasks=arns[:100])["tasks"]) if arns else []


def groups_of(elb: Any, names: list[str]) -> Iterator[tuple[str, list[Answer]]]:
    """Each target group's name and its targets' health."""
    for group in elb.describe_target_groups(Names=names)["TargetGroups"]:
        health = elb.describe_target_health(TargetGroupArn=group["TargetGroupArn"])
        yield group["TargetGroupName"], health["TargetHealthDescriptions"]


def report(asked: Answer) -> list[str]:
    """Every line, the verdict first.

    Raises:
        LookupError: there is no such service.
    """
    ecs: Any = boto3.client("ecs")
    found = ecs.describe_services(cluster=asked["cluster"], services=[asked["service"]])["services"]
    if not found or found[0]["status"] != "ACTIVE":
        raise LookupError(
            f"ECS has no active service {asked['service']} in {asked['cluster']}: deploy it with site.yml"
        )
    service = found[0]
    parts = {"service": service_lines(service)}
    parts["tasks"] = task_lines(tasks_of(ecs, asked, "RUNNING"), min(asked["zones"], service["desiredCount"]))
    groups = [target_lines(name, health) for name, health in groups_of(boto3.client("elbv2"), asked["target_groups"])]
    parts["targets"] = [line for lines, _ in groups for line in lines], [each for _, wrong in groups for each in wrong]
    cloudwatch: Any = boto3.client("cloudwatch")
    alarms = cloudwatch.describe_alarms(AlarmNames=asked["alarms"])["MetricAlarms"]
    parts["alarms"] = alarm_lines(alarms, asked["alarms"])
    parts["stopped"] = stopped_lines(tasks_of(ecs, asked, "STOPPED")), []
    parts["events"] = event_lines(service), []
    wrong = [each for _, bad in parts.values() for each in bad]
    lines = [f"NOT WELL: {'; '.join(wrong)}" if wrong else "All is well."]
    for name, (said, _) in parts.items():
        lines += [f"{name if not number else '':8} {line}" for number, line in enumerate(said)]
    return lines


if __name__ == "__main__":
    try:
        sys.stdout.write("".join(f"{line}\n" for line in report(json.load(sys.stdin))))
    except (BotoCoreError, ClientError, LookupError) as error:
        sys.exit(str(error.args[0] if isinstance(error, LookupError) else error))
