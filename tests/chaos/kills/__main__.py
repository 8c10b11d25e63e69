# SPDX-License-Identifier: Apache-2.0
"""make chaos-kills: SIGKILLs in the middle of uploads, and a clock that is two hours off. None lost, none doubled.

python -m chaos.kills [--kills 1000] [--seed N]
"""

import argparse
import random
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import grpc
from chaos.history import Verdict, check, truth_of
from chaos.kills.processes import Fleet
from chaos.kills.uploading import Uploads
from chaos.platform import ChaosError
from contract.platform_state import UPLOADS, Issuer, aws, jwks, make_resources, pem, settings
from contract.processes import run_emulator
from cryptography.hazmat.primitives.asymmetric import ec

HOURS = 3600.0
MOST_KILLS_UNNOTICED = 10  # times the kills that were asked for
CLOCKS = {"right": 0.0, "ahead": 2 * HOURS, "behind": -2 * HOURS}


def kill(
    emulator: str, settings_of_api: dict[str, str], issuer: Issuer, folder: Path, kills: int, seed: int, clock: float
) -> tuple[Verdict, Uploads]:
    """Kill so many times while uploads go on, and look for every one afterwards.

    Args:
        clock: seconds by which the third process's clock is wrong.

    Raises:
        ChaosError: it could not be done, or no caller noticed.
    """
    fleet = Fleet(settings_of_api, folder, (0.0, 0.0, clock))
    rng = random.Random(seed)
    token = issuer.token(tenant=f"kills-{seed}-{clock:.0f}", lifetime=timedelta(hours=12))
    with fleet.running():
        uploads = Uploads(fleet.target, token, seed)
        with uploads:
            _kill_so_often(fleet, uploads, rng, kills)
        if kills and not uploads.broken:
            raise ChaosError("no caller noticed any of the kills: they proved nothing.")
        right = f"127.0.0.1:{fleet.tasks[0].port}"
        with grpc.insecure_channel(right) as channel:
            verdict = check(uploads.histories, truth_of(channel, token, aws("s3", emulator), UPLOADS))
    return verdict, uploads


def _kill_so_often(fleet: Fleet, uploads: Uploads, rng: random.Random, kills: int) -> None:
    """So often, and on until a caller noticed: retries by the channel itself hide many a kill."""
    began = time.monotonic()
    while fleet.kills < kills or (not uploads.broken and fleet.kills < MOST_KILLS_UNNOTICED * kills):
        fleet.kill_one(rng, uploads.under_way)
        if fleet.kills % 10 == 0:
            print(
                f"{fleet.kills} of {kills} kills, {len(uploads.histories)} uploads, {uploads.broken} attempts broken,"
                f" {time.monotonic() - began:.0f} s",
                file=sys.stderr,
            )


def main(arguments: Sequence[str] | None = None) -> int:
    """0: nothing lost, doubled or given up; 1: something was."""
    parser = argparse.ArgumentParser(prog="chaos.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 16))
    options = parser.parse_args(arguments)
    print(f"seed {options.seed}", file=sys.stderr)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # unwinds, so that no process is left
    good = True
    with tempfile.TemporaryDirectory(prefix="streamify-kills-") as name, run_emulator(Path(name)) as emulator:
        make_resources(emulator)
        issuer = Issuer(ec.generate_private_key(ec.SECP256R1()))
        environment = settings(emulator, pem(ec.generate_private_key(ec.SECP256R1())), jwks(issuer.key, issuer.key_id))
        for clock, share in (("right", 0.8), ("ahead", 0.1), ("behind", 0.1)):
            kills = max(1, round(options.kills * share))
            verdict, uploads = kill(emulator, environment, issuer, Path(name), kills, options.seed, CLOCKS[clock])
            print(
                f"{kills} kills, third clock {clock}: {verdict}; {uploads.broken} attempts broken and repeated,"
                f" {len(uploads.given_up)} uploads given up" + "".join(f"\n  {text}" for text in uploads.given_up[:10])
            )
            good &= verdict.is_good and not uploads.given_up
    return int(not good)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ChaosError as error:
        sys.exit(f"chaos: {error}")
