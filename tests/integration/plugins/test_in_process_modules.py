# SPDX-License-Identifier: Apache-2.0
"""AWS modules give the same results in Ansible's workers as in processes of their own."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.emulator import emulator
from support.playbooks import assert_no_warning

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parents[3]
_ALLOW = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
TRUST = json.dumps({"Version": "2012-10-17", "Statement": [_ALLOW]})

PLAYBOOK: list[dict[str, Any]] = [
    {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "environment": {
            "AWS_ENDPOINT_URL": "{{ endpoint }}",
            "AWS_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        },
        "tasks": [
            {"amazon.aws.ec2_vpc_net": {"name": "t", "cidr_block": "10.1.0.0/16"}, "register": "vpc"},
            {
                "amazon.aws.ec2_vpc_subnet": {
                    "vpc_id": "{{ vpc.vpc.id }}",
                    "cidr": "10.1.{{ item }}.0/24",
                    "az": "eu-central-1a",
                },
                "loop": [1, 2],
            },
            {
                "amazon.aws.ec2_security_group": {"name": "g", "description": "d", "vpc_id": "{{ vpc.vpc.id }}"},
                "diff": True,
            },
            {"streamify.aws.iam_role": {"name": "r", "assume_role_policy_document": TRUST}, "diff": True},
            {"amazon.aws.s3_bucket": {"name": "bucket-one", "versioning": True, "encryption": "AES256"}},
            {"amazon.aws.ec2_vpc_net": {"name": "u", "cidr_block": "nonsense"}, "ignore_errors": True},
            {"amazon.aws.ec2_vpc_net": {"name": "v"}, "ignore_errors": True},
            {"amazon.aws.s3_bucket": {"name": "bucket-two"}, "check_mode": True},
            {
                "amazon.aws.iam_user": {"name": "somebody", "state": "present", "password": "not-to-be-shown"},
                "check_mode": True,
            },
            {"ansible.builtin.command": "printenv AWS_REGION"},
        ],
    }
]


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with emulator(tmp_path_factory.mktemp("emulator")) as url:
        yield url


def play(endpoint: str, directory: Path, in_process: bool, *arguments: str, tasks: int | None = None) -> str:
    """Runs the playbook, or its first `tasks` tasks, and returns what Ansible printed."""
    playbook = directory / "playbook.yml"
    playbook.write_text(json.dumps([PLAYBOOK[0] | {"tasks": PLAYBOOK[0]["tasks"][:tasks]}]))
    environment = os.environ | {
        "STREAMIFY_MODULES_IN_PROCESS": "1" if in_process else "0",
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_HOME": str(directory / "ansible"),
        "ANSIBLE_NOCOLOR": "1",
    }
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", *arguments]
    command += ["-e", f"endpoint={endpoint}", "-e", f"ansible_python_interpreter={sys.executable}", str(playbook)]
    finished = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert "failed=0" in finished.stdout, finished.stdout + finished.stderr
    assert_no_warning(finished.stdout + finished.stderr)
    return finished.stdout


def without_what_differs_by_nature(output: str) -> str:
    """Request ids, dates and how long a call took are new in every call."""
    output = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<id>", output)
    output = re.sub(r"amz-id-2: \S+", "amz-id-2: <id>", output)
    output = re.sub(r"(start|end|delta|date)(\"?: ).*", r"\1\2<time>", output)
    return re.sub(r"(?m)^Origin: .*$", "", output)


def test_both_ways_give_the_same_results(endpoint: str, tmp_path: Path) -> None:
    play(endpoint, tmp_path, True)  # creates everything, so that both runs below find the same account
    here = play(endpoint, tmp_path, True, "-v")
    elsewhere = play(endpoint, tmp_path, False, "-v")
    assert without_what_differs_by_nature(here) == without_what_differs_by_nature(elsewhere)


def test_nothing_but_the_setting_sends_modules_to_processes_of_their_own(endpoint: str, tmp_path: Path) -> None:
    assert "AnsiballZ_ec2_vpc_net.py" not in play(endpoint, tmp_path, True, "-vvv", tasks=1)
    assert "AnsiballZ_ec2_vpc_net.py" in play(endpoint, tmp_path, False, "-vvv", tasks=1)


@pytest.mark.parametrize("in_process", [True, False], ids=["in the workers", "in processes"])
def test_a_change_without_a_difference_of_its_own_shows_what_was_asked_for_and_no_secret(
    endpoint: str, tmp_path: Path, in_process: bool
) -> None:
    said = play(endpoint, tmp_path, in_process, "--diff")
    asked = "name: somebody\npassword: VALUE_SPECIFIED_IN_NO_LOG_PARAMETER\nstate: present\nchanged: [localhost]"
    assert f"amazon.aws.iam_user tells no difference; it was asked for:\n{asked}" in said
    assert "not-to-be-shown" not in said
    assert "invocation" not in said
