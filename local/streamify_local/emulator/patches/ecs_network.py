# SPDX-License-Identifier: Apache-2.0
"""ECS spreads a service's tasks over its subnets' zones and gives each an address inside its subnet.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-rebalancing.html (tasks are spread over zones) and
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-networking.html (an interface of the subnet,
one for all containers of the task). Credentials and metadata are found where AWS has them
(https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-metadata-endpoint-v4-fargate.html); the environment
gets no AWS_ENDPOINT_URL beyond what the task definition says.

No task is placed in a zone that is out (`switches.impaired_zones`) while another is there, as with a zonal shift:
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-load-balancing-zonal-shift.html

ECS_NETWORK names the docker network, ECS_NETWORK_CIDR its addresses, ECS_METADATA_HOST the metadata's address.
"""

import ipaddress
import itertools
import os
import threading
from typing import Any

from docker.types import EndpointConfig
from ministack.core.responses import new_uuid
from ministack.services import ec2, ecs, ecs_metadata

from ... import switches

_lock = threading.Lock()
_cursors: dict[str, "itertools.cycle[str]"] = {}


def requested_subnets(data: dict[str, Any]) -> list[str] | None:
    """All subnets of a request's awsvpcConfiguration, from which `place` chooses one."""
    config = (data.get("networkConfiguration") or {}).get("awsvpcConfiguration") or {}
    return config.get("subnets") or None


def place(task: dict[str, Any]) -> None:
    """Put the task into the subnet whose zone holds fewest of its deployment's, then of its service's tasks."""
    known = [subnet for name in task.get("_subnet") or [] if (subnet := ec2._subnets.get(name))]
    if not known:
        return
    impaired = switches.impaired_zones()
    known = [subnet for subnet in known if subnet["AvailabilityZone"] not in impaired] or known
    with _lock:
        others = [
            other
            for other in ecs._tasks.values()
            if other is not task
            and other.get("_address")
            and other.get("desiredStatus") == "RUNNING"
            and (other.get("group"), other.get("clusterArn")) == (task.get("group"), task.get("clusterArn"))
        ]

        def load(subnet: dict[str, Any]) -> tuple[int, int]:
            here = [other for other in others if other["availabilityZone"] == subnet["AvailabilityZone"]]
            return sum(other["_deployment_id"] == task["_deployment_id"] for other in here), len(here)

        chosen = min(known, key=load)
        task["_subnet"] = chosen["SubnetId"]
        task["availabilityZone"] = chosen["AvailabilityZone"]
        task["_address"] = _next_address(chosen["CidrBlock"])


def _next_address(cidr: str) -> str | None:
    """The subnet's next address that no task has; AWS keeps the first four and the last one for itself."""
    subnet = ipaddress.ip_network(cidr)
    if not subnet.subnet_of(ipaddress.ip_network(os.environ["ECS_NETWORK_CIDR"])):  # type: ignore[arg-type]
        return None  # not this network's: docker chooses
    if cidr not in _cursors:
        _cursors[cidr] = itertools.cycle(
            str(address) for address in itertools.islice(subnet, 4, subnet.num_addresses - 1)
        )
    used = {task.get("_address") for task in ecs._tasks.values() if task.get("lastStatus") != "STOPPED"}
    return next((address for address in itertools.islice(_cursors[cidr], 4096) if address not in used), None)


def apply() -> None:
    network, metadata_host = os.environ["ECS_NETWORK"], os.environ["ECS_METADATA_HOST"]
    start_task_worker, build_run_kwargs = ecs._start_task_worker, ecs._build_run_kwargs
    register_metadata, record_task_ip = ecs._register_metadata, ecs._record_task_ip

    def start_placed(task: dict[str, Any], *rest: Any) -> None:
        place(task)
        start_task_worker(task, *rest)

    def networked_kwargs(cdef: Any, td: Any, env: Any, ports: Any, _network: Any, host_mode: bool, *rest: Any) -> Any:
        kwargs = build_run_kwargs(cdef, td, env, ports, network, host_mode, *rest)
        kwargs.pop("extra_hosts", None)
        task = ecs._tasks.get(rest[1]) or {}
        if td.get("networkMode") == "awsvpc" and task.get("_docker_ids"):
            del kwargs["network"]
            kwargs["network_mode"] = f"container:{task['_docker_ids'][0]}"
        elif task.get("_address") and not host_mode:
            version = ecs._get_docker().api._version
            kwargs["networking_config"] = {network: EndpointConfig(version, ipv4_address=task["_address"])}
        return kwargs

    def metadata(task_arn: str, cluster: Any, td: Any, cdef: Any, launch: Any, env: dict[str, str], *rest: Any) -> str:
        own = env.get("AWS_ENDPOINT_URL")
        token: str = register_metadata(task_arn, cluster, td, cdef, launch, env, *rest)
        del env["AWS_ENDPOINT_URL"], env["AWS_CONTAINER_CREDENTIALS_FULL_URI"], env["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
        if own:
            env["AWS_ENDPOINT_URL"] = own
        env["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = f"/v2/credentials/{new_uuid()}"
        env["ECS_CONTAINER_METADATA_URI_V4"] = f"http://{metadata_host}/v4/{token}"
        task = ecs._tasks.get(task_arn) or {}
        with ecs_metadata._LOCK:
            ecs_metadata._TASKS[task_arn]["AvailabilityZone"] = task.get("availabilityZone")
            if task.get("_address"):
                networks = [{"NetworkMode": "awsvpc", "IPv4Addresses": [task["_address"]]}]
                ecs_metadata._TOKEN_TO_CONTAINER[token]["Networks"] = networks
        return token

    def record_interface(task: dict[str, Any], container: Any, _network: Any) -> None:
        record_task_ip(task, container, network)
        for attachment in task.get("attachments") or []:
            interface = {"attachmentId": attachment["id"], "privateIpv4Address": ecs._task_ip(task)}
            for described in task["containers"]:
                described["networkInterfaces"] = [interface]

    ecs._requested_subnet = requested_subnets
    ecs._start_task_worker = start_placed
    ecs._build_run_kwargs = networked_kwargs
    ecs._register_metadata = metadata
    ecs._record_task_ip = record_interface
