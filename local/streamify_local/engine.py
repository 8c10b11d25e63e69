# SPDX-License-Identifier: Apache-2.0
"""The container engine: a running one is used as it is, otherwise one dockerd of our own serves all environments.

Our own keeps its data below `machine_dir()/engine`; the last environment's `down` stops it and removes the data.
"""

import ipaddress
import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import docker
from docker.errors import DockerException, NotFound
from docker.types import IPAMConfig, IPAMPool

from .environment import Environment, machine_dir, remove_tree
from .processes import LocalCloudError, Process, Supervisor

LABEL = "streamify.env"
STATE_LABEL = "streamify.state-dir"
BASE_IMAGE = "streamify-base"
_TIMEOUT_SECONDS = 120
# Where tasks find credentials and metadata, on AWS and here; SDKs accept no other plain-HTTP host
# (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html).
METADATA_ADDRESS = "169.254.170.2"


def engine_dir() -> Path:
    return machine_dir() / "engine"


def own_host() -> str:
    """The address of our own engine's socket."""
    return f"unix://{engine_dir() / 'docker.sock'}"


def client(host: str) -> Any:
    """A client of a running engine.

    Raises:
        LocalCloudError: no engine answers there.
    """
    try:
        connected = docker.DockerClient(base_url=host, timeout=_TIMEOUT_SECONDS)
        connected.ping()
    except DockerException as error:
        raise LocalCloudError(f"no container engine answers at {host}: {error}") from error
    return connected


def ensure(host: str | None = None) -> str:
    """The address of an engine that answers: `host`, the one that runs anyway, or our own, started if need be."""
    candidates = [host] if host else [os.environ.get("DOCKER_HOST"), "unix:///var/run/docker.sock"]
    for candidate in candidates:
        if candidate and candidate != own_host():
            try:
                client(candidate).close()
            except LocalCloudError:
                if candidate == host:
                    raise
            else:
                return candidate
    if os.geteuid() != 0:
        raise LocalCloudError("no container engine is running: start Docker, or run this as root to have one started.")
    directory = engine_dir()
    command = ["dockerd", "--storage-driver=overlay2", "--bridge=none", f"--host={own_host()}"]
    command += [f"--data-root={directory / 'data'}", f"--exec-root={directory / 'exec'}"]
    command += [f"--pidfile={directory / 'dockerd.pid'}"]
    supervisor = Supervisor(directory)
    if supervisor.pid("dockerd") is None:
        for leftover in ("dockerd.pid", "docker.sock", "exec/containerd/containerd.pid"):
            (directory / leftover).unlink(missing_ok=True)
    supervisor.ensure([Process("dockerd", command, ready=_answers, timeout=60)])
    return own_host()


def _answers() -> bool:
    with suppress(LocalCloudError):
        client(own_host()).close()
        return True
    return False


def stop_own() -> None:
    """Stop our own engine, if there is one, and remove its mounts and data."""
    directory = engine_dir()
    if not directory.exists():
        return
    supervisor = Supervisor(directory)
    supervisor.stop("dockerd", grace=30)
    supervisor.stop_all()
    remove_tree(directory)


def networks(engine: Any) -> list[ipaddress.IPv4Network]:
    """What the engine's networks cover."""
    found = []
    for network in engine.networks.list():
        for pool in (network.attrs.get("IPAM") or {}).get("Config") or []:
            with suppress(ValueError):
                found.append(ipaddress.IPv4Network(pool.get("Subnet", ""), strict=False))
    return found


def ensure_network(engine: Any, environment: Environment) -> bool:
    """Make the environment's network, which covers the VPC's addresses; True if it was missing.

    Raises:
        LocalCloudError: another checkout's environment of that name uses this engine.
    """
    changed = _ensure_metadata_route(environment)
    for network in engine.networks.list(names=[f"^{environment.network}$"]):
        owner = (network.attrs.get("Labels") or {}).get(STATE_LABEL, "")
        if owner != str(environment.state_dir) and Path(owner).is_dir():
            raise LocalCloudError(f"the environment '{environment.name}' belongs to {owner}: set STREAMIFY_ENV.")
        if network.attrs["IPAM"]["Config"][0]["Subnet"] == environment.cidr:
            return changed
        _remove_network(network)
    subnet = ipaddress.IPv4Network(environment.cidr)
    # Addresses that nobody asked for come from a /24 which holds no subnet of the VPC.
    pool = IPAMPool(str(subnet), gateway=environment.gateway, iprange=f"{subnet.network_address}/24")
    engine.networks.create(
        environment.network,
        driver="bridge",
        ipam=IPAMConfig(pool_configs=[pool]),
        labels={LABEL: environment.name, STATE_LABEL: str(environment.state_dir)},
    )
    return True


def remove_containers(engine: Any, environment: Environment) -> None:
    """Remove the environment's tasks, at whatever state."""
    for container in engine.containers.list(all=True, filters={"label": f"{LABEL}={environment.name}"}):
        if container.labels.get(STATE_LABEL) == str(environment.state_dir):
            with suppress(NotFound):
                container.remove(force=True, v=True)


def remove_environment(engine: Any, environment: Environment, *, last: bool) -> None:
    """Remove the environment's containers, network and images; and the base image if it was the `last` one."""
    remove_containers(engine, environment)
    for network in engine.networks.list(names=[f"^{environment.network}$"]):
        if (network.attrs.get("Labels") or {}).get(STATE_LABEL) == str(environment.state_dir):
            _remove_network(network)
    while _iptables("-D", environment):
        pass
    images = {image.id: image for image in engine.images.list(all=True)}
    doomed = {
        image.id
        for image in images.values()
        for reference in (image.attrs.get("RepoTags") or []) + (image.attrs.get("RepoDigests") or [])
        if reference.startswith(f"{environment.registry}/") or (last and reference.startswith(f"{BASE_IMAGE}:"))
    }
    if last:  # and whatever was built on the base, which is never wanted without it
        grown = True
        while grown:
            children = {i for i, image in images.items() if image.attrs.get("ParentId") in doomed} - doomed
            doomed |= children
            grown = bool(children)
    for image_id in sorted(doomed, key=lambda i: images[i].attrs["Created"], reverse=True):
        with suppress(DockerException):  # in use by somebody's container: not ours to take
            engine.api.remove_image(image_id, force=True)


def _remove_network(network: Any) -> None:
    network.reload()
    for container_id in network.attrs.get("Containers") or {}:
        with suppress(NotFound):
            network.client.containers.get(container_id).remove(force=True, v=True)
    network.remove()


def _ensure_metadata_route(environment: Environment) -> bool:
    """Lead the containers' requests to ECS's credentials and metadata address to the emulator."""
    if _iptables("-C", environment):
        return False
    if not _iptables("-A", environment):
        raise LocalCloudError(f"iptables could not lead {METADATA_ADDRESS} to the emulator: run this as root.")
    return True


def _iptables(action: str, environment: Environment) -> bool:
    rule = ["PREROUTING", "-s", environment.cidr, "-d", METADATA_ADDRESS, "-p", "tcp", "--dport", "80"]
    rule += ["-m", "comment", "--comment", environment.network]
    rule += ["-j", "DNAT", "--to-destination", f"{environment.gateway}:{environment.ports['aws']}"]
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    iptables = shutil.which("iptables", path=path)
    if iptables is None:
        return False
    command = [iptables, "--wait", "-t", "nat", action, *rule]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
