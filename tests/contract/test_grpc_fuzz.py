# SPDX-License-Identifier: Apache-2.0
"""The short form of `make fuzz` for gRPC; schemathesis's is in test_openapi.py."""

from contract.platform_state import Issuer
from contract.processes import Api
from fuzz.grpc_calls import METHODS, call_many


async def test_no_call_ends_with_unknown_or_internal(api: Api, issuer: Issuer) -> None:
    token = issuer.token(tenant="fuzzer")
    found = await call_many(api.grpc_target, lambda: token, calls=60 * len(METHODS), seed=1, parallel=4)
    assert found.broken == []
    # It reached the platform: ids were found, and wrong fields refused.
    assert {"OK", "INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION"} <= set(found.statuses)
