# SPDX-License-Identifier: Apache-2.0
"""A family's name alone means its latest revision that is active.

https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTaskDefinition.html: "family for the latest ACTIVE
revision". The emulator takes the latest one, deregistered or not.
"""

from ministack.services import ecs


def apply() -> None:
    resolve_any = ecs._resolve_td_key

    def resolve(reference: str) -> str:
        key: str = resolve_any(reference)
        if ":" in reference.rpartition("/")[2]:
            return key
        family, _colon, latest = key.rpartition(":")
        numbers = range(int(latest), 0, -1) if latest.isdigit() else range(0)
        return next(
            (
                f"{family}:{number}"
                for number in numbers
                if (ecs._task_defs.get(f"{family}:{number}") or {}).get("status") == "ACTIVE"
            ),
            f"{family}:0",  # none: there is no such revision
        )

    ecs._resolve_td_key = resolve
