#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Looks for every mistake that can be seen before anything is changed.

Reads one JSON object on stdin (playbooks/preflight.yml makes it), asks AWS's APIs without changing anything, and
prints each finding in a line of its own, with what to do. Exit code 0: nothing was found.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).parent))

import preflight_aws
import preflight_inputs

# How long AWS lets names be, by the input that decides them: the longest suffix that we append, what it is, the limit.
NAMES = {
    "load_balancer_name": [("-internal", "a load balancer's name", 32), ("-grpc", "a target group's name", 32)],
    "storage_table": [("", "a table's name", 255)],
    "api_service_name": [("-execution", "an IAM role's name", 64)],
    "image_repository": [("", "a repository's name", 256)],
    "ecs_cluster_name": [("", "a cluster's name", 255)],
    "cdn_name": [("-12345678", "a CloudFront policy's or key's name", 128)],
}


def name_findings(inputs: dict[str, Any]) -> Iterator[str]:
    """Names that AWS would refuse, each with the number of characters that it may have."""
    for variable, uses in NAMES.items():
        for suffix, what, limit in uses:
            name = f"{inputs[variable]}{suffix}"
            if len(name) > limit:
                yield (
                    f"{variable}: '{name}' has {len(name)} characters, {what} at most {limit}: "
                    f"choose one of at most {limit - len(suffix)}"
                )
                break
    for variable in ("storage_upload_bucket", "storage_media_bucket"):
        yield from preflight_inputs.bucket_findings(variable, str(inputs[variable]))


def certificate_names(inputs: dict[str, Any]) -> dict[str, list[str]]:
    """The host names that each certificate must cover."""
    aliases = list(inputs["cdn_aliases"])
    if inputs["cdn_url"]:
        aliases.append(urlsplit(inputs["cdn_url"]).hostname or "")
    grpc_host = str(inputs["verify_grpc_target"]).rpartition(":")[0]
    return {
        "public": [urlsplit(inputs["public_url"]).hostname or ""],
        "internal": [grpc_host] if grpc_host else [],
        "cdn": sorted(set(aliases)),
    }


def findings(request: dict[str, Any]) -> list[str]:
    """Everything that is wrong; what depends on AWS's answers comes last."""
    inputs = request["inputs"]
    found = list(preflight_inputs.variable_findings(Path(request["roles_dir"]), request["given"], request["names"]))
    found += preflight_inputs.input_findings(inputs)
    found += name_findings(inputs)
    found += preflight_aws.findings(inputs, certificate_names(inputs))
    return list(dict.fromkeys(found))


if __name__ == "__main__":
    problems = findings(json.load(sys.stdin))
    sys.stderr.write("".join(f"{problem}\n" for problem in problems))
    sys.exit(1 if problems else 0)
