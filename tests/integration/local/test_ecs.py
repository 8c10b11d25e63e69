# SPDX-License-Identifier: Apache-2.0
"""The emulated ECS runs a service as AWS documents it: zones, replacement, roll-back, order of stopping."""

import ipaddress
import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from integration.local.conftest import ZONES, Cloud, eventually

pytestmark = pytest.mark.integration

# An HTTP server that tells its environment, is healthy unless told otherwise, and stops slowly when asked to stop.
SERVER = """
import http.server, json, os, signal, sys, threading
class Handler(http.server.BaseHTTPRequestHandler):
    healthy = True
    def do_GET(self):
        if self.path == "/sick": Handler.healthy = False
        self.send_response(200 if Handler.healthy or self.path != "/health" else 503)
        self.end_headers()
        try: open("/file", "w"); writable = True
        except OSError: writable = False
        self.wfile.write(json.dumps({"env": dict(os.environ), "uid": os.getuid(), "writable": writable}).encode())
    def log_message(self, *args): pass
server = http.server.ThreadingHTTPServer(("", 8080), Handler)
signal.signal(signal.SIGTERM, lambda *_: threading.Timer(2, lambda: os._exit(7)).start())
server.serve_forever()
"""


def register(cloud: Cloud, family: str, program: str = SERVER) -> str:
    definition = cloud.ecs.register_task_definition(
        family=family,
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="256",
        memory="512",
        taskRoleArn="arn:aws:iam::000000000000:role/uploader",
        containerDefinitions=[
            {
                "name": "api",
                "image": cloud.image,
                "entryPoint": ["/usr/bin/python3.13", "-c"],
                "command": [program],
                "user": "10001",
                "readonlyRootFilesystem": True,
                "stopTimeout": 10,
                "environment": [{"name": "AWS_ENDPOINT_URL_S3", "value": cloud.environment.endpoint}],
                "portMappings": [{"containerPort": 8080}],
            }
        ],
    )
    return str(definition["taskDefinition"]["taskDefinitionArn"])


def service_of(cloud: Cloud, name: str) -> dict[str, Any]:
    (service,) = cloud.ecs.describe_services(cluster="test", services=[name])["services"]
    return dict(service)


def tasks_of(cloud: Cloud, name: str, desired: str = "RUNNING") -> list[dict[str, Any]]:
    arns = cloud.ecs.list_tasks(cluster="test", serviceName=name, desiredStatus=desired)["taskArns"]
    return list(cloud.ecs.describe_tasks(cluster="test", tasks=arns)["tasks"]) if arns else []


def running(cloud: Cloud, name: str) -> list[dict[str, Any]]:
    return [task for task in tasks_of(cloud, name) if task["lastStatus"] == "RUNNING"]


def steady(cloud: Cloud, name: str) -> list[dict[str, Any]] | None:
    service = service_of(cloud, name)
    done = [deployment["rolloutState"] for deployment in service["deployments"] if deployment["status"] == "PRIMARY"]
    tasks = running(cloud, name)
    return tasks if done == ["COMPLETED"] and len(tasks) == service["desiredCount"] else None


def address(task: dict[str, Any]) -> str:
    details = {item["name"]: item["value"] for item in task["attachments"][0]["details"]}
    return str(details["privateIPv4Address"])


def get(task: dict[str, Any], path: str = "/") -> dict[str, Any]:
    with urllib.request.urlopen(f"http://{address(task)}:8080{path}", timeout=5) as response:
        return dict(json.loads(response.read()))


def container_id(task: dict[str, Any]) -> str:
    return str(task["containers"][0]["runtimeId"])


@pytest.fixture(scope="module")
def target_group(cloud: Cloud) -> str:
    made = cloud.elbv2.create_target_group(
        Name="tg", Protocol="HTTP", Port=8080, VpcId=cloud.vpc_id, TargetType="ip", HealthCheckPath="/health",
        HealthCheckIntervalSeconds=5, HealthyThresholdCount=2, UnhealthyThresholdCount=2, HealthCheckTimeoutSeconds=2,
    )  # fmt: skip
    arn = made["TargetGroups"][0]["TargetGroupArn"]
    cloud.elbv2.modify_target_group_attributes(
        TargetGroupArn=arn, Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "3"}]
    )
    balancer = cloud.elbv2.create_load_balancer(Name="lb", Subnets=list(cloud.subnets.values()))["LoadBalancers"][0]
    cloud.elbv2.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=cloud.environment.ports["http"],
        DefaultActions=[{"Type": "forward", "TargetGroupArn": arn}],
    )  # fmt: skip
    return str(arn)


@pytest.fixture(scope="module")
def service(cloud: Cloud, target_group: str) -> Iterator[str]:
    cloud.ecs.create_cluster(clusterName="test")
    cloud.ecs.create_service(
        cluster="test",
        serviceName="api",
        taskDefinition=register(cloud, "api"),
        desiredCount=3,
        launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": {"subnets": list(cloud.subnets.values())}},
        loadBalancers=[{"targetGroupArn": target_group, "containerName": "api", "containerPort": 8080}],
        deploymentConfiguration={"deploymentCircuitBreaker": {"enable": True, "rollback": True}},
        healthCheckGracePeriodSeconds=5,
    )
    assert service_of(cloud, "api")["deployments"][0]["rolloutState"] == "IN_PROGRESS"
    eventually(lambda: steady(cloud, "api"))
    yield "api"
    cloud.ecs.delete_service(cluster="test", service="api", force=True)


def test_tasks_run_one_a_zone_with_an_address_of_their_subnet(cloud: Cloud, service: str) -> None:
    tasks = running(cloud, service)
    assert sorted(task["availabilityZone"] for task in tasks) == list(ZONES)
    for task in tasks:
        details = {item["name"]: item["value"] for item in task["attachments"][0]["details"]}
        assert details["subnetId"] == cloud.subnets[task["availabilityZone"]]
        number = ZONES.index(task["availabilityZone"]) + 1
        first_two = cloud.environment.cidr.removesuffix(".0.0/16")
        assert ipaddress.ip_address(address(task)) in ipaddress.ip_network(f"{first_two}.{16 * number}.0/20")


def test_containers_run_as_their_definition_says(cloud: Cloud, service: str) -> None:
    task = running(cloud, service)[0]
    seen = get(task)
    assert (seen["uid"], seen["writable"]) == (10001, False)
    assert "AWS_ENDPOINT_URL" not in seen["env"]
    assert seen["env"]["AWS_ENDPOINT_URL_S3"] == cloud.environment.endpoint
    host = cloud.docker.containers.get(container_id(task)).attrs["HostConfig"]
    assert (host["CpuShares"], host["Memory"]) == (256, 512 * 1024 * 1024)


def test_credentials_and_metadata_are_found_where_aws_has_them(cloud: Cloud, service: str) -> None:
    task = running(cloud, service)[0]
    container = cloud.docker.containers.get(container_id(task))

    def fetched(url: str) -> dict[str, str]:
        program = f"import os,urllib.request as u; print(u.urlopen({url}).read().decode())"
        code, output = container.exec_run(["/usr/bin/python3.13", "-c", program])
        assert code == 0, output
        return dict(json.loads(output))

    given = fetched("'http://169.254.170.2' + os.environ['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI']")
    sts = boto3.client(
        "sts",
        endpoint_url=cloud.environment.endpoint,
        region_name="eu-central-1",
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["Token"],
    )
    assert ":assumed-role/uploader/" in sts.get_caller_identity()["Arn"]
    assert (
        fetched("os.environ['ECS_CONTAINER_METADATA_URI_V4'] + '/task'")["AvailabilityZone"]
        == (task["availabilityZone"])
    )


def test_killed_task_is_replaced_in_its_zone_with_another_address(cloud: Cloud, service: str) -> None:
    before = {task["taskArn"]: task for task in running(cloud, service)}
    victim = next(iter(before.values()))
    cloud.docker.containers.get(container_id(victim)).kill()
    eventually(lambda: victim["taskArn"] not in {task["taskArn"] for task in tasks_of(cloud, service)}, 2)
    replaced = [t for t in eventually(lambda: steady(cloud, service)) if t["taskArn"] not in before]
    assert [task["availabilityZone"] for task in replaced] == [victim["availabilityZone"]]
    assert address(replaced[0]) != address(victim)
    (stopped,) = cloud.ecs.describe_tasks(cluster="test", tasks=[victim["taskArn"]])["tasks"]
    assert stopped["stoppedReason"] == "Essential container in task exited"
    assert stopped["containers"][0]["exitCode"] == 137


def test_stop_task_drains_then_terminates_and_replaces_at_once(cloud: Cloud, service: str, target_group: str) -> None:
    victim = running(cloud, service)[0]
    cloud.ecs.stop_task(cluster="test", task=victim["taskArn"], reason="a test")
    target = [{"Id": address(victim), "Port": 8080}]
    described = cloud.elbv2.describe_target_health(TargetGroupArn=target_group, Targets=target)
    assert described["TargetHealthDescriptions"][0]["TargetHealth"]["State"] == "draining"
    assert get(victim)["uid"] == 10001, "it serves what runs while it drains"
    assert len(tasks_of(cloud, service)) == 3

    def described_victim() -> dict[str, Any]:
        return dict(cloud.ecs.describe_tasks(cluster="test", tasks=[victim["taskArn"]])["tasks"][0])

    assert described_victim()["lastStatus"] == "DEACTIVATING"
    stopped = eventually(lambda: described_victim() if described_victim()["lastStatus"] == "STOPPED" else None)
    assert (stopped["stoppedReason"], stopped["containers"][0]["exitCode"]) == ("a test", 7)
    eventually(lambda: steady(cloud, service))


def test_task_that_fails_the_balancers_checks_is_replaced(cloud: Cloud, service: str, target_group: str) -> None:
    victim = eventually(lambda: steady(cloud, service))[0]
    get(victim, "/sick")
    eventually(lambda: victim["taskArn"] not in {task["taskArn"] for task in tasks_of(cloud, service)})
    (stopped,) = cloud.ecs.describe_tasks(cluster="test", tasks=[victim["taskArn"]])["tasks"]
    assert stopped["stoppedReason"] == f"Task failed ELB health checks in (target-group {target_group})"
    eventually(lambda: steady(cloud, service))


def test_image_that_dies_after_two_seconds_is_rolled_back_and_old_tasks_stay(cloud: Cloud, service: str) -> None:
    before = {task["taskArn"] for task in eventually(lambda: steady(cloud, service))}
    good = service_of(cloud, service)["taskDefinition"]
    bad = register(cloud, "api", "import sys, time; time.sleep(2); sys.exit(3)")
    began = cloud.ecs.update_service(cluster="test", service=service, taskDefinition=bad)["service"]["deployments"][0]

    def outcome() -> str:
        states = {d["id"]: d["rolloutState"] for d in service_of(cloud, service)["deployments"]}
        return str(states.get(began["id"], ""))

    eventually(lambda: outcome() == "FAILED")
    assert {task["taskArn"] for task in running(cloud, service)} >= before
    eventually(lambda: steady(cloud, service))
    assert {task["taskArn"] for task in running(cloud, service)} == before
    after = service_of(cloud, service)
    assert after["taskDefinition"] == good
    assert "Essential container in task exited (exit code 3)" in json.dumps(after["events"], default=str)
    dead = [t for t in tasks_of(cloud, service, "STOPPED") if t["taskDefinitionArn"] == bad]
    assert "Essential container in task exited" in {task["stoppedReason"] for task in dead}


def test_new_revision_replaces_all_tasks(cloud: Cloud, service: str) -> None:
    before = {task["taskArn"] for task in eventually(lambda: steady(cloud, service))}
    cloud.ecs.update_service(cluster="test", service=service, taskDefinition=register(cloud, "api"))
    eventually(lambda: not before & {task["taskArn"] for task in running(cloud, service)})
    tasks = eventually(lambda: steady(cloud, service))
    assert sorted(task["availabilityZone"] for task in tasks) == list(ZONES)
    assert [d["status"] for d in service_of(cloud, service)["deployments"]] == ["PRIMARY"]


def test_service_keeps_its_fields(cloud: Cloud, service: str) -> None:
    cloud.ecs.update_service(cluster="test", service=service, availabilityZoneRebalancing="DISABLED")
    described = service_of(cloud, service)
    assert described["availabilityZoneRebalancing"] == "DISABLED"
    assert described["platformVersion"] == "LATEST"
    assert described["deploymentConfiguration"]["maximumPercent"] == 200
    assert len(described["deployments"]) == 1, "none of that starts a deployment"


def test_scaling_policy_is_stored_and_read_back(cloud: Cloud, service: str) -> None:
    target = {
        "ServiceNamespace": "ecs",
        "ResourceId": f"service/test/{service}",
        "ScalableDimension": "ecs:service:DesiredCount",
    }
    scaling = cloud.autoscaling
    arn = scaling.register_scalable_target(**target, MinCapacity=3, MaxCapacity=9, Tags={"a": "b"})["ScalableTargetARN"]
    configuration = {
        "TargetValue": 60.0,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
    }
    scaling.put_scaling_policy(
        **target, PolicyName="cpu", PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=configuration,
    )  # fmt: skip
    (found,) = scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    assert (found["MinCapacity"], found["MaxCapacity"], found["ScalableTargetARN"]) == (3, 9, arn)
    assert scaling.list_tags_for_resource(ResourceARN=arn)["Tags"] == {"a": "b"}
    (policy,) = scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]
    assert policy["TargetTrackingScalingPolicyConfiguration"] == configuration
    scaling.deregister_scalable_target(**target)
    assert scaling.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"] == []
    with pytest.raises(scaling.exceptions.ObjectNotFoundException):
        scaling.delete_scaling_policy(**target, PolicyName="cpu")
