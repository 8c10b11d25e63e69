# SPDX-License-Identifier: Apache-2.0
"""The issuer of development tokens: a key an environment, its JWKS, and the upload services' token."""

import hashlib
import json
import time
from collections.abc import Sequence
from pathlib import Path

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from .environment import Environment, write_atomically

LIFETIME_SECONDS = 30 * 24 * 3600
SCOPES = ("uploads:write", "videos:write", "videos:read")


def ensure(environment: Environment) -> bool:
    """Make the key and the JWKS where missing, and renew the token in its second half of life; True if changed."""
    directory = environment.state_dir / "issuer"
    key_file, token_file = directory / "key.pem", environment.state_dir / "grpc-token"
    changed = not key_file.is_file()
    if changed:
        pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        write_atomically(key_file, pem.decode(), mode=0o600)
    jwk = _jwk(_load(environment))
    changed |= write_atomically(directory / "jwks.json", json.dumps({"keys": [jwk]}, indent=2) + "\n")
    if changed or _expiry(token_file) < time.time() + LIFETIME_SECONDS / 2:
        write_atomically(token_file, token(environment) + "\n", mode=0o600)
        changed = True
    return changed


def token(
    environment: Environment,
    scopes: Sequence[str] = SCOPES,
    subject: str = "local-upload-service",
    tenant: str = "local",
    seconds: int = LIFETIME_SECONDS,
) -> str:
    """A signed JWT (RFC 7519, ES256 of RFC 7518 section 3.4), valid for `seconds` (negative: expired)."""
    key = _load(environment)
    cloud = environment.cloud()
    now = int(time.time())
    claims = {
        "iss": cloud["token_issuer"],
        "aud": cloud["token_audience"],
        "sub": subject,
        "scope": " ".join(scopes),
        "tenant": tenant,
        "iat": now,
        "nbf": now + min(0, seconds),
        "exp": now + seconds,
    }
    return jwt.encode(claims, key, algorithm="ES256", headers={"kid": _jwk(key)["kid"]})


def _load(environment: Environment) -> ec.EllipticCurvePrivateKey:
    pem = (environment.state_dir / "issuer" / "key.pem").read_bytes()
    key = serialization.load_pem_private_key(pem, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101 - we wrote it
    return key


def _jwk(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    members = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    key_id = hashlib.sha256(json.dumps(members, sort_keys=True).encode()).hexdigest()[:32]
    return {**members, "kid": key_id, "use": "sig", "alg": "ES256"}


def _expiry(token_file: Path) -> float:
    try:
        return float(jwt.decode(token_file.read_text().strip(), options={"verify_signature": False})["exp"])
    except (OSError, KeyError, jwt.InvalidTokenError):
        return 0.0
