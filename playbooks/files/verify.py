#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Calls what was deployed, the way its viewers and upload services do, and reads back what AWS reports.

Reads one JSON object on stdin (see `Platform`), asks until everything is as it should be or the time is over, and
prints what is wrong, every finding at once. Exit code 0: all is well.
"""

import json
import ssl
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import grpc
from botocore.exceptions import BotoCoreError, ClientError

READINESS_METHOD = "/streamify.health.v1.ReadinessService/CheckReadiness"
CALL_SECONDS = 5
PAUSE_SECONDS = 1.0


@dataclass(frozen=True)
class Platform:
    """Where the platform should be, and how it should look."""

    public_url: str  # https://host[:port] of the public balancer
    http_url: str  # http://host[:port] of the same; it must redirect
    grpc_target: str  # host:port of the internal balancer; empty: not reachable from here
    cdn_url: str  # https://host[:port] of the distribution
    ca_file: str  # the authority that signed the certificates; empty: the system's
    cluster: str
    service: str
    target_groups: list[str]  # by name
    zones: int  # over how many Availability Zones the tasks must be spread
    timeout: float  # seconds


class CheckFailedError(Exception):
    """Something is not as it should be; the message says what, and what was seen instead."""


class _KeepRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments: object) -> None:
        return None


def get(platform: Platform, url: str) -> tuple[int, Message]:
    """The status and headers of a GET, without following a redirect.

    Raises:
        CheckFailedError: no answer, or a certificate that the authority did not sign.
    """
    context = ssl.create_default_context(cafile=platform.ca_file or None)
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), _KeepRedirects)
    try:
        with opener.open(url, timeout=CALL_SECONDS) as answer:
            return answer.status, answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.headers
    except OSError as error:
        raise CheckFailedError(f"{url} does not answer: {error}") from error


def check_https(platform: Platform) -> None:
    """The public balancer answers HTTPS with a certificate we trust, and a task behind it is ready."""
    url = f"{platform.public_url}/health/ready"
    status, _headers = get(platform, url)
    if status != 200:
        raise CheckFailedError(f"{url} answers {status}, not 200")


def check_redirect(platform: Platform) -> None:
    """HTTP leads to HTTPS."""
    status, headers = get(platform, f"{platform.http_url}/health/ready")
    location = headers.get("Location", "")
    wanted, seen = urlsplit(platform.public_url), urlsplit(location)
    if status != 301 or seen.scheme != "https" or (seen.port or 443) != (wanted.port or 443):
        raise CheckFailedError(f"{platform.http_url} answers {status} to '{location}', not 301 to HTTPS")


def check_grpc(platform: Platform) -> None:
    """The internal balancer speaks gRPC over TLS, and a task behind it is ready."""
    if not platform.grpc_target:
        return
    roots = Path(platform.ca_file).read_bytes() if platform.ca_file else None
    with grpc.secure_channel(platform.grpc_target, grpc.ssl_channel_credentials(root_certificates=roots)) as channel:
        call = channel.unary_unary(READINESS_METHOD, request_serializer=bytes, response_deserializer=bytes)
        try:
            call(b"", timeout=CALL_SECONDS)
        except grpc.RpcError as error:
            raise CheckFailedError(
                f"{READINESS_METHOD} at {platform.grpc_target} answers {error.code().name}: {error.details()}"
            ) from error


def check_cdn(platform: Platform) -> None:
    """The CDN refuses what is not signed."""
    url = f"{platform.cdn_url}/v/nobody/master.m3u8"
    status, _headers = get(platform, url)
    if status != 403:
        raise CheckFailedError(f"{url} answers {status} without a signature, not 403")


def check_service(platform: Platform) -> None:
    """ECS runs as many tasks as it should, of one version, spread over the zones."""
    ecs: Any = boto3.client("ecs")
    found = ecs.describe_services(cluster=platform.cluster, services=[platform.service])["services"]
    if not found or found[0]["status"] != "ACTIVE":
        raise CheckFailedError(f"ECS has no active service {platform.service} in {platform.cluster}")
    service = found[0]
    # ECS lists a deployment that failed for some time after it stopped the last of its tasks.
    listed = [each for each in service["deployments"] if each["status"] == "PRIMARY" or each["runningCount"]]
    states = [f"{each['status']} {each.get('rolloutState', '')}".strip() for each in listed]
    if states != ["PRIMARY COMPLETED"]:
        raise CheckFailedError(f"the service's deployments are {', '.join(states)}, not one that is completed")
    if not service["desiredCount"] or service["runningCount"] != service["desiredCount"]:
        raise CheckFailedError(f"{service['runningCount']} of {service['desiredCount']} tasks run")
    arns = ecs.list_tasks(cluster=platform.cluster, serviceName=platform.service, desiredStatus="RUNNING")["taskArns"]
    tasks = ecs.describe_tasks(cluster=platform.cluster, tasks=arns)["tasks"] if arns else []
    zones = sorted({task.get("availabilityZone", "none") for task in tasks})
    if len(zones) < min(platform.zones, service["desiredCount"]):
        raise CheckFailedError(f"the tasks run in {len(zones)} zones ({', '.join(zones)}), not {platform.zones}")


def check_targets(platform: Platform) -> None:
    """Every task is registered in every target group, and healthy there."""
    ecs: Any = boto3.client("ecs")
    elb: Any = boto3.client("elbv2")
    services = ecs.describe_services(cluster=platform.cluster, services=[platform.service])["services"]
    desired = services[0]["desiredCount"] if services else 0
    for group in elb.describe_target_groups(Names=platform.target_groups)["TargetGroups"]:
        name = group["TargetGroupName"]
        targets = elb.describe_target_health(TargetGroupArn=group["TargetGroupArn"])["TargetHealthDescriptions"]
        ill = [
            f"{each['Target']['Id']} is {each['TargetHealth']['State']} ({each['TargetHealth'].get('Reason', '')})"
            for each in targets
            if each["TargetHealth"]["State"] != "healthy"
        ]
        if ill or len(targets) != desired:
            raise CheckFailedError(
                f"{name} has {len(targets)} targets for {desired} tasks; {', '.join(ill) or 'all healthy'}"
            )


CHECKS: tuple[Callable[[Platform], None], ...] = (
    check_service,
    check_targets,
    check_https,
    check_redirect,
    check_grpc,
    check_cdn,
)


def findings(platform: Platform) -> list[str]:
    """What is wrong when the time is over; empty as soon as nothing is."""
    deadline = time.monotonic() + platform.timeout
    open_checks = list(CHECKS)
    while True:
        found = {}
        for check in open_checks:
            try:
                check(platform)
            except (CheckFailedError, BotoCoreError, ClientError) as error:
                found[check] = f"{check.__name__.removeprefix('check_')}: {error}"
        if not found or time.monotonic() > deadline:
            return list(found.values())
        open_checks = list(found)
        time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    problems = findings(Platform(**json.load(sys.stdin)))
    sys.stderr.write("".join(f"{problem}\n" for problem in problems))
    sys.exit(1 if problems else 0)
