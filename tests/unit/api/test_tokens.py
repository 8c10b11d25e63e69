# SPDX-License-Identifier: Apache-2.0
"""Bearer tokens; forged and unfit ones are in the contract tests as well."""

import json
from datetime import timedelta

import jwt
import pytest
from contract.platform_state import AUDIENCE, ISSUER, Issuer, jwks
from cryptography.hazmat.primitives.asymmetric import ec
from streamify_api.adapters.tokens import JwtVerifier
from streamify_api.domain.callers import Caller
from streamify_api.domain.errors import UnauthenticatedError


@pytest.fixture
def issuer() -> Issuer:
    return Issuer(ec.generate_private_key(ec.SECP256R1()))


@pytest.fixture
def verifier(issuer: Issuer) -> JwtVerifier:
    return JwtVerifier(jwks(issuer.key, issuer.key_id), ISSUER, AUDIENCE)


def test_a_good_token_tells_who_is_calling(issuer: Issuer, verifier: JwtVerifier) -> None:
    assert verifier.verify(issuer.token(scope="videos:read uploads:write")) == Caller(
        "uploader", "acme", frozenset({"videos:read", "uploads:write"})
    )


def test_a_token_names_the_key_it_was_signed_with(issuer: Issuer) -> None:
    second = Issuer(ec.generate_private_key(ec.SECP256R1()), "second")
    keys = [json.loads(jwks(one.key, one.key_id))["keys"][0] for one in (issuer, second)]
    verifier = JwtVerifier(json.dumps({"keys": keys}), ISSUER, AUDIENCE)
    assert verifier.verify(issuer.token())
    assert verifier.verify(second.token())
    with pytest.raises(UnauthenticatedError):
        verifier.verify(Issuer(second.key, issuer.key_id).token())


@pytest.mark.parametrize("claim", ["exp", "iss", "aud", "sub", "tenant"])
def test_a_token_without_a_claim_is_refused(issuer: Issuer, verifier: JwtVerifier, claim: str) -> None:
    claims = jwt.decode(issuer.token(), options={"verify_signature": False})
    del claims[claim]
    with pytest.raises(UnauthenticatedError):
        verifier.verify(jwt.encode(claims, issuer.key, algorithm="ES256", headers={"kid": issuer.key_id}))


def test_clocks_may_differ_by_half_a_minute(issuer: Issuer, verifier: JwtVerifier) -> None:
    assert verifier.verify(issuer.token(lifetime=timedelta(seconds=-20)))
    with pytest.raises(UnauthenticatedError) as caught:
        verifier.verify(issuer.token(lifetime=timedelta(seconds=-40)))
    assert caught.value.reason == "TOKEN_EXPIRED"


@pytest.mark.parametrize("token", ["", "a", "a.b.c", "é.é.é", "eyJhbGciOiJFUzI1NiIsImtpZCI6W119.e30.AA"])
def test_garbage_is_refused(verifier: JwtVerifier, token: str) -> None:
    with pytest.raises(UnauthenticatedError):
        verifier.verify(token)
