# SPDX-License-Identifier: Apache-2.0
"""Leads the containers' requests to ECS's credentials and metadata address to the emulator: one rule an environment."""

import os
import shlex
import shutil
import subprocess

from .environment import Environment
from .processes import LocalCloudError

# Where tasks find credentials and metadata, on AWS and here; SDKs accept no other plain-HTTP host
# (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html).
ADDRESS = "169.254.170.2"


def ensure(environment: Environment) -> bool:
    """Make the environment's rule its only one (an older one led to another port); True if that changed anything.

    First among the rules: one that an environment of the same network left behind must not answer.

    Raises:
        LocalCloudError: iptables refused.
    """
    rule = ["-s", environment.cidr, "-d", f"{ADDRESS}/32", "-p", "tcp", "-m", "tcp", "--dport", "80"]
    rule += ["-m", "comment", "--comment", environment.network]
    rule += ["-j", "DNAT", "--to-destination", f"{environment.gateway}:{environment.ports['aws']}"]
    if len(_rules(environment.network)) == 1 and _iptables("-C", "PREROUTING", *rule) is not None:
        return False
    remove(environment)
    if _iptables("-I", "PREROUTING", *rule) is None:
        raise LocalCloudError(f"iptables could not lead {ADDRESS} to the emulator: run this as root.")
    return True


def remove(environment: Environment) -> None:
    """Remove every rule that bears the environment's name."""
    for rule in _rules(environment.network):
        _iptables("-D", "PREROUTING", *rule)


def _rules(comment: str) -> list[list[str]]:
    listed = [shlex.split(line) for line in (_iptables("-S", "PREROUTING") or "").splitlines()]
    return [words[2:] for words in listed if comment in words and words[0] == "-A"]


def _iptables(*arguments: str) -> str | None:
    """What iptables printed, or None when it failed."""
    iptables = shutil.which("iptables", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if iptables is None:
        return None
    done = subprocess.run([iptables, "--wait", "-t", "nat", *arguments], capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None
