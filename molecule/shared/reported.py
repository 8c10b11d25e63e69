# SPDX-License-Identifier: Apache-2.0
"""How the scenarios' tests ask AWS."""

import functools
import os
from typing import Any

import boto3

NAME = os.environ["DEPLOYED_NAME"]  # streamify-<environment>


@functools.cache
def aws(service: str) -> Any:
    """Return the boto3 client of a service."""
    return boto3.client(service)  # type: ignore[call-overload]


def tags_of(item: dict[str, Any]) -> dict[str, str]:
    """Return AWS's list of tags as a dictionary."""
    return {tag["Key"]: tag["Value"] for tag in item.get("Tags", [])}
