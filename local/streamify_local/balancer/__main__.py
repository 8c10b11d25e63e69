# SPDX-License-Identifier: Apache-2.0
"""The reconciler: python -m streamify_local.balancer --env NAME. Reads AWS's APIs and writes Envoy's files."""

import argparse
import logging
import signal
import sys
import threading
import time
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from .. import environment, switches
from ..environment import Environment, write_atomically
from .deployed import Deployed, Reader
from .xds import files

HEALTH_SECONDS = 0.4
CONFIGURATION_SECONDS = 3.0
_log = logging.getLogger("balancer")


class Reconciler:
    """Keeps the files in one directory equal to what is deployed; what it cannot read leaves them as they are."""

    def __init__(self, env: Environment) -> None:
        self._directory = env.state_dir / "balancer"
        self._env = env
        keys = [Path(certificate["key"]) for certificate in env.cloud()["certificates"].values()]
        self._reader = Reader(keys)
        self._deployed = Deployed([], {})
        self._read_at = float("-inf")
        self._written: dict[str, str] = {}

    def step(self) -> None:
        """Read what is due, write what differs.

        Raises:
            BotoCoreError, ClientError: an API did not answer.
        """
        if time.monotonic() - self._read_at >= CONFIGURATION_SECONDS:
            self._deployed = self._reader.configuration()
            self._read_at = time.monotonic()
        try:
            health = {arn: self._reader.health(arn) for arn in self._deployed.groups}
        except ClientError:  # a target group went: look at the whole again
            self._read_at = float("-inf")
            raise
        mode = switches.balancer_mode(self._env.state_dir)
        wanted = files(self._directory, self._deployed, health, mode)
        for name, content in wanted.items():
            if self._written.get(name) != content:
                if write_atomically(self._directory / name, content):
                    _log.info("wrote %s", name)
                self._written[name] = content
        for name in set(self._written) - set(wanted):
            (self._directory / name).unlink(missing_ok=True)
            del self._written[name]
        switches.confirm_mode(self._env.state_dir, mode)


def main() -> int:
    """Reconcile until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env", required=True)
    name = parser.parse_args().env
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout)
    logging.getLogger("botocore").setLevel(logging.WARNING)
    env = environment.load(name)
    if env is None:
        sys.exit(f"there is no environment '{name}'")
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    reconciler, complaint = Reconciler(env), ""
    while not stop.is_set():
        try:
            reconciler.step()
            problem = ""
        except (BotoCoreError, ClientError) as error:
            problem = str(error)
        if problem and problem != complaint:
            _log.warning("what is deployed cannot be read: %s", problem)
        complaint = problem
        stop.wait(HEALTH_SECONDS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
