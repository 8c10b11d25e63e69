# SPDX-License-Identifier: Apache-2.0
"""up and down can be repeated and interrupted, with the engine that runs or with one of their own."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import docker
import pytest
from integration.local.conftest import command, eventually
from streamify_local import environment
from streamify_local.processes import Stat

pytestmark = pytest.mark.integration
NAME = f"lc{os.getpid() % 1_000_000}"  # another checkout may run these tests at the same time
STATE = environment.ROOT / ".local" / NAME


def traces() -> list[str]:
    """Processes, mounts and addresses of the environment, looked for without its own code."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and entry.name != str(os.getpid()):
            try:
                command_line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            found += [command_line] if str(STATE) in command_line or f"--env {NAME} " in command_line else []
    found += [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(STATE) in line]
    rules = subprocess.run(["iptables", "-t", "nat", "-S"], capture_output=True, text=True, check=True).stdout
    found += [line for line in rules.splitlines() if f"streamify-{NAME}" in line]
    return found + [str(path) for path in STATE.parent.glob(f"*{NAME}*")]


def emulator_pid() -> int:
    stat = Stat.parse((STATE / "run" / "emulator.stat").read_text())
    assert stat is not None
    return stat.pid


def test_up_again_changes_nothing_and_restarts_only_what_died() -> None:
    try:
        first = command("up", NAME)
        assert first["changed"]
        assert environment.read_json(STATE / "cloud.json") == {k: v for k, v in first.items() if k != "changed"}
        assert command("up", NAME) == {**first, "changed": False}
        os.kill(emulator_pid(), signal.SIGKILL)
        assert command("up", NAME) == {**first, "changed": True}
        assert command("up", NAME) == {**first, "changed": False}
    finally:
        command("down", NAME)
    assert traces() == []
    assert not command("down", NAME)["changed"]


@pytest.mark.parametrize("moment", ["environment.json", "run/emulator.stat", "cloud.json"])
def test_down_after_a_killed_up_leaves_nothing(moment: str) -> None:
    arguments = [sys.executable, "-m", "streamify_local", "up", "--env", NAME]
    variables = {**os.environ, "PYTHONPATH": str(environment.ROOT / "local")}
    with subprocess.Popen(arguments, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as up:
        eventually((STATE / moment).exists, 30)
        up.kill()
    (STATE / "environment.json").write_text('{"cidr')
    if moment == "cloud.json":
        shutil.rmtree(STATE / "run")
    command("down", NAME)
    assert traces() == []


@pytest.mark.skipif(os.geteuid() != 0 or Path("/var/run/docker.sock").exists(), reason="an engine runs, or not root")
def test_own_engine_is_shared_and_the_last_environment_stops_it() -> None:
    tmp_path = Path(tempfile.mkdtemp())  # pytest's own are too long to hold a Unix socket's path
    alone = {"DOCKER_HOST": "", "STREAMIFY_MACHINE_DIR": str(tmp_path / "m")}

    def networks(cloud: dict[str, Any]) -> set[str]:
        engine = docker.DockerClient(base_url=cloud["docker_host"])
        try:
            return {network.name for network in engine.networks.list()}
        finally:
            engine.close()

    try:
        one = command("up", NAME, **alone)
        two = command("up", f"{NAME}2", **alone)
        assert one["docker_host"] == two["docker_host"] == f"unix://{tmp_path}/m/engine/docker.sock"
        assert networks(one) >= {f"streamify-{NAME}", f"streamify-{NAME}2"}
        command("down", NAME, **alone)
        assert f"streamify-{NAME}" not in networks(two)
        assert f"streamify-{NAME}2" in networks(two)
    finally:
        command("down", NAME, **alone)
        command("down", f"{NAME}2", **alone)
    assert list(tmp_path.iterdir()) == []
    tmp_path.rmdir()
    assert str(tmp_path) not in Path("/proc/self/mountinfo").read_text()
    assert traces() == []
