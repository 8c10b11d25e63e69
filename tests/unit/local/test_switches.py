# SPDX-License-Identifier: Apache-2.0
"""A running local cloud is switched: the balancer's kindness, and zones that are out."""

import json
import threading
import time
from pathlib import Path

import pytest
from ministack.services import ec2, ecs
from streamify_local import switches
from streamify_local.emulator.patches import ecs_exits, ecs_network
from streamify_local.environment import Environment
from streamify_local.processes import LocalCloudError


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    (tmp_path / "cloud.json").write_text(json.dumps({"env": "one", "balancer_mode": "tuned"}))
    monkeypatch.setenv(switches.DIRECTORY_VARIABLE, str(tmp_path))
    return Environment("one", tmp_path, "10.90.0.0/16", {}, "unix:///socket")


def test_switch_returns_once_the_balancer_was_told(environment: Environment) -> None:
    reconciler = threading.Timer(0.3, switches.confirm_mode, (environment.state_dir, "alb"))
    reconciler.start()
    assert switches.set_balancer_mode(environment, "alb")
    assert not reconciler.is_alive() or switches.applied_mode(environment.state_dir) == "alb"
    assert switches.balancer_mode(environment.state_dir) == "alb"
    assert json.loads((environment.state_dir / "cloud.json").read_text())["env"] == "one"
    assert not switches.set_balancer_mode(environment, "alb")


def test_switch_without_a_reconciler_says_so(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switches, "_WAIT_SECONDS", 0.2)
    with pytest.raises(LocalCloudError, match="did not take the setting 'alb'"):
        switches.set_balancer_mode(environment, "alb")


def test_unknown_setting_is_refused(environment: Environment) -> None:
    with pytest.raises(LocalCloudError, match="use one of alb, tuned"):
        switches.set_balancer_mode(environment, "kind")


def test_ecs_notices_a_dead_container_late_in_the_setting_alb(environment: Environment) -> None:
    assert switches.notice_seconds() == 0
    switches.confirm_mode(environment.state_dir, "alb")
    switches.set_balancer_mode(environment, "alb")
    assert switches.notice_seconds() == 10


def test_dead_container_is_reflected_after_the_delay_and_not_before(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    reflected, active = [], [True]

    class Docker:
        class api:  # noqa: N801 - as docker's client has it
            @staticmethod
            def wait(_docker_id: str, timeout: object) -> None:
                pass

    def reflect(task: object, _client: object) -> None:
        reflected.append(time.monotonic())
        active[0] = False

    monkeypatch.setattr(ecs, "_task_is_active", lambda *_: active[0])
    monkeypatch.setattr(ecs_exits, "_reflect_exit", reflect)
    monkeypatch.setitem(switches.ECS_NOTICE_SECONDS, "tuned", 0.5)
    began = time.monotonic()
    ecs_exits.watch({"taskArn": "arn:1", "_docker_ids": ["one"]}, Docker, "000000000000", "eu-central-1")
    while not reflected:
        time.sleep(0.05)
    assert reflected[0] - began >= 0.5


def test_no_task_is_placed_in_a_zone_that_is_out(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECS_NETWORK_CIDR", "10.90.0.0/16")
    subnets = {f"subnet-{zone}": f"10.90.{16 * n}.0/20" for n, zone in enumerate("ab", 1)}
    for name, cidr in subnets.items():
        subnet = {"SubnetId": name, "AvailabilityZone": f"eu-central-1{name[-1]}", "CidrBlock": cidr}
        monkeypatch.setitem(ec2._subnets, name, subnet)

    def placed() -> str:
        task = {"taskArn": "arn:1", "_subnet": list(subnets), "_deployment_id": "d1"}
        ecs_network.place(task)
        return str(task["availabilityZone"])

    switches.set_impaired_zones(environment.state_dir, ["eu-central-1a"])
    assert placed() == "eu-central-1b"
    switches.set_impaired_zones(environment.state_dir, ["eu-central-1a", "eu-central-1b"])
    assert placed() == "eu-central-1a", "with every zone out, any is better than none"
    switches.set_impaired_zones(environment.state_dir, [])
    assert placed() == "eu-central-1a"
