# SPDX-License-Identifier: Apache-2.0
"""`make fuzz`: schemathesis from our OpenAPI, and gRPC calls from our descriptors, against an API of its own.

usage: python -m fuzz [SEED]
"""

import asyncio
import random
import re
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from contract.platform_state import Issuer, jwks, make_resources, pem, settings
from contract.processes import Api, run_api, run_emulator
from cryptography.hazmat.primitives.asymmetric import ec

from fuzz.grpc_calls import call_many

HTTP_CASES = 10_000
GRPC_CALLS = 20_000
_EXAMPLES = 2_500  # of each operation and phase: more than HTTP_CASES in all
_HTTP_SECONDS = 1800


def fuzz_http(api: Api, seed: int, folder: Path) -> bool:
    """All checks but one, as in tests/contract/test_openapi.py."""
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "run", f"{api.http_url}/v1/openapi.json",
        "--url", api.http_url, "--checks", "all", "--exclude-checks", "positive_data_acceptance",
        "--phases", "coverage,fuzzing", "--max-examples", str(_EXAMPLES), "--seed", str(seed),
        "--generation-database", "none", "--no-color", "--workers", "2",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_HTTP_SECONDS, check=False)
    print(done.stdout[-3000:], done.stderr[-2000:])
    counted = re.search(r"(\d+) generated", done.stdout)
    cases = int(counted[1]) if counted else 0
    print(f"HTTP: {cases} cases, at least {HTTP_CASES} wanted, exit code {done.returncode}")
    return done.returncode == 0 and cases >= HTTP_CASES


def fuzz_grpc(api: Api, issuer: Issuer, seed: int) -> bool:
    """No call may end with UNKNOWN or INTERNAL."""
    token = issuer.token(lifetime=timedelta(hours=1))
    found = asyncio.run(call_many(api.grpc_target, lambda: token, GRPC_CALLS, seed))
    print(f"gRPC: {found.statuses.total()} calls: {dict(found.statuses.most_common())}")
    for line in found.broken[:20]:
        print(line[:2000])
    return not found.broken


def main() -> int:
    """Both, one after the other; 0 when nothing was found."""
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else random.SystemRandom().randrange(2**32)
    print(f"seed {seed}; the same again: make fuzz SEED={seed}", flush=True)
    issuer = Issuer(ec.generate_private_key(ec.SECP256R1()))
    with tempfile.TemporaryDirectory(prefix="streamify-fuzz-") as name, run_emulator(Path(name)) as url:
        make_resources(url)
        environment = settings(url, pem(ec.generate_private_key(ec.SECP256R1())), jwks(issuer.key, issuer.key_id))
        with run_api(environment) as api:
            results = [fuzz_grpc(api, issuer, seed), fuzz_http(api, seed, Path(name))]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
