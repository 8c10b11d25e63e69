#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The parts of a game day that are no module's: look before it, stop a task, watch meanwhile.

Reads one JSON object on stdin (see `Game`) with "do": "look", "stop_task" or "watch".
look       prints {"zone", "zone_id", "balancers"}: the zone with the fewest tasks (or the one asked for) and the
           balancers' ARNs. Exit code 1, with one sentence, when the platform could not bear the game.
stop_task  asks ECS to stop one task of the zone and prints its id.
watch      calls the platform and asks for its targets' health until `seconds` are over and the fleet is whole; prints
           one line a second in which something changed, and a summary. Exit code 1: too many requests failed, or the
           fleet was not whole in time.
"""

import json
import ssl
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

FEWEST = 3  # healthy tasks; with fewer, the loss of one or of a zone is felt
PER_SECOND = 5
CALL_SECONDS = 3
STOP_AFTER = 50  # requests before which no share of failures says anything
Health = dict[str, int]


@dataclass(frozen=True)
class Game:
    """What is played, and with what."""

    do: str
    cluster: str
    service: str
    target_groups: list[str]  # by name
    balancers: list[str]  # by name
    url: str  # what is called while it is watched
    ca_file: str  # the authority that signed the certificate; empty: the system's
    zone: str  # by name; empty: any
    seconds: float  # to watch at least
    timeout: float  # seconds in which the fleet must be whole again
    percent: float  # of requests that may fail


class RefusedError(Exception):
    """The game is not played, or was lost; the message says why."""


# ---- judging -------------------------------------------------------------------------------------------------------
def refusal(service: dict[str, Any], health: Health) -> str:
    """Why the platform could not bear a loss now; empty: it could."""
    states = [each.get("rolloutState") for each in service["deployments"]]
    if states != ["COMPLETED"]:
        return f"a deployment is under way ({', '.join(map(str, states))}): wait until it is completed"
    for group, healthy in health.items():
        if healthy < FEWEST:
            return f"{group} has {healthy} healthy targets, a game day needs {FEWEST}: see status.yml"
    return ""


def zone_of(tasks: list[dict[str, Any]], wanted: str) -> str:
    """The zone to play in: the wanted one, or the one that has the fewest tasks.

    Raises:
        RefusedError: no task runs in the wanted zone, or all tasks run in one.
    """
    zones = [task["availabilityZone"] for task in tasks]
    if wanted and wanted not in zones:
        raise RefusedError(f"no task runs in {wanted}; tasks run in {', '.join(sorted(set(zones)))}")
    if len(set(zones)) < 2:
        raise RefusedError(f"all tasks run in {zones[0] if zones else 'no zone'}: there is nothing to fall back on")
    return wanted or min(sorted(set(zones)), key=zones.count)


@dataclass
class Tally:
    """What became of the requests."""

    sent: int = 0
    failed: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    def note(self, problem: str) -> None:
        """Count a request; an empty problem is a good answer."""
        self.sent += 1
        if problem:
            self.failed += 1
            self.reasons[problem] = self.reasons.get(problem, 0) + 1

    def lost(self, percent: float) -> bool:
        """Whether more failed than may, of enough to say so."""
        return self.sent >= STOP_AFTER and self.failed * 100 > self.sent * percent

    def __str__(self) -> str:
        """Numbers, then the reasons by how often they were given."""
        told = "; ".join(f"{count} x {reason}" for reason, count in sorted(self.reasons.items(), key=lambda x: -x[1]))
        return f"{self.sent} requests, {self.failed} failed{f' ({told})' if told else ''}"


# ---- asking and doing ----------------------------------------------------------------------------------------------
def healthy(game: Game) -> Health:
    """The number of healthy targets by group."""
    elb: Any = boto3.client("elbv2")
    groups = elb.describe_target_groups(Names=game.target_groups)["TargetGroups"]
    found = {}
    for group in groups:
        targets = elb.describe_target_health(TargetGroupArn=group["TargetGroupArn"])["TargetHealthDescriptions"]
        found[group["TargetGroupName"]] = sum(each["TargetHealth"]["State"] == "healthy" for each in targets)
    return found


def service_of(game: Game) -> dict[str, Any]:
    """The service as ECS reports it.

    Raises:
        RefusedError: there is none.
    """
    ecs: Any = boto3.client("ecs")
    found = ecs.describe_services(cluster=game.cluster, services=[game.service])["services"]
    if not found or found[0]["status"] != "ACTIVE":
        raise RefusedError(f"ECS has no active service {game.service} in {game.cluster}")
    return dict(found[0])


def tasks_of(game: Game) -> list[dict[str, Any]]:
    """The service's running tasks."""
    ecs: Any = boto3.client("ecs")
    arns = ecs.list_tasks(cluster=game.cluster, serviceName=game.service, desiredStatus="RUNNING")["taskArns"]
    tasks = ecs.describe_tasks(cluster=game.cluster, tasks=arns[:100])["tasks"] if arns else []
    return [task for task in tasks if task["lastStatus"] == "RUNNING"]


def look(game: Game) -> str:
    """See that the platform can bear it; where to play."""
    if said := refusal(service_of(game), healthy(game)):
        raise RefusedError(said)
    zone = zone_of(tasks_of(game), game.zone)
    ec2: Any = boto3.client("ec2")
    zones = ec2.describe_availability_zones()["AvailabilityZones"]
    elb: Any = boto3.client("elbv2")
    arns = [each["LoadBalancerArn"] for each in elb.describe_load_balancers(Names=game.balancers)["LoadBalancers"]]
    zone_id = next(each["ZoneId"] for each in zones if each["ZoneName"] == zone)
    return json.dumps({"zone": zone, "zone_id": zone_id, "balancers": arns})


def stop_task(game: Game) -> str:
    """Stop one task of the zone; ECS drains it and starts another."""
    victim = next(task for task in tasks_of(game) if task["availabilityZone"] == zone_of(tasks_of(game), game.zone))
    ecs: Any = boto3.client("ecs")
    ecs.stop_task(cluster=game.cluster, task=victim["taskArn"], reason="game day: playbooks/chaos.yml")
    return str(victim["taskArn"].rpartition("/")[2])


def called(game: Game) -> str:
    """One request; what went wrong, or nothing."""
    context = ssl.create_default_context(cafile=game.ca_file or None)
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(game.url, timeout=CALL_SECONDS) as answer:
            answer.read()
    except urllib.error.HTTPError as error:
        return f"HTTP {error.code}"
    except OSError as error:
        return type(getattr(error, "reason", error)).__name__
    return ""


def watch(game: Game) -> str:
    """Call and look until it is over. Requests leave when they are due, whatever became of those before."""
    tally, lines = Tally(), list[str]()
    before: Health = {}
    begun = time.monotonic()
    pending: list[Future[str]] = []
    with ThreadPoolExecutor(PER_SECOND * CALL_SECONDS * 2) as pool:
        for tick in range(int(game.timeout)):
            for number in range(PER_SECOND):
                due = begun + tick + number / PER_SECOND
                time.sleep(max(0.0, due - time.monotonic()))
                pending.append(pool.submit(called, game))
            for done in [each for each in pending if each.done()]:
                pending.remove(done)
                tally.note(done.result())
            now = {**healthy(game), "running": service_of(game)["runningCount"]}
            if now != before:
                lines.append(f"{time.monotonic() - begun:5.0f} s  {now}  {tally}")
            before = now
            wanted = service_of(game)["desiredCount"]
            whole = all(count >= wanted for count in now.values())
            if tally.lost(game.percent) or (whole and time.monotonic() - begun >= game.seconds):
                break
        else:
            raise RefusedError("\n".join([*lines, f"the fleet was not whole again within {game.timeout:g} s; {tally}"]))
        for each in pending:
            tally.note(each.result())
    if tally.lost(game.percent):
        raise RefusedError("\n".join([*lines, f"more than {game.percent:g} % failed: {tally}"]))
    return "\n".join([*lines, f"whole after {time.monotonic() - begun:.0f} s; {tally}"])


if __name__ == "__main__":
    asked = Game(**json.load(sys.stdin))
    try:
        sys.stdout.write({"look": look, "stop_task": stop_task, "watch": watch}[asked.do](asked))
    except (BotoCoreError, ClientError, RefusedError) as error:
        sys.exit(str(error))
