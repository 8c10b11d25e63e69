# SPDX-License-Identifier: Apache-2.0
"""An environment or engine that was killed does not stand in the way of the next one, of this checkout or another."""

import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import pytest
from integration.local.conftest import eventually
from streamify_local import base_image, engine, environment, leftovers
from streamify_local.processes import Stat

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        os.geteuid() != 0 or Path("/var/run/docker.sock").exists(), reason="an engine runs, or this user may start none"
    ),
]
NAME = f"ll{os.getpid() % 1_000_000}"  # another checkout may run these tests at the same time


@dataclass(frozen=True)
class Checkout:
    """A checkout with nothing but the local cloud in it."""

    root: Path

    @property
    def state_dir(self) -> Path:
        return self.root / ".local" / NAME

    def run(self, name: str) -> "subprocess.CompletedProcess[str]":
        arguments = [sys.executable, "-m", "streamify_local", name, "--env", NAME]
        variables = {**os.environ, "PYTHONPATH": str(self.root / "local")}
        return subprocess.run(arguments, env=variables, capture_output=True, text=True, check=False, timeout=180)

    def command(self, name: str) -> dict[str, Any]:
        done = self.run(name)
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))

    def kill_everything(self) -> None:
        for record in [*(self.state_dir / "run").glob("*.stat"), engine.engine_dir() / "run" / "dockerd.stat"]:
            kill(record)


def kill(record: Path) -> None:
    stat = Stat.parse(record.read_text())
    if stat and Stat.of(stat.pid):
        os.kill(stat.pid, signal.SIGKILL)
        eventually(lambda: (now := Stat.of(stat.pid)) is None or now.state in "ZX", 10)


@pytest.fixture
def checkout(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Checkout]]:
    """Makes checkouts that share a machine of their own, with an engine of its own."""
    directory = Path(tempfile.mkdtemp())  # pytest's own are too long to hold a Unix socket's path
    monkeypatch.setenv("STREAMIFY_MACHINE_DIR", str(directory / "m"))
    monkeypatch.setenv("DOCKER_HOST", "")
    made = []

    def make(name: str) -> Checkout:
        shutil.copytree(environment.ROOT / "local", directory / name / "local")
        made.append(Checkout(directory / name))
        return made[-1]

    try:
        yield make
    finally:
        for one in made:
            one.command("down")
        engine.stop_own()
        environment.remove_tree(directory)
    assert str(directory) not in Path("/proc/self/mountinfo").read_text()


def connected() -> closing[Any]:
    return closing(docker.DockerClient(base_url=engine.own_host()))


def start_container() -> str:
    """A container as the emulator starts them, but one that the engine starts again; returns its id."""
    with connected() as client:
        network = client.networks.get(f"streamify-{NAME}")
        labels = {engine.LABEL: NAME, engine.STATE_LABEL: network.attrs["Labels"][engine.STATE_LABEL]}
        container = client.containers.run(
            f"{engine.BASE_IMAGE}:{base_image.recipe()}",
            ["/usr/bin/sleep", "1000"],
            detach=True,
            network=network.name,
            labels=labels,
            restart_policy={"Name": "always"},
        )
        return str(container.id)


def start_engine() -> None:
    """Outside of this process: the engine outlives whoever starts it."""
    start = "from streamify_local import engine; engine.ensure()"
    variables = {**os.environ, "PYTHONPATH": str(environment.ROOT / "local")}
    subprocess.run([sys.executable, "-c", start], env=variables, check=True)


def import_image() -> None:
    """Something to run, under the name of the base image, which then need not be built."""
    linked = subprocess.run(["ldd", "/usr/bin/sleep"], capture_output=True, text=True, check=True).stdout
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for path in ["/usr/bin/sleep", *(word for word in linked.split() if word.startswith("/"))]:
            archive.add(os.path.realpath(path), path)
    with connected() as client:
        client.api.import_image_from_data(content.getvalue(), repository=engine.BASE_IMAGE, tag=base_image.recipe())


def rules() -> list[str]:
    listed = subprocess.run(["iptables", "-t", "nat", "-S"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if f"streamify-{NAME}" in line]


def bridges(address: str) -> list[str]:
    listed = json.loads(subprocess.run(["ip", "-json", "address"], capture_output=True, check=True).stdout)
    return [link["ifname"] for link in listed if address in {a.get("local") for a in link["addr_info"]}]


def processes_in(directory: Path) -> list[str]:
    lines = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                output = str((entry / "fd" / "1").readlink())
            except OSError:
                continue
            lines += [f"{entry.name} {output}"] if output.startswith(f"{directory}/") else []
    return lines


def test_a_living_environments_name_is_refused_and_a_dead_ones_taken_over(checkout: Callable[[str], Checkout]) -> None:
    first, second = checkout("a"), checkout("b")
    start_engine()
    import_image()
    old = first.command("up")
    start_container()

    refused = second.run("up")
    assert refused.returncode == 1
    assert f"belongs to {first.state_dir} and runs" in refused.stderr
    assert not second.state_dir.exists()
    kill(first.state_dir / "run" / "emulator.stat")
    assert second.run("up").returncode == 1, "its balancer and CDN still live"

    first.kill_everything()
    assert processes_in(first.state_dir), "nginx's worker outlives its master: the test is to show that it goes"
    new = second.command("up")
    assert new["docker_host"] == old["docker_host"]
    assert processes_in(first.state_dir) == []
    assert leftovers.is_alive(second.state_dir)
    with connected() as client:
        assert client.containers.list(all=True) == []
        (network,) = client.networks.list(names=[f"^streamify-{NAME}$"])
    assert network.attrs["Labels"][engine.STATE_LABEL] == str(second.state_dir)
    (rule,) = rules()
    assert rule.endswith(f"{new['gateway']}:{new['ports']['aws']}")
    assert bridges(new["gateway"]) == [f"br-{network.id[:12]}"]
    assert not second.command("up")["changed"]

    assert first.run("up").returncode == 1, "it is the other way round now"
    first.command("down")
    assert rules() == [rule]
    assert not second.command("up")["changed"], "the old owner's down takes nothing from the new one"


def test_up_survives_a_killed_engine_half_removed_files_and_a_port_in_use(checkout: Callable[[str], Checkout]) -> None:
    one = checkout("a")
    start_engine()
    import_image()
    before = one.command("up")
    start_container()
    one.kill_everything()
    environment.remove_tree(engine.engine_dir() / "exec")  # what finds the containers again
    data = engine.engine_dir() / "data"
    environment.remove_tree(data / "network")
    assert leftovers.lost_layers(data) == []
    (layer, *_) = (data / "image" / "overlay2" / "layerdb" / "sha256").glob("*/cache-id")
    environment.remove_tree(data / "overlay2" / layer.read_text())
    (engine.engine_dir() / "dockerd.pid").write_text(str(os.getpid()))  # another process has that id by now
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stranger.bind(("127.0.0.1", before["ports"]["https"]))
        stranger.listen()
        after = one.command("up")
    assert after["ports"].pop("https") != before["ports"].pop("https")
    assert after["ports"] == before["ports"]
    assert len(bridges(after["gateway"])) == 1, "a second one would get the tasks' traffic"

    import_image()
    container = start_container()
    with connected() as client:
        assert client.containers.get(container).status == "running"
    assert not one.command("up")["changed"]
