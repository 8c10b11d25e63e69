# SPDX-License-Identifier: Apache-2.0
"""What one environment is called and which ports and addresses it has: picked once, remembered, told in cloud.json."""

import fcntl
import hashlib
import ipaddress
import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from .processes import LocalCloudError

ROOT = Path(__file__).resolve().parents[2]
REGION = "eu-central-1"
ACCOUNT = "000000000000"
CANDIDATES = [ipaddress.IPv4Network(f"10.{second}.0.0/16") for second in range(90, 128)]
DEFAULT_NAME = "local"  # the one environment that gets the well-known ports, where they are free
DEFAULT_PORTS = {"aws": 4566, "http": 8080, "https": 8443, "grpc": 8444, "cdn": 9443}


def machine_dir() -> Path:
    """Where this machine's environments, of all checkouts, leave their claims and share an engine."""
    return Path(os.environ.get("STREAMIFY_MACHINE_DIR", f"/var/tmp/streamify-{os.getuid()}"))  # noqa: S108


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on `path`, which its holder may delete."""
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            try:
                if os.fstat(file.fileno()).st_ino != path.stat().st_ino:
                    continue
            except FileNotFoundError:
                continue
            yield
            return


def write_atomically(path: Path, text: str, mode: int = 0o644) -> bool:
    """Replace the file's content; False when it already was that."""
    if path.is_file() and path.read_text() == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.touch(mode=mode)
    temporary.write_text(text)
    temporary.replace(path)
    return True


def dumps(value: dict[str, Any]) -> str:
    """The value as a JSON file's text."""
    return json.dumps(value, indent=2) + "\n"


def digest(files: list[Path]) -> str:
    """A hash of the files' names and contents."""
    whole = hashlib.sha256()
    for file in files:
        whole.update(f"{file.name}\0".encode() + file.read_bytes() + b"\0")
    return whole.hexdigest()


def remove_tree(path: Path) -> None:
    """Delete a directory of ours: wholly, or (interrupted, or something below it cannot be unmounted) not at all."""
    doomed = path.with_name(f".{path.name}.removed")  # a rename is whole; what an interrupted removal left goes first
    shutil.rmtree(doomed, ignore_errors=True)
    mounts = [Path(line.split()[4]) for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for mount in sorted((mount for mount in mounts if mount.is_relative_to(path)), reverse=True):
        if subprocess.run(["umount", "--lazy", str(mount)], capture_output=True, check=False).returncode:
            raise LocalCloudError(f"{mount} could not be unmounted: unmount it, then run this again.")
    with suppress(FileNotFoundError):
        path.rename(doomed)
    shutil.rmtree(doomed, ignore_errors=True)


def read_json(path: Path) -> dict[str, Any] | None:
    """The file's object, or None when it is missing or only half written."""
    try:
        value = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


@dataclass(frozen=True)
class Environment:
    """One environment's names, ports and addresses."""

    name: str
    state_dir: Path
    cidr: str
    ports: dict[str, int]
    docker_host: str

    @property
    def gateway(self) -> str:
        """The host's address on the environment's network: the emulator's, seen from host and containers."""
        return str(next(ipaddress.IPv4Network(self.cidr).hosts()))

    @property
    def network(self) -> str:
        return f"streamify-{self.name}"

    @property
    def endpoint(self) -> str:
        return f"http://{self.gateway}:{self.ports['aws']}"

    @property
    def registry(self) -> str:
        """Docker speaks plain HTTP to registries on 127.0.0.0/8 alone (docs.docker.com/reference/cli/dockerd)."""
        return f"127.0.0.1:{self.ports['aws']}"

    def aws_environment(self) -> dict[str, str]:
        """The environment variables that lead AWS's SDKs to the emulator."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def cloud(self) -> dict[str, Any]:
        """The content of cloud.json."""
        ca = self.state_dir / "ca"
        return {
            "env": self.name,
            "state_dir": str(self.state_dir),
            "vpc_cidr": self.cidr,
            "gateway": self.gateway,
            "docker_host": self.docker_host,
            "docker_network": self.network,
            "aws_endpoint_url": self.endpoint,
            "aws_region": REGION,
            "account_id": ACCOUNT,
            "registry": self.registry,
            "ports": {**self.ports, "issuer": None},
            "ca_file": str(ca / "ca.pem"),
            "certificates": {
                name: {
                    "cert": str(ca / f"{name}.pem"),
                    "key": str(ca / f"{name}.key"),
                    "chain": str(ca / "ca.pem"),
                }
                for name in ("public", "internal", "cdn")
            },
            "token_jwks_file": str(self.state_dir / "issuer" / "jwks.json"),
            "grpc_token_file": str(self.state_dir / "grpc-token"),
            "token_issuer": "https://issuer.streamify.localhost",
            "token_audience": "streamify-upload",
            "balancer_mode": os.environ.get("STREAMIFY_BALANCER_MODE", "tuned"),
        }


def state_dir_of(name: str) -> Path:
    """The environment's directory.

    Raises:
        LocalCloudError: the name could not stand in names of networks and AWS resources.
    """
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,15}", name):
        raise LocalCloudError(f"'{name}' cannot name an environment: use at most 16 of a-z, 0-9 and '-'.")
    if name in ("cache", "tools"):
        raise LocalCloudError(f"'{name}' is the name of a folder this project uses itself: choose another.")
    return ROOT / ".local" / name


def load(name: str) -> Environment | None:
    """What was picked when the environment was made, or None; its claim tells when its own directory is lost."""
    state_dir = state_dir_of(name)
    facts = read_json(state_dir / "environment.json") or read_json(_claim_file(state_dir))
    return Environment(name, state_dir, facts["cidr"], facts["ports"], facts["docker_host"]) if facts else None


def create(name: str, docker_host: str, networks: list[ipaddress.IPv4Network]) -> Environment:
    """Pick ports and a network that nothing on this machine uses; the caller holds the machine's lock.

    Args:
        networks: what the engine's networks cover already.
    """
    taken_ports = {port for claim in claims() for port in claim["ports"].values()}
    taken_networks = networks + _host_routes() + [ipaddress.IPv4Network(claim["cidr"]) for claim in claims()]
    ports: dict[str, int] = {}
    for use, default in DEFAULT_PORTS.items():
        preferred = default if name == DEFAULT_NAME else 0
        ports[use] = _free_port(preferred, taken_ports | set(ports.values()))
    cidr = next((net for net in CANDIDATES if not any(net.overlaps(other) for other in taken_networks)), None)
    if cidr is None:
        raise LocalCloudError(f"no /16 network from {CANDIDATES[0]} to {CANDIDATES[-1]} is free on this machine.")
    environment = Environment(name, state_dir_of(name), str(cidr), ports, docker_host)
    save(environment)
    return environment


def save(environment: Environment) -> None:
    """Claim what was picked for the environment, and remember it."""
    claim(environment)
    picked = {"cidr": environment.cidr, "ports": environment.ports, "docker_host": environment.docker_host}
    write_atomically(environment.state_dir / "environment.json", dumps(picked))


def with_free_ports(environment: Environment, stopped: set[str]) -> Environment:
    """The environment with other ports in place of those that somebody else took since it stopped listening there.

    Args:
        stopped: the uses (keys of `ports`) that nothing of the environment serves now.
    """
    others = {port for claim in _others(environment) for port in claim["ports"].values()}
    ports = dict(environment.ports)
    for use in sorted(stopped):
        ours = {port for other, port in ports.items() if other != use}
        ports[use] = _free_port(ports[use], others | ours)
    return replace(environment, ports=ports)


def lost_its_network(environment: Environment, networks: list[ipaddress.IPv4Network]) -> bool:
    """Whether somebody else uses the environment's addresses by now.

    Args:
        networks: what the engine's other networks cover.
    """
    own = ipaddress.IPv4Network(environment.cidr)
    claimed = [ipaddress.IPv4Network(claim["cidr"]) for claim in _others(environment)]
    return any(own.overlaps(other) for other in networks + claimed)


def _others(environment: Environment) -> list[dict[str, Any]]:
    return [claim for claim in claims() if claim["state_dir"] != str(environment.state_dir)]


def _claim_file(state_dir: Path) -> Path:
    return machine_dir() / "holders" / f"{hashlib.sha256(str(state_dir).encode()).hexdigest()[:16]}.json"


def claim(environment: Environment) -> None:
    """Tell the machine's other environments what this one uses."""
    facts = {**asdict(environment), "state_dir": str(environment.state_dir)}
    write_atomically(_claim_file(environment.state_dir), dumps(facts))


def is_claimed(state_dir: Path) -> bool:
    """Whether the environment that lies there was neither taken down nor taken over."""
    return _claim_file(state_dir).exists()


def unclaim(state_dir: Path) -> None:
    _claim_file(state_dir).unlink(missing_ok=True)


def forget(state_dir: Path) -> dict[str, Any] | None:
    """Drop the claim of the environment that lies there; returns what it claimed."""
    facts = read_json(_claim_file(state_dir))
    unclaim(state_dir)
    return facts


def claims() -> list[dict[str, Any]]:
    """The claims of environments that still exist; stale ones (their directory is gone) are deleted."""
    found = []
    for path in sorted((machine_dir() / "holders").glob("*.json")):
        facts = read_json(path)
        if facts and Path(facts["state_dir"]).is_dir():
            found.append(facts)
        else:
            path.unlink(missing_ok=True)
    return found


def _free_port(preferred: int, taken: set[int]) -> int:
    for candidate in (preferred, *([0] * 100)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", candidate))
            except OSError:
                continue
            port = int(probe.getsockname()[1])
        if port not in taken:
            return port
    raise LocalCloudError("no free TCP port was found on 127.0.0.1.")


def _host_routes() -> list[ipaddress.IPv4Network]:
    routes = []
    for line in Path("/proc/net/route").read_text().splitlines()[1:]:
        fields = line.split()
        address, mask = (int.from_bytes(bytes.fromhex(fields[i])[::-1]) for i in (1, 7))
        if mask:
            routes.append(ipaddress.IPv4Network((address, mask.bit_count())))
    return routes
