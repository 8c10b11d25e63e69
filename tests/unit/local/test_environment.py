# SPDX-License-Identifier: Apache-2.0
"""An environment's names, ports and addresses are picked once and clash with nothing."""

import ipaddress
import json
import shutil
import socket
import threading
import warnings
from pathlib import Path

import pytest
from streamify_local import environment, leftovers
from streamify_local.processes import LocalCloudError, Process, Supervisor


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STREAMIFY_MACHINE_DIR", str(tmp_path / "machine"))
    monkeypatch.setattr(environment, "ROOT", tmp_path)
    monkeypatch.setattr(environment, "_host_routes", list)
    return tmp_path


def create(name: str) -> environment.Environment:
    return environment.create(name, "unix:///socket", [])


def test_two_environments_share_neither_ports_nor_addresses() -> None:
    one, two = create("one"), create("two")
    assert not set(one.ports.values()) & set(two.ports.values())
    assert (one.cidr, two.cidr) == ("10.90.0.0/16", "10.91.0.0/16")
    assert two.gateway == "10.91.0.1"


def test_what_was_picked_is_remembered() -> None:
    assert environment.load("one") is None
    made = create("one")
    assert environment.load("one") == made


def test_networks_in_use_are_avoided() -> None:
    used = [ipaddress.IPv4Network("10.90.5.0/24"), ipaddress.IPv4Network("10.91.0.0/16")]
    assert environment.create("one", "unix:///socket", used).cidr == "10.92.0.0/16"


def test_no_free_network_is_said() -> None:
    with pytest.raises(LocalCloudError, match="no /16 network"):
        environment.create("one", "unix:///socket", [ipaddress.IPv4Network("10.0.0.0/8")])


def test_default_environment_gets_its_well_known_ports_unless_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as first, socket.socket() as second:
        first.bind(("127.0.0.1", 0))
        second.bind(("127.0.0.1", 0))
        free, taken = first.getsockname()[1], second.getsockname()[1]
        first.close()
        second.listen()
        monkeypatch.setattr(environment, "DEFAULT_PORTS", {"http": free, "https": taken})
        made = create("local")
    assert made.ports["http"] == free
    assert made.ports["https"] != taken


def test_claims_of_lost_environments_are_dropped() -> None:
    one = create("one")
    assert [claim["name"] for claim in environment.claims()] == ["one"]
    shutil.rmtree(one.state_dir)
    assert environment.claims() == []
    assert create("two").cidr == one.cidr


@pytest.mark.parametrize("content", ["", '{"cidr', "[]"])
def test_half_written_state_is_recalled_from_the_machines_claim(content: str) -> None:
    one = create("one")
    (one.state_dir / "environment.json").write_text(content)
    assert environment.load("one") == one
    shutil.rmtree(one.state_dir)
    assert environment.load("one") == one, "make down must still find what it left on the machine"


@pytest.mark.parametrize("name", ["", "Local", "a b", "-a", "../x", "x" * 17, "cache", "tools"])
def test_unusable_names_are_refused(name: str) -> None:
    with pytest.raises(LocalCloudError):
        environment.state_dir_of(name)


def test_cloud_json_has_the_agreed_keys() -> None:
    cloud = create("one").cloud()
    assert json.loads(json.dumps(cloud)) == cloud
    assert cloud["ports"].keys() == {"aws", "http", "https", "grpc", "cdn", "issuer"}
    assert cloud["certificates"].keys() == {"public", "internal", "cdn"}
    assert cloud["aws_endpoint_url"] == f"http://{cloud['gateway']}:{cloud['ports']['aws']}"


def test_write_atomically_tells_whether_anything_changed(tmp_path: Path) -> None:
    file = tmp_path / "a" / "b"
    assert environment.write_atomically(file, "1", mode=0o600)
    assert not environment.write_atomically(file, "1")
    assert environment.write_atomically(file, "2")
    assert file.read_text() == "2"
    assert [path.name for path in file.parent.iterdir()] == ["b"]


def test_lock_outlives_its_files_deletion(tmp_path: Path) -> None:
    lock, order = tmp_path / "lock", []

    def second() -> None:
        with environment.locked(lock):
            order.append("second")

    with environment.locked(lock):
        thread = threading.Thread(target=second)
        thread.start()
        order.append("first")
        lock.unlink()
    thread.join(5)
    assert order == ["first", "second"]


def test_ports_and_addresses_that_somebody_took_meanwhile_are_given_up() -> None:
    one = create("one")
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", one.ports["https"]))
        stranger.listen()
        mended = environment.with_free_ports(one, {"https", "http"})
        kept = environment.with_free_ports(one, {"http"})
    assert mended.ports["https"] != one.ports["https"]
    assert {**mended.ports, "https": 0} == {**one.ports, "https": 0}
    assert kept == one, "a port that the environment serves is not looked at"
    assert not environment.lost_its_network(one, [ipaddress.IPv4Network("10.91.0.0/16")])
    assert environment.lost_its_network(one, [ipaddress.IPv4Network("10.90.5.0/24")])


def test_removal_that_was_interrupted_is_finished_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = tmp_path / "tree"
    (tree / "below").mkdir(parents=True)
    with monkeypatch.context() as interrupted:
        interrupted.setattr(shutil, "rmtree", lambda *_, **__: None)
        environment.remove_tree(tree)
    assert not tree.exists(), "what is half removed does not bear the name any more"
    (tree / "again").mkdir(parents=True)
    environment.remove_tree(tree)
    assert not list(tmp_path.glob("*tree*"))


def test_an_environment_lives_while_a_process_runs_or_a_command_is_under_way() -> None:
    one = create("one")
    assert not leftovers.is_alive(one.state_dir)
    with environment.locked(one.state_dir.parent / ".one.lock"):
        assert leftovers.is_alive(one.state_dir)
    assert not leftovers.is_alive(one.state_dir)
    supervisor = Supervisor(one.state_dir)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the child outlives whoever starts it
        supervisor.ensure([Process("one", ["/bin/sleep", "60"])])
        assert leftovers.is_alive(one.state_dir)
        supervisor.stop_all()
    assert not leftovers.is_alive(one.state_dir)
