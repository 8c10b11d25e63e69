# SPDX-License-Identifier: Apache-2.0
"""A local cloud that evaluates IAM policies, and callers with certain policies and no others."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from support.playbooks import Run, play

ROOT = Path(__file__).resolve().parents[2]
NAME = os.environ.get("STREAMIFY_ENV", "iam")
STATE = ROOT / ".local" / NAME
RECORD = STATE / "iam.jsonl"
Statement = dict[str, Any]
Evaluation = dict[str, Any]


@dataclass(frozen=True)
class Caller:
    """Somebody whom AWS knows, with the key to be known by."""

    name: str
    key: str
    secret: str


class Cloud:
    """The environment's AWS, seen as its owner, who may do everything."""

    def __init__(self, facts: dict[str, Any]) -> None:
        self.facts = facts
        self.account: str = facts["account_id"]
        self.region: str = facts["aws_region"]

    def aws(self, service: str, caller: Caller | None = None) -> Any:
        """A client of a service, by default the owner's."""
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=self.facts["aws_endpoint_url"],
            region_name=self.region,
            aws_access_key_id=caller.key if caller else "test",
            aws_secret_access_key=caller.secret if caller else "test",
        )

    def caller(self, name: str, policies: list[dict[str, Any]]) -> Caller:
        """A user with these managed policies alone; the one of that name loses those that it had."""
        iam = self.aws("iam")
        users = [user["UserName"] for user in iam.list_users()["Users"]]
        if name in users:
            for policy in iam.list_attached_user_policies(UserName=name)["AttachedPolicies"]:
                iam.detach_user_policy(UserName=name, PolicyArn=policy["PolicyArn"])
                iam.delete_policy(PolicyArn=policy["PolicyArn"])
        else:
            iam.create_user(UserName=name)
        for number, document in enumerate(policies, 1):
            text = json.dumps(document, separators=(",", ":"))
            made = iam.create_policy(PolicyName=f"{name}-{number}", PolicyDocument=text)
            iam.attach_user_policy(UserName=name, PolicyArn=made["Policy"]["Arn"])
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return Caller(name, key["AccessKeyId"], key["SecretAccessKey"])

    def play(self, caller: Caller, playbook: str, *arguments: str) -> Run:
        """Run a playbook as the caller; which role makes a request is recorded with it."""
        file = STATE / f"{caller.name}.json"
        file.write_text(json.dumps({"aws_environment": self._environment(caller)}))
        return play(
            playbook,
            "-e",
            f"@{file}",
            *arguments,
            STREAMIFY_IAM="1",
            STREAMIFY_IAM_BY=str(STATE / "iam.by"),
            ANSIBLE_CALLBACK_PLUGINS="plugins/callback:tests/iam/callback",
            ANSIBLE_CALLBACKS_ENABLED="warm_up,iam_roles",
        )

    def _environment(self, caller: Caller) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.facts["aws_endpoint_url"],
            "AWS_ACCESS_KEY_ID": caller.key,
            "AWS_SECRET_ACCESS_KEY": caller.secret,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }


@contextmanager
def iam_cloud() -> Iterator[Cloud]:
    """The environment, up with IAM evaluation on, and taken down in the end."""
    environment = os.environ | {"STREAMIFY_IAM": "1", "PYTHONPATH": str(ROOT / "local")}
    command = [sys.executable, "-m", "streamify_local"]
    up = [*command, "up", "--env", NAME]
    try:
        answer = subprocess.run(up, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout
        yield Cloud(json.loads(answer))
    finally:
        subprocess.run([*command, "down", "--env", NAME], cwd=ROOT, env=environment, check=True, capture_output=True)


def recorded(after: int = 0) -> list[Evaluation]:
    """Every evaluation of a caller's policies, from the record's byte `after` on."""
    with RECORD.open() as record:
        record.seek(after)
        return [json.loads(line) for line in record]


def user_of(evaluation: Evaluation) -> str:
    """The user's or the role's name."""
    principal: str = evaluation["context"]["principal_arn"]
    return principal.split(":", 5)[5].split("/")[1]
