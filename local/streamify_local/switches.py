# SPDX-License-Identifier: Apache-2.0
"""What can be changed in a running local cloud: how kind the balancer is, and which zones are out.

Both are files in the environment's directory which their readers look at each time, so nothing is restarted.
"""

import json
import os
import time
from collections.abc import Collection
from pathlib import Path

from .environment import Environment, dumps, read_json, write_atomically
from .processes import LocalCloudError

MODES = ("alb", "tuned")
DIRECTORY_VARIABLE = "STREAMIFY_STATE_DIR"
# How long ECS takes to act on a container that ended: AWS states no figure. The agent reports a change within seconds;
# with checks every 5 s of which two must fail, the balancer usually notices first. docs/chaos.md says what was assumed.
ECS_NOTICE_SECONDS = {"alb": 10.0, "tuned": 0.0}
_APPLIED = "balancer/mode"
_ZONES = "impaired-zones.json"
_WAIT_SECONDS = 30.0


def balancer_mode(state_dir: Path) -> str:
    """The balancer's setting now, "alb" or "tuned"."""
    cloud = read_json(state_dir / "cloud.json") or {}
    return str(cloud.get("balancer_mode", "tuned"))


def set_balancer_mode(environment: Environment, mode: str) -> bool:
    """Switch a running environment and wait until the balancer was told; False if it was set already.

    Raises:
        LocalCloudError: there is no such setting, or the reconciler does not run.
    """
    if mode not in MODES:
        raise LocalCloudError(f"'{mode}' is no balancer setting: use one of {', '.join(MODES)}.")
    path = environment.state_dir / "cloud.json"
    cloud = read_json(path)
    if cloud is None:
        raise LocalCloudError(f"the environment '{environment.name}' is not up.")
    changed = write_atomically(path, dumps({**cloud, "balancer_mode": mode}))
    deadline = time.monotonic() + _WAIT_SECONDS
    while applied_mode(environment.state_dir) != mode:
        if time.monotonic() > deadline:
            raise LocalCloudError(f"the balancer did not take the setting '{mode}' within {_WAIT_SECONDS:.0f} s.")
        time.sleep(0.1)
    return changed


def applied_mode(state_dir: Path) -> str | None:
    """The setting that Envoy's files were last written with."""
    try:
        return (state_dir / _APPLIED).read_text().strip()
    except FileNotFoundError:
        return None


def confirm_mode(state_dir: Path, mode: str) -> None:
    """The reconciler has written every file with this setting."""
    write_atomically(state_dir / _APPLIED, f"{mode}\n")


def set_impaired_zones(state_dir: Path, zones: Collection[str]) -> None:
    """Tell ECS where it must not place tasks; nothing means every zone is fine."""
    if zones:
        write_atomically(state_dir / _ZONES, json.dumps(sorted(zones)) + "\n")
    else:
        (state_dir / _ZONES).unlink(missing_ok=True)


def impaired_zones() -> frozenset[str]:
    """In the emulator: the zones in which no task is placed."""
    try:
        return frozenset(json.loads((_own_directory() / _ZONES).read_text()))
    except (OSError, ValueError):
        return frozenset()


def notice_seconds() -> float:
    """In the emulator: how long ECS takes to notice that a container ended."""
    return ECS_NOTICE_SECONDS.get(balancer_mode(_own_directory()), 0.0)


def _own_directory() -> Path:
    return Path(os.environ.get(DIRECTORY_VARIABLE, "/nonexistent"))
