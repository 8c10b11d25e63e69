#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tells which revision of the API runs, and which one ran before it. Changes nothing.

Reads {"cluster", "service", "key_group", "to"} on stdin and prints as JSON {"running", "image", "table", "previous",
"untrusted", "other_table"}: the running revision's ARN, image and table; the ARN of the active revision before it
(empty: none); the id of the key that the revision before would sign playback cookies with, when the CDN does not trust
it any more (else empty); and the table that the revision to go to works with, when the running one works with another
(else empty). That revision is `to`, or the one before when `to` is empty or missing.
Exit code 1, with one sentence: there is no such service.
"""

import json
import sys
from typing import Any

import boto3

KEY_VARIABLE = "STREAMIFY_SIGNING_KEY_ID"
TABLE_VARIABLE = "STREAMIFY_TABLE_NAME"


def number(arn: str) -> int:
    """The revision's number."""
    return int(arn.rpartition(":")[2])


def before(running: str, active: list[str]) -> str:
    """The newest active revision that is older than the running one; empty: there is none."""
    older = [arn for arn in active if number(arn) < number(running)]
    return max(older, key=number, default="")


def variable(definition: dict[str, Any], name: str) -> str:
    """The value of a variable that tasks of this definition get; empty: it is not said."""
    variables = definition["containerDefinitions"][0].get("environment", [])
    return next((str(each["value"]) for each in variables if each["name"] == name), "")


def other_table(running: dict[str, Any], target: dict[str, Any]) -> str:
    """The table of the revision to go to, when the running one works with another; else empty."""
    tables = [variable(definition, TABLE_VARIABLE) for definition in (running, target)]
    return tables[1] if tables[0] != tables[1] else ""


def trusted_keys(group_name: str) -> list[str]:
    """The ids of the keys that the CDN trusts."""
    cloudfront: Any = boto3.client("cloudfront")
    marker: dict[str, str] = {}
    while True:
        page = cloudfront.list_key_groups(**marker)["KeyGroupList"]
        for item in page.get("Items", []):
            config = item["KeyGroup"]["KeyGroupConfig"]
            if config["Name"] == group_name:
                return list(config["Items"])
        if not page.get("NextMarker"):
            return []
        marker = {"Marker": page["NextMarker"]}


def main() -> None:
    """Read the question, print the answer."""
    asked = json.load(sys.stdin)
    ecs: Any = boto3.client("ecs")
    found = ecs.describe_services(cluster=asked["cluster"], services=[asked["service"]])["services"]
    if not found or found[0]["status"] != "ACTIVE":
        sys.exit(f"ECS has no active service {asked['service']} in {asked['cluster']}: deploy it with site.yml first")
    running = found[0]["taskDefinition"]
    definition = ecs.describe_task_definition(taskDefinition=running)["taskDefinition"]
    family = definition["family"]
    pages = ecs.get_paginator("list_task_definitions").paginate(familyPrefix=family, status="ACTIVE")
    active = [arn for page in pages for arn in page["taskDefinitionArns"] if arn.split("/")[-1].split(":")[0] == family]
    previous = before(running, active)
    untrusted = ""
    if previous:
        key = variable(ecs.describe_task_definition(taskDefinition=previous)["taskDefinition"], KEY_VARIABLE)
        untrusted = key if key and key not in trusted_keys(asked["key_group"]) else ""
    target = asked.get("to") or previous or running
    answer = {
        "running": running,
        "image": definition["containerDefinitions"][0]["image"],
        "table": variable(definition, TABLE_VARIABLE),
        "previous": previous,
        "untrusted": untrusted,
        "other_table": other_table(definition, ecs.describe_task_definition(taskDefinition=target)["taskDefinition"]),
    }
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    main()
