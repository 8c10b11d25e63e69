# SPDX-License-Identifier: Apache-2.0
"""The CDN's stand-in: nginx with its cache, and the verifier of CloudFront's signatures."""

import os
import shutil
import socket
import sys
from pathlib import Path
from string import Template

from ..environment import Environment, digest, write_atomically
from ..processes import LocalCloudError, Process

_HERE = Path(__file__).parent
_LONGEST_SOCKET_PATH = 107  # unix(7)


class _Template(Template):
    delimiter = "@"


def specs(environment: Environment) -> list[Process]:
    """The verifier and nginx.

    Raises:
        LocalCloudError: nginx is not installed, or the checkout's path is too long for a Unix socket in it.
    """
    directory = environment.state_dir / "cdn"
    path = directory / "verifier.sock"
    if len(os.fsencode(path)) > _LONGEST_SOCKET_PATH:
        raise LocalCloudError(f"{path} is too long for a socket: check the project out into a shorter path.")
    nginx = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if nginx is None:
        raise LocalCloudError("nginx is missing: install the package nginx-light.")
    configure(environment, directory)
    certificate = Path(environment.cloud()["certificates"]["cdn"]["cert"])
    version = digest([directory / "nginx.conf", directory / "viewer.conf", certificate, *sorted(_HERE.glob("*.py"))])
    port = environment.ports["cdn"]
    return [
        Process(
            "cdn-verifier",
            [sys.executable, "-m", "streamify_local.cdn.verifier", "--socket", str(path)],
            environment=environment.aws_environment(),
            ready=lambda: _accepts(socket.AF_UNIX, str(path)),
            version=version,
        ),
        Process(
            "cdn",
            [nginx, "-e", "stderr", "-p", str(directory), "-c", str(directory / "nginx.conf")],
            ready=lambda: _accepts(socket.AF_INET, ("127.0.0.1", port)),
            version=version,
        ),
    ]


def configure(environment: Environment, directory: Path) -> None:
    """Write nginx's configuration and the directories it needs."""
    files = environment.cloud()["certificates"]["cdn"]
    configuration = _Template((_HERE / "nginx.conf.template").read_text()).substitute(
        directory=directory,
        user="user root;" if os.geteuid() == 0 else "",
        origin=f"{environment.gateway}:{environment.ports['aws']}",
        port=environment.ports["cdn"],
        certificate=files["cert"],
        key=files["key"],
    )
    for name in ("cache", "temp"):
        (directory / name).mkdir(parents=True, exist_ok=True)
    write_atomically(directory / "nginx.conf", configuration)
    write_atomically(directory / "viewer.conf", (_HERE / "viewer.conf").read_text())


def _accepts(family: socket.AddressFamily, address: str | tuple[str, int]) -> bool:
    with socket.socket(family) as probe:
        return probe.connect_ex(address) == 0
