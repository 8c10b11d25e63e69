# SPDX-License-Identifier: Apache-2.0
"""python -m streamify_local up|down|status|base-image|token|balancer: progress on stderr, one JSON object on stdout.

`balancer --mode alb|tuned` switches a running environment.
"""

import argparse
import json
import os
import sys
from typing import Any

from . import base_image, engine, environment, issuer, switches, up
from .processes import LocalCloudError


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0, or 1 after one sentence on stderr."""
    parser = argparse.ArgumentParser(prog="streamify_local", description=__doc__)
    parser.add_argument("command", choices=("up", "down", "status", "base-image", "token", "balancer"))
    parser.add_argument("--env", default=os.environ.get("STREAMIFY_ENV", environment.DEFAULT_NAME))
    parser.add_argument("--mode", choices=switches.MODES, help="the setting that `balancer` switches to")
    options = parser.parse_args(arguments)
    if (options.command == "balancer") != (options.mode is not None):
        parser.error("`balancer` needs --mode, and nothing else takes it")
    try:
        result = _run(options.command, options.env, options.mode)
    except LocalCloudError as error:
        print(f"local cloud: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("local cloud: interrupted; run it again to go on.", file=sys.stderr)
        return 130
    print(json.dumps(result))
    return 0


def _run(command: str, name: str, mode: str | None) -> dict[str, Any]:
    if command == "up":
        return up.up(name)
    if command == "down":
        return up.down(name)
    if command == "status":
        return up.status(name)
    env = environment.load(name)
    if env is None:
        raise LocalCloudError(f"the environment '{name}' is not up.")
    if command == "base-image":
        return base_image.ensure(engine.client(env.docker_host))
    if mode is not None:
        return {"changed": switches.set_balancer_mode(env, mode), "balancer_mode": mode}
    return {"changed": False, "token": issuer.token(env)}


if __name__ == "__main__":
    sys.exit(main())
