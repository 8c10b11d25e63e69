# SPDX-License-Identifier: Apache-2.0
"""The container engine: a running one is used as it is, otherwise one dockerd of our own serves all environments.

Our own keeps its data below `machine_dir()/engine`; the last environment's `down` stops it and removes the data.
"""

import ipaddress
import os
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, DockerException, NotFound
from docker.types import IPAMConfig, IPAMPool

from . import leftovers, metadata_route
from .environment import Environment, forget, machine_dir, remove_tree
from .processes import LocalCloudError, Process, Supervisor

LABEL = "streamify.env"
STATE_LABEL = "streamify.state-dir"
BASE_IMAGE = "streamify-base"
_TIMEOUT_SECONDS = 120


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
    if not _answers():
        _start_own()
    return own_host()


def _start_own() -> None:
    """Start our own engine, also on what a killed one left: its data where they can be used, else from nothing.

    Raises:
        LocalCloudError: it does not start on an empty directory either.
    """
    directory = engine_dir()
    command = ["dockerd", "--storage-driver=overlay2", "--bridge=none", f"--host={own_host()}"]
    command += [f"--data-root={directory / 'data'}", f"--exec-root={directory / 'exec'}"]
    command += [f"--pidfile={directory / 'dockerd.pid'}"]
    supervisor = Supervisor(directory)
    process = Process("dockerd", command, ready=_answers, timeout=60)
    if supervisor.pid("dockerd"):
        supervisor.ensure([process])  # still starting
        return
    supervisor.sweep()
    leftovers.kill_orphans(directory)
    for leftover in ("dockerd.pid", "docker.sock"):
        (directory / leftover).unlink(missing_ok=True)
    remove_tree(directory / "exec")  # as after a boot: dockerd keeps nothing there that outlives it
    data = directory / "data"
    if leftovers.lost_layers(data):
        remove_tree(data)
    try:
        supervisor.ensure([process])
    except LocalCloudError:
        if not data.is_dir():
            raise
        leftovers.kill_orphans(directory)
        remove_tree(directory / "exec")
        remove_tree(data)
        supervisor.ensure([process])


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
    leftovers.kill_orphans(directory)
    remove_tree(directory)


def networks(engine: Any, *, but: str = "") -> list[ipaddress.IPv4Network]:
    """What the engine's networks cover, but the one of that name."""
    found = []
    for network in engine.networks.list():
        if network.name == but:
            continue
        for pool in (network.attrs.get("IPAM") or {}).get("Config") or []:
            with suppress(ValueError):
                found.append(ipaddress.IPv4Network(pool.get("Subnet", ""), strict=False))
    return found


def ensure_network(engine: Any, environment: Environment) -> bool:
    """Make the environment's network, which covers the VPC's addresses; True if it was missing.

    An environment of that name whose processes are all dead is taken over: what it left is removed.

    Raises:
        LocalCloudError: another checkout's environment of that name lives on this engine.
    """
    changed = True
    for network in engine.networks.list(names=[f"^{environment.network}$"]):
        owner = _owner(network)
        if owner != str(environment.state_dir):
            if Path(owner).is_dir() and leftovers.is_alive(Path(owner)):
                raise LocalCloudError(
                    f"the environment '{environment.name}' belongs to {owner} and runs:"
                    " take it down there, or set STREAMIFY_ENV to another name."
                )
            _remove_left_by(engine, Path(owner), network)
        elif network.attrs["IPAM"]["Config"][0]["Subnet"] == environment.cidr:
            changed = False
        else:
            _remove_network(network)
    leftovers.remove_stale_bridges(environment, kept={f"br-{network.id[:12]}" for network in engine.networks.list()})
    metadata_changed = metadata_route.ensure(environment)
    if not changed:
        return metadata_changed
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


def _owner(network: Any) -> str:
    return str((network.attrs.get("Labels") or {}).get(STATE_LABEL, ""))


def _remove_left_by(engine: Any, owner: Path, network: Any) -> None:
    """Remove what a dead environment left: processes, containers, images, its network and its claim."""
    if owner.is_absolute():
        Supervisor(owner).stop_all()
        facts = forget(owner)
        remove_containers(engine, owner)
        if facts:
            _remove_images(engine, (f"127.0.0.1:{facts['ports']['aws']}/",))
    _remove_network(network)


def remove_containers(engine: Any, state_dir: Path) -> None:
    """Remove the environment's tasks, at whatever state."""
    label = f"{STATE_LABEL}={state_dir}"
    for container in engine.containers.list(all=True, filters={"label": label}, ignore_removed=True):
        _remove_container(container)


def _remove_container(container: Any) -> None:
    with suppress(NotFound):
        try:
            container.remove(force=True, v=True)
        except APIError as error:
            if error.status_code != HTTPStatus.CONFLICT:  # somebody else is removing it
                raise
            container.wait(condition="removed", timeout=_TIMEOUT_SECONDS)


def remove_environment(engine: Any, environment: Environment, *, last: bool) -> None:
    """Remove the environment's containers, network and images; and the base image if it was the `last` one."""
    remove_containers(engine, environment.state_dir)
    for network in engine.networks.list(names=[f"^{environment.network}$"]):
        if _owner(network) != str(environment.state_dir):
            return  # another checkout took the name over: all that bears it now is its own
        _remove_network(network)
    metadata_route.remove(environment)
    prefixes = (f"{environment.registry}/", f"{BASE_IMAGE}:") if last else (f"{environment.registry}/",)
    _remove_images(engine, prefixes, with_children=last)


def _remove_images(engine: Any, prefixes: tuple[str, ...], *, with_children: bool = False) -> None:
    """Remove the images whose references start so, and whatever was built on them, which is never wanted without.

    An image that has other references too, which other environments work with, loses these alone.
    """
    images = {image.id: image for image in engine.images.list(all=True)}
    doomed = {i for i, image in images.items() if any(name.startswith(prefixes) for name in _references(image))}
    shared = {i for i in doomed if not all(name.startswith(prefixes) for name in _references(images[i]))}
    for image_id in shared:
        for name in _references(images[image_id]):
            if name.startswith(prefixes):
                with suppress(DockerException):  # the digest goes with the repository's last tag
                    engine.api.remove_image(name)
    grown = with_children
    while grown:
        children = {i for i, image in images.items() if image.attrs.get("ParentId") in doomed} - doomed
        doomed |= children
        grown = bool(children)
    for image_id in sorted(doomed - shared, key=lambda i: images[i].attrs["Created"], reverse=True):
        with suppress(DockerException):  # in use by somebody's container: not ours to take
            engine.api.remove_image(image_id, force=True)


def _references(image: Any) -> list[str]:
    """The tags and digests by which an image is known."""
    return [*(image.attrs.get("RepoTags") or []), *(image.attrs.get("RepoDigests") or [])]


def _remove_network(network: Any) -> None:
    network.reload()
    for container_id in network.attrs.get("Containers") or {}:
        with suppress(NotFound):
            _remove_container(network.client.containers.get(container_id))
    network.remove()
