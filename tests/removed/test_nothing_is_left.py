# SPDX-License-Identifier: Apache-2.0
"""After `make down`, nothing of the environment is left: looked for without asking the code that removed it."""

import ipaddress
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = os.environ.get("STREAMIFY_ENV", "test")
STATE = ROOT / ".local" / ENVIRONMENT
# Where an engine of ours lives that environments of all checkouts share, and what tells which of them hold it.
MACHINE = Path(os.environ.get("STREAMIFY_MACHINE_DIR", f"/var/tmp/streamify-{os.getuid()}"))
LOCAL_NETWORKS = ipaddress.ip_network("10.64.0.0/10")  # where environments take their VPC's addresses from


def others() -> list[dict[str, Any]]:
    """The environments that are up beside this one, of this checkout and of others on this machine."""
    holders = [json.loads(path.read_text()) for path in (MACHINE / "holders").glob("*.json")]
    return [holder for holder in holders if holder["state_dir"] != str(STATE)]


def ancestors() -> set[int]:
    found, pid = set(), os.getpid()
    while pid > 1:
        found.add(pid)
        pid = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    return found


def processes() -> Iterator[tuple[int, str, str]]:
    """(pid, command line, environment) of every process but this one and those that started it."""
    skipped = ancestors()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) in skipped:
            continue
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            variables = (entry / "environ").read_bytes().decode(errors="replace")
        except OSError:  # it ended meanwhile, or is not ours
            continue
        if command:
            yield int(entry.name), command, variables


def test_no_process_is_left() -> None:
    shared = ("dockerd", "containerd") if others() else ()
    left = [
        f"{pid} {command}"
        for pid, command, variables in processes()
        if (f"STREAMIFY_ENV={ENVIRONMENT}\0" in variables or str(STATE) in command)
        and not any(name in command for name in shared)
    ]
    assert left == []


def test_no_file_is_left() -> None:
    assert not STATE.exists()
    holders = [json.loads(path.read_text())["state_dir"] for path in (MACHINE / "holders").glob("*.json")]
    assert str(STATE) not in holders
    assert others() or not MACHINE.exists(), "the engine's files were left, and nobody needs them"
    if ENVIRONMENT == "local":
        assert not (STATE.parent / "outputs.json").exists()


def test_no_mount_is_left() -> None:
    mounts = Path("/proc/self/mountinfo").read_text()
    assert [line for line in mounts.splitlines() if str(STATE) in line or f"streamify-{ENVIRONMENT}" in line] == []


def test_no_network_interface_is_left() -> None:
    addresses = json.loads(subprocess.run(["ip", "-json", "address"], capture_output=True, check=True).stdout)
    kept = [ipaddress.ip_network(cloud["cidr"]) for cloud in others()]
    left = [
        (interface["ifname"], address["local"])
        for interface in addresses
        for address in interface["addr_info"]
        if address["family"] == "inet"
        and ipaddress.ip_address(address["local"]) in LOCAL_NETWORKS
        and not any(ipaddress.ip_address(address["local"]) in network for network in kept)
    ]
    assert left == []


def test_no_container_and_no_docker_network_is_left() -> None:
    hosts = {cloud["docker_host"] for cloud in others()} | {os.environ.get("DOCKER_HOST", "")}
    for host in hosts:
        socket = Path((host or "unix:///var/run/docker.sock").removeprefix("unix://"))
        if not socket.is_socket():
            continue  # no engine, so no container
        engine = docker.DockerClient(base_url=host or None, timeout=10)
        names = [network.name for network in engine.networks.list()]
        assert f"streamify-{ENVIRONMENT}" not in names
        labelled = engine.containers.list(all=True, filters={"network": f"streamify-{ENVIRONMENT}"})
        assert labelled == []
        engine.close()
