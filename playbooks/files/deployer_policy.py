#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the deployer's managed policies of what each role needs.

Reads {"<part>": [{"sid", "actions", "resources", ...}, ...], ...} on stdin (playbooks/deployer_policy.yml makes it of
roles/*/files/iam.yml) and prints the policy documents, a JSON list. As few as hold everything, in the parts' order.
Exit code 1, with a line for each mistake: something that AWS would refuse.
"""

import json
import re
import sys
from collections import Counter
from typing import Any

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html; white space is not counted.
MOST_CHARACTERS = 6144
MOST_POLICIES = 10  # attached to one role or user

Statement = dict[str, Any]
Document = dict[str, Any]


def statement(part: dict[str, Any]) -> Statement:
    """A part's entry in IAM's own words."""
    made: Statement = {
        "Sid": part["sid"],
        "Effect": "Allow",
        "Action": sorted(part["actions"]),
        "Resource": part["resources"],
    }
    if part.get("condition"):
        made["Condition"] = part["condition"]
    return made


def document(statements: list[Statement]) -> Document:
    """A policy document."""
    return {"Version": "2012-10-17", "Statement": statements}


def size(policy: Document) -> int:
    """How many characters IAM counts."""
    return len(json.dumps(policy, separators=(",", ":")))


def pack(statements: list[Statement]) -> list[Document]:
    """As many documents as are needed, each within IAM's limit; a statement is put into the first that has room."""
    packed: list[Document] = []
    for each in statements:
        room = (policy for policy in packed if size(document([*policy["Statement"], each])) <= MOST_CHARACTERS)
        policy = next(room, None)
        if policy is None:
            packed.append(document([each]))
        else:
            policy["Statement"].append(each)
    return packed


def mistakes(statements: list[Statement], packed: list[Document]) -> list[str]:
    """What AWS would refuse."""
    found = [
        f"the Sid {sid} is used twice" for sid, times in Counter(s["Sid"] for s in statements).items() if times > 1
    ]
    found += [f"the Sid {s['Sid']} has other characters than letters and digits" for s in statements if not _plain(s)]
    found += [
        f"{s['Sid']}: the statement alone has more than {MOST_CHARACTERS} characters: divide it"
        for s in statements
        if size(document([s])) > MOST_CHARACTERS
    ]
    if len(packed) > MOST_POLICIES:
        found.append(f"{len(packed)} policies are needed, and AWS attaches at most {MOST_POLICIES}: merge statements")
    return found


def _plain(made: Statement) -> bool:
    return re.fullmatch(r"[A-Za-z0-9]+", made["Sid"]) is not None


def main() -> None:
    """Read the parts, print the policies."""
    statements = [statement(entry) for part in json.load(sys.stdin).values() for entry in part]
    packed = pack(statements)
    if found := mistakes(statements, packed):
        sys.exit("\n".join(found))
    json.dump(packed, sys.stdout)


if __name__ == "__main__":
    main()
