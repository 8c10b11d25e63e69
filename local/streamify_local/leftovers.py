# SPDX-License-Identifier: Apache-2.0
"""What killed environments and engines left behind: told apart from what lives, and removed."""

import fcntl
import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from .environment import Environment
from .processes import Supervisor, wait_until

_DOCKER_BRIDGE = re.compile(r"br-[0-9a-f]{12}")


def is_alive(state_dir: Path) -> bool:
    """Whether a recorded process of that environment runs, or an `up` or `down` of it is under way."""
    supervisor = Supervisor(state_dir)
    if any(supervisor.pid(name) for name in supervisor.names()):
        return True
    locks = (f".{state_dir.name}.lock", f"{state_dir.name}.lock")  # the command line's, and that of scripts/up
    return any(_is_locked(state_dir.parent / lock) for lock in locks)


def _is_locked(path: Path) -> bool:
    try:
        with path.open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False


def kill_orphans(engine_dir: Path) -> None:
    """Kill what a killed engine's containers left running: its shims, then all that lives in one of its layers."""
    _kill_until_gone(lambda: _shims(engine_dir / "exec"))
    _kill_until_gone(lambda: _in_layers(engine_dir / "data"))


def _kill_until_gone(find: Callable[[], list[int]]) -> None:
    for pid in find():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not find(), 10)


def _shims(exec_root: Path) -> list[int]:
    needle = os.fsencode(exec_root / "containerd") + b"/"
    return [pid for pid, entry in _processes() if needle in _read(entry / "cmdline") and not _is_dead(entry)]


def _in_layers(data_root: Path) -> list[int]:
    needle = f"upperdir={data_root / 'overlay2'}/".encode()
    found = []
    for pid, entry in _processes():
        root = next((line for line in _read(entry / "mountinfo").splitlines() if line.split()[4:5] == [b"/"]), b"")
        if needle in root and not _is_dead(entry):
            found.append(pid)
    return found


def _processes() -> Iterator[tuple[int, Path]]:
    return ((int(entry.name), entry) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it ended meanwhile
        return b""


def _is_dead(entry: Path) -> bool:
    return _read(entry / "stat").rpartition(b") ")[2][:1] in (b"", b"Z", b"X")


def lost_layers(data_root: Path) -> list[str]:
    """The layers that the engine's images lean on and that are gone: a removal was cut off (overlay2's own layout)."""
    recorded = (data_root / "image" / "overlay2" / "layerdb" / "sha256").glob("*/cache-id")
    return [layer for layer in map(Path.read_text, recorded) if not (data_root / "overlay2" / layer).is_dir()]


def remove_stale_bridges(environment: Environment, kept: set[str]) -> None:
    """Delete bridges with the environment's gateway address that no network of the engine knows any more.

    Args:
        kept: the names of the bridges that belong to the engine's networks.
    """
    listed = subprocess.run(["ip", "-json", "address"], capture_output=True, check=True)
    for interface in json.loads(listed.stdout):
        addresses = {address.get("local") for address in interface["addr_info"]}
        name = interface["ifname"]
        if environment.gateway in addresses and _DOCKER_BRIDGE.fullmatch(name) and name not in kept:
            subprocess.run(["ip", "link", "delete", name], capture_output=True, check=False)
