# SPDX-License-Identifier: Apache-2.0
"""Runs ministack with every fidelity patch applied: python -m streamify_local.emulator.launcher ADDRESS:PORT..."""

import asyncio
import importlib
import logging
import pkgutil
import resource
import signal
import sys

from hypercorn.asyncio import serve
from hypercorn.config import Config

from . import patches


def apply_patches() -> list[str]:
    """Call `apply()` of each module in `patches` that has one, in the names' order; returns their names."""
    applied = []
    for info in sorted(pkgutil.iter_modules(patches.__path__), key=lambda info: info.name):
        module = importlib.import_module(f"{patches.__name__}.{info.name}")
        if hasattr(module, "apply"):
            module.apply()
            applied.append(info.name)
    return applied


async def _run(addresses: list[str]) -> None:
    from ministack.app import app  # after the patches, which some of its imports must see

    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)

    async def stopped() -> None:
        await stop.wait()

    config = Config()
    config.bind = addresses
    config.keep_alive_timeout = 75
    config.graceful_timeout = 1.0
    await serve(app, config, shutdown_trigger=stopped)


def main() -> None:
    """Serve until SIGTERM."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    applied = apply_patches()
    logging.getLogger("streamify").warning("patches applied: %s", ", ".join(applied))
    asyncio.run(_run(sys.argv[1:]))


if __name__ == "__main__":
    main()
