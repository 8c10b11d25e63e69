# SPDX-License-Identifier: Apache-2.0
"""The base image built from Debian packages, for machines that reach no image registry."""

import hashlib
import os
import subprocess
from typing import Any

from docker.errors import ImageNotFound

from .engine import BASE_IMAGE
from .environment import ROOT, locked, remove_tree
from .processes import LocalCloudError

SUITE = "trixie"
PACKAGES = ("ca-certificates", "python3.13-minimal", "libpython3.13-stdlib")
# What a container never reads; dpkg's own records stay, so that a scanner can tell what is installed.
OMIT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*", "/var/cache/apt/*.bin")
CACHE = ROOT / ".local" / "cache"


def recipe() -> str:
    """The hash of all that decides the image's content, but for Debian's own updates."""
    return hashlib.sha256(repr((SUITE, PACKAGES, OMIT, "v1")).encode()).hexdigest()[:16]


def ensure(engine: Any) -> dict[str, Any]:
    """Build (about 30 s, once) and import the image; it is tagged `debian` and with its recipe's hash."""
    tag = f"{BASE_IMAGE}:{recipe()}"
    with locked(CACHE / "base-image.lock"):
        try:
            image, changed = engine.images.get(tag), False
        except ImageNotFound:
            image, changed = _import(engine, tag), True
        image.tag(BASE_IMAGE, "debian")
    return {"changed": changed, "image": f"{BASE_IMAGE}:debian", "tag": tag, "id": image.id}


def _import(engine: Any, tag: str) -> Any:
    tarball = build()
    with tarball.open("rb") as file:
        repository, _, version = tag.partition(":")
        engine.api.import_image_from_data(
            file,
            repository=repository,
            tag=version,
            changes=["ENV PATH=/usr/local/bin:/usr/bin:/bin", "ENV LANG=C.UTF-8"],
        )
    return engine.images.get(tag)


def build() -> Any:
    """The path of the root file system's tarball, built if it is not cached; the caller holds the lock.

    Raises:
        LocalCloudError: mmdebstrap failed; the message ends with what it said.
    """
    tarball = CACHE / f"base-{recipe()}.tar"
    if tarball.is_file():
        return tarball
    scratch = CACHE / "tmp"
    remove_tree(scratch)
    scratch.mkdir(parents=True)
    partial = scratch / "base.tar"
    # In namespaces of its own, an interrupted build leaves neither processes nor mounts behind.
    command = ["unshare", "--mount", "--pid", "--fork", "--kill-child"] if os.geteuid() == 0 else []
    command += ["mmdebstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", "--quiet"]
    command += [f"--dpkgopt=path-exclude={pattern}" for pattern in OMIT]
    command += [SUITE, str(partial)]
    result = subprocess.run(
        command, env={**os.environ, "TMPDIR": str(scratch)}, capture_output=True, text=True, check=False
    )
    if result.returncode:
        said = "\n".join(result.stderr.splitlines()[-15:])
        raise LocalCloudError(f"mmdebstrap could not build the base image:\n{said}")
    partial.replace(tarball)
    remove_tree(scratch)
    return tarball
