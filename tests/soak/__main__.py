# SPDX-License-Identifier: Apache-2.0
"""`make soak`: a large upload while its client and API tasks are killed, and DynamoDB away for a minute, twice.

usage: python -m soak [upload] [dynamodb]        (no argument: both)

`upload` needs the platform that `make up` deployed in STREAMIFY_ENV, and thrice the file's size in memory.
SOAK_MEBIBYTES: the file's size (2048). SOAK_SECONDS: how long DynamoDB is away (60). Exits 1 when something is lost.
"""

import asyncio
import os
import sys
import tempfile
from pathlib import Path

from chaos.platform import Platform
from contract.platform_state import Issuer, jwks, make_resources, pem, settings
from contract.processes import run_emulator
from contract.stoppable import Mode, stoppable
from cryptography.hazmat.primitives.asymmetric import ec

from soak import dynamodb_away, interrupted_upload

# As in production; the contract tests' settings are for a busy machine.
_AS_DEPLOYED = ("STREAMIFY_DYNAMODB_ATTEMPT_SECONDS", "STREAMIFY_S3_ATTEMPT_SECONDS")


def soak_upload() -> bool:
    """Whether the file is in storage, whole."""
    mebibytes = int(os.environ.get("SOAK_MEBIBYTES", "2048"))
    with tempfile.TemporaryDirectory(prefix="streamify-soak-") as name:
        result = interrupted_upload.run(Platform(), mebibytes * interrupted_upload.MEBIBYTE, Path(name))
    print(*result.notes, sep="\n")
    print(f"SHA-256 of the file        {result.file_sha256}\nSHA-256 of the download    {result.downloaded_sha256}")
    print(f"composite, made here       {result.composite}\ncomposite, S3's            {result.stored_composite}")
    print(f"composite, the client's    {result.upload['checksum']}\nmultipart uploads left     {result.left_open}")
    return result.is_whole


def soak_dynamodb() -> bool:
    """Whether everything that must go on did."""
    seconds = float(os.environ.get("SOAK_SECONDS", "60"))
    issuer, found = Issuer(ec.generate_private_key(ec.SECP256R1())), []
    with tempfile.TemporaryDirectory(prefix="streamify-soak-") as name, run_emulator(Path(name)) as url:
        make_resources(url)
        made = settings(url, pem(ec.generate_private_key(ec.SECP256R1())), jwks(issuer.key, issuer.key_id))
        environment = {name: value for name, value in made.items() if name not in _AS_DEPLOYED}
        with stoppable(url) as proxy:
            environment["AWS_ENDPOINT_URL_DYNAMODB"] = proxy.url
            for mode in (Mode.CLOSED, Mode.STALLED):
                print(f"\nDynamoDB {mode.value} for {seconds:.0f} s", flush=True)
                outage = asyncio.run(dynamodb_away.watch_an_outage(environment, proxy, issuer, mode, seconds))
                print(*(outage.lines() + outage.problems), sep="\n", flush=True)
                found += outage.problems
    return not found


def main(names: list[str]) -> int:
    """Run what is asked for."""
    parts = {"upload": soak_upload, "dynamodb": soak_dynamodb}
    if unknown := [name for name in names if name not in parts]:
        print(f"unknown part {unknown[0]!r}\n{__doc__}", file=sys.stderr)
        return 2
    results = [parts[name]() for name in names or parts]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
