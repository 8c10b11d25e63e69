# SPDX-License-Identifier: Apache-2.0
"""The number of tasks that autoscaling chose is its own: a run of the site touches neither it nor a target."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from deployed import fleet
from support.playbooks import assert_no_warning

ROOT = Path(__file__).resolve().parents[2]
SCALED = 7


def scale(aws: Any, outputs: dict[str, str], count: int) -> None:
    """Sets the number of tasks as Application Auto Scaling does, and waits until they serve."""
    aws("ecs").update_service(cluster=outputs["ecs_cluster"], service=outputs["ecs_service"], desiredCount=count)
    fleet.wait_until(lambda: fleet.is_whole(aws, outputs, count), f"{count} healthy tasks", seconds=90)


@pytest.fixture
def scaled(aws: Any, outputs: dict[str, str]) -> Iterator[None]:
    fleet.wait_until(lambda: fleet.is_whole(aws, outputs), "three healthy tasks")
    try:
        scale(aws, outputs, SCALED)
        yield
    finally:
        scale(aws, outputs, 3)


def targets(aws: Any, outputs: dict[str, str]) -> dict[tuple[str, str, int], str]:
    """The state of each target, by its group, address and port."""
    return {
        (group["targetGroupArn"], each["Target"]["Id"], each["Target"]["Port"]): each["TargetHealth"]["State"]
        for group in fleet.service(aws, outputs)["loadBalancers"]
        for each in aws("elbv2").describe_target_health(TargetGroupArn=group["targetGroupArn"])[
            "TargetHealthDescriptions"
        ]
    }


@pytest.mark.usefixtures("scaled")
def test_a_run_of_the_site_keeps_the_count_that_autoscaling_chose_and_every_target(
    aws: Any, outputs: dict[str, str], tmp_path: Path
) -> None:
    tasks, before = {task["taskArn"] for task in fleet.tasks(aws, outputs)}, targets(aws, outputs)
    assert len(tasks) == SCALED
    assert set(before.values()) == {"healthy"}
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "site.yml"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    log = tmp_path / "site.log"
    with log.open("w") as output:
        site = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
        try:
            while site.poll() is None:
                seen = targets(aws, outputs)
                assert set(seen) == set(before), "a target was registered or deregistered during the run"
                assert "draining" not in seen.values()
                time.sleep(0.5)
        finally:
            site.terminate()
            site.wait(timeout=30)
    assert site.returncode == 0, log.read_text()
    assert_no_warning(log.read_text())
    assert " changed=0 " in log.read_text().rpartition("PLAY RECAP")[2]
    assert fleet.service(aws, outputs)["desiredCount"] == SCALED
    assert {task["taskArn"] for task in fleet.tasks(aws, outputs)} == tasks
    assert set(targets(aws, outputs)) == set(before)


def test_the_service_scales_on_cpu_and_on_requests_with_room_for_the_loss_of_a_zone(
    aws: Any, outputs: dict[str, str]
) -> None:
    place = {
        "ServiceNamespace": "ecs",
        "ResourceId": f"service/{outputs['ecs_cluster']}/{outputs['ecs_service']}",
        "ScalableDimension": "ecs:service:DesiredCount",
    }
    scaling = aws("application-autoscaling")
    (target,) = scaling.describe_scalable_targets(
        ServiceNamespace="ecs", ResourceIds=[place["ResourceId"]], ScalableDimension=place["ScalableDimension"]
    )["ScalableTargets"]
    zones = {task["availabilityZone"] for task in fleet.tasks(aws, outputs)}
    assert target["MinCapacity"] >= len(zones)
    assert target["MaxCapacity"] >= 2 * target["MinCapacity"]
    policies = scaling.describe_scaling_policies(**place)["ScalingPolicies"]
    followed = {
        each["PredefinedMetricSpecification"]["PredefinedMetricType"]: each
        for each in (policy["TargetTrackingScalingPolicyConfiguration"] for policy in policies)
    }
    assert followed["ECSServiceAverageCPUUtilization"]["TargetValue"] <= 100 * (len(zones) - 1) / len(zones)
    label = followed["ALBRequestCountPerTarget"]["PredefinedMetricSpecification"]["ResourceLabel"]
    groups = [group["targetGroupArn"] for group in fleet.service(aws, outputs)["loadBalancers"]]
    described = aws("elbv2").describe_target_groups(TargetGroupArns=groups)["TargetGroups"]
    labels = {
        f"{group['LoadBalancerArns'][0].split('loadbalancer/')[1]}/{group['TargetGroupArn'].split(':')[-1]}"
        for group in described
    }
    assert label in labels
