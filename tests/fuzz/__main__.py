# SPDX-License-Identifier: Apache-2.0
"""`make fuzz`: schemathesis from our OpenAPI, and gRPC calls from our descriptors, against an API of its own.

usage: python -m fuzz [SEED]
"""

import asyncio
import random
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

import grpc
from contract.callers import Service
from contract.platform_state import Issuer, jwks, make_resources, pem, settings
from contract.processes import Api, run_api, run_emulator
from cryptography.hazmat.primitives.asymmetric import ec
from streamify.catalog.v1 import catalog_service_pb2 as catalog

from fuzz import http_calls
from fuzz.grpc_calls import call_many

HTTP_CASES = 10_000
GRPC_CALLS = 20_000
_EXAMPLES = 2_500  # of each operation and phase: more than HTTP_CASES in all
_HTTP_SECONDS = 1800


def fuzz_http(api: Api, issuer: Issuer, seed: int, folder: Path) -> bool:
    """No server error, nothing that the document does not promise."""
    token = issuer.token(scope="videos:watch", lifetime=timedelta(hours=2))
    run = http_calls.call_many(api, token, _EXAMPLES, seed, folder, _HTTP_SECONDS)
    print(run.output[-5000:])
    print(f"HTTP: {run.cases} cases, at least {HTTP_CASES} wanted, {'nothing' if run.passed else 'something'} found")
    return run.passed and run.cases >= HTTP_CASES


def fuzz_grpc(api: Api, issuer: Issuer, seed: int) -> bool:
    """No call may end with UNKNOWN or INTERNAL."""
    token = issuer.token(lifetime=timedelta(hours=1))
    found = asyncio.run(call_many(api.grpc_target, lambda: token, GRPC_CALLS, seed))
    print(f"gRPC: {found.statuses.total()} calls: {dict(found.statuses.most_common())}")
    for line in found.broken[:20]:
        print(line[:2000])
    return not found.broken


async def publish(api: Api, issuer: Issuer) -> None:
    """Videos for those who watch, one of each policy."""
    async with grpc.aio.insecure_channel(api.grpc_target) as channel:
        service = Service(channel, issuer.token())
        for policy in (catalog.PLAYBACK_POLICY_PUBLIC, catalog.PLAYBACK_POLICY_SIGNED, catalog.PLAYBACK_POLICY_PRIVATE):
            await service.published(playback_policy=policy)


def main() -> int:
    """Both, one after the other; 0 when nothing was found."""
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else random.SystemRandom().randrange(2**32)
    print(f"seed {seed}; the same again: make fuzz SEED={seed}", flush=True)
    issuer = Issuer(ec.generate_private_key(ec.SECP256R1()))
    with tempfile.TemporaryDirectory(prefix="streamify-fuzz-") as name, run_emulator(Path(name)) as url:
        make_resources(url)
        environment = settings(url, pem(ec.generate_private_key(ec.SECP256R1())), jwks(issuer.key, issuer.key_id))
        with run_api(environment) as api:
            asyncio.run(publish(api, issuer))
            results = [fuzz_grpc(api, issuer, seed), fuzz_http(api, issuer, seed, Path(name))]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
