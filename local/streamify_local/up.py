# SPDX-License-Identifier: Apache-2.0
"""Bringing an environment up, and down without a trace; both can be repeated and interrupted at any point."""

import os
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from . import balancer, base_image, ca, cdn, engine, environment, issuer, metadata_route, switches
from .environment import Environment
from .processes import LocalCloudError, Process, Supervisor

# The process that listens on each of an environment's ports.
_SERVED_BY = {"aws": "emulator", "http": "envoy", "https": "envoy", "grpc": "envoy", "cdn": "cdn"}


@contextmanager
def step(what: str) -> Iterator[None]:
    """Say on stderr what is being done and, afterwards, how long it took."""
    began = time.monotonic()
    print(f"local cloud: {what} ...", file=sys.stderr, flush=True)
    yield
    print(f"local cloud: {what}: {time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)


def up(name: str) -> dict[str, Any]:
    """Everything the environment needs, running; returns cloud.json's content and `changed`."""
    state_dir = environment.state_dir_of(name)
    supervisor = Supervisor(state_dir)
    with environment.locked(_lock_file(name)):
        supervisor.sweep()
        with step("container engine and network"), environment.locked(_machine_lock()):
            env, changed = _ensure_environment(name, supervisor)
            client = engine.client(env.docker_host)
        changed |= ca.ensure(state_dir / "ca", name)
        changed |= issuer.ensure(env)
        with step("AWS emulator"):
            if supervisor.pid("emulator") is None:
                engine.remove_containers(client, state_dir)  # tasks of one that died, of which the next knows nothing
            changed |= supervisor.ensure([emulator(env)])
        # Not awaited: whoever needs the image calls `base-image`, which waits for this one's lock.
        if _needs_base_image(client):
            supervisor.ensure([base_image_builder(env)])
        with step("balancer and CDN"):
            changed |= supervisor.ensure([*balancer.specs(env), *cdn.specs(env)])
        cloud = env.cloud()
        changed |= environment.write_atomically(state_dir / "cloud.json", environment.dumps(cloud))
    return {"changed": changed, **cloud}


def _ensure_environment(name: str, supervisor: Supervisor) -> tuple[Environment, bool]:
    """The environment with its network: as it was picked before, but for what somebody else took while it was dead."""
    state_dir = environment.state_dir_of(name)
    new = not state_dir.is_dir()
    known = None if new else environment.load(name)
    dead = supervisor.pid("emulator") is None  # and all that was deployed is lost with it
    try:
        host = engine.ensure(known.docker_host if known else None)
    except LocalCloudError:
        if not dead:
            raise
        host = engine.ensure()
    client = engine.client(host)
    if known and dead and environment.lost_its_network(known, engine.networks(client, but=known.network)):
        known = None
    if known is None:
        state_dir.mkdir(parents=True, exist_ok=True)
    env = known or environment.create(name, host, engine.networks(client))
    stopped = {use for use, process in _SERVED_BY.items() if supervisor.pid(process) is None}
    env = environment.with_free_ports(replace(env, docker_host=host), stopped)
    try:
        changed = engine.ensure_network(client, env) or env != known
    except LocalCloudError:
        if new:
            environment.forget(state_dir)
            environment.remove_tree(state_dir)
        raise
    environment.save(env)
    return env, changed


def down(name: str) -> dict[str, Any]:
    """Remove every process, container, network and file of the environment; `changed` is False if there was none."""
    state_dir = environment.state_dir_of(name)
    with environment.locked(_lock_file(name)):
        existed = state_dir.exists()
        Supervisor(state_dir).stop_all()
        with step("container engine and network"), environment.locked(_machine_lock()):
            env = environment.load(name)
            others = [claim for claim in environment.claims() if claim["state_dir"] != str(state_dir)]
            if env:
                _remove_from_engine(env, last=not others)
            environment.unclaim(state_dir)
            environment.remove_tree(state_dir)
            if not others:
                engine.stop_own()
                environment.remove_tree(environment.machine_dir())
            if not any(state_dir.parent.glob("*/environment.json")):
                environment.remove_tree(base_image.CACHE)
            _machine_lock().unlink(missing_ok=True)
        _lock_file(name).unlink(missing_ok=True)
    return {"changed": existed, "env": name}


def _remove_from_engine(env: Environment, *, last: bool) -> None:
    host = env.docker_host
    if host != engine.own_host() or engine.engine_dir().exists():
        with suppress(LocalCloudError):  # an engine that is gone took its containers along
            engine.remove_environment(engine.client(engine.ensure(host)), env, last=last)
            return
    if environment.is_claimed(env.state_dir):
        metadata_route.remove(env)


def status(name: str) -> dict[str, Any]:
    """What runs; `changed` is always False."""
    env = environment.load(name)
    if env is None:
        return {"changed": False, "env": name, "exists": False}
    supervisor = Supervisor(env.state_dir)
    running = {process: supervisor.pid(process) for process in supervisor.names()}
    return {"changed": False, "exists": True, "processes": running, **env.cloud()}


def emulator(env: Environment) -> Process:
    """The AWS emulator, on the network's gateway address and, for the engine's pushes and pulls, on 127.0.0.1."""
    port = env.ports["aws"]
    sources = [Path(switches.__file__), *sorted(Path(__file__).with_name("emulator").rglob("*.py"))]
    return Process(
        "emulator",
        [sys.executable, "-m", "streamify_local.emulator.launcher", f"{env.gateway}:{port}", f"127.0.0.1:{port}"],
        environment={
            "DOCKER_HOST": env.docker_host,
            "GATEWAY_PORT": str(port),
            "MINISTACK_HOSTNAME": env.gateway,
            "MINISTACK_REGION": environment.REGION,
            "MINISTACK_DOCKER_TIMEOUT": "60",
            "LOG_LEVEL": "INFO",
            "IOT_MTLS_ENABLED": "0",
            "ECS_NETWORK": env.network,
            "ECS_NETWORK_CIDR": env.cidr,
            "ECS_GATEWAY": env.gateway,
            "ECS_CONTAINER_LABELS": f"{engine.LABEL}={env.name},{engine.STATE_LABEL}={env.state_dir}",
            "ECS_METADATA_HOST": metadata_route.ADDRESS,
            "ECR_REGISTRY": env.registry,
            switches.DIRECTORY_VARIABLE: str(env.state_dir),
            **_iam(env),
        },
        ready=lambda: answers(f"{env.endpoint}/_ministack/health"),
        timeout=60,
        version=environment.digest(sources),
    )


def _iam(env: Environment) -> dict[str, str]:
    """With STREAMIFY_IAM=1 the emulator evaluates IAM policies and records what it evaluated."""
    if os.environ.get("STREAMIFY_IAM") != "1":
        return {}
    return {
        "AUTH": "true",
        "STREAMIFY_IAM_LOG": str(env.state_dir / "iam.jsonl"),
        "STREAMIFY_IAM_BY": str(env.state_dir / "iam.by"),
    }


def base_image_builder(env: Environment) -> Process:
    """Builds the base image while other things happen."""
    command = [sys.executable, "-m", "streamify_local", "base-image", "--env", env.name]
    return Process("base-image", command)


def answers(url: str) -> bool:
    """Whether an HTTP request is answered with 200."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310
            return bool(response.status == 200)
    except OSError:
        return False


def _needs_base_image(client: Any) -> bool:
    return not client.images.list(name=f"{engine.BASE_IMAGE}:{base_image.recipe()}")


def _lock_file(name: str) -> Path:
    return environment.ROOT / ".local" / f".{name}.lock"


def _machine_lock() -> Path:
    return environment.machine_dir().with_suffix(".lock")
