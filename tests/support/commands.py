# SPDX-License-Identifier: Apache-2.0
"""The runbook's commands; those of the AWS CLI, which is no part of this checkout, as calls of boto3."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import botocore.session
from botocore import xform_name

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Command:
    """A command line of a document, and the name of the section that it stands in."""

    section: str
    line: str
    aws_only: bool  # its section says that the local cloud cannot do this


def commands(document: Path) -> list[Command]:
    """Every line of every `console` block."""
    found = []
    for part in re.split(r"^#{2,3} ", document.read_text(), flags=re.MULTILINE)[1:]:
        section, _, text = part.partition("\n")
        for block in re.findall(r"^```console\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            found += [Command(section, line, "*AWS only.*" in text) for line in block.splitlines()]
    return found


def call(line: str) -> tuple[str, str, dict[str, Any]]:
    """The service, the operation (as boto3's method) and the arguments of `aws SERVICE OPERATION --NAME VALUE...`.

    Raises:
        ValueError: AWS has no such operation or parameter, or a required one is missing.
    """
    program, service, command, *rest = shlex.split(line)
    model = botocore.session.get_session().get_service_model(service)
    operations = {xform_name(name, "-"): name for name in model.operation_names}
    if program != "aws" or command not in operations:
        raise ValueError(f"{line}: {service} has no {command}")
    shape: Any = model.operation_model(operations[command]).input_shape
    names = {xform_name(name, "-"): name for name in shape.members}
    arguments: dict[str, Any] = {}
    name = ""
    for text in rest:
        if text.startswith("--"):
            flag = text.removeprefix("--")
            negated = flag not in names and flag.startswith("no-")
            name = names.get(flag.removeprefix("no-") if negated else flag, "")
            if not name:
                raise ValueError(f"{line}: {command} takes no {text}")
            arguments[name] = not negated if shape.members[name].type_name == "boolean" else None
        elif shape.members[name].type_name == "list":
            arguments[name] = [*(arguments[name] or []), text]
        else:
            arguments[name] = int(text) if shape.members[name].type_name in ("integer", "long") else text
    if missing := set(shape.required_members) - {name for name, value in arguments.items() if value is not None}:
        raise ValueError(f"{line}: {command} needs {', '.join(sorted(missing))}")
    return service, xform_name(operations[command]), arguments
