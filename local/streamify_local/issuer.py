# SPDX-License-Identifier: Apache-2.0
"""The issuer of development tokens: a key an environment, its JWKS, and the upload services' token."""

import base64
import hashlib
import json
import time
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

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
    header = {"alg": "ES256", "typ": "JWT", "kid": _jwk(key)["kid"]}
    signed = ".".join(_base64url(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
    r, s = utils.decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{signed}.{_base64url(r.to_bytes(32) + s.to_bytes(32))}"


def _load(environment: Environment) -> ec.EllipticCurvePrivateKey:
    pem = (environment.state_dir / "issuer" / "key.pem").read_bytes()
    key = serialization.load_pem_private_key(pem, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101 - we wrote it
    return key


def _jwk(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    numbers = key.public_key().public_numbers()
    members = {
        "crv": "P-256",
        "kty": "EC",
        "x": _base64url(numbers.x.to_bytes(32)),
        "y": _base64url(numbers.y.to_bytes(32)),
    }
    # RFC 7638: the thumbprint is the hash of exactly these members, in this order, without spaces.
    thumbprint = hashlib.sha256(json.dumps(members, separators=(",", ":")).encode()).digest()
    return {**members, "kid": _base64url(thumbprint), "use": "sig", "alg": "ES256"}


def _expiry(token_file: Path) -> float:
    try:
        payload = token_file.read_text().split(".")[1]
        return float(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["exp"])
    except (OSError, ValueError, KeyError, IndexError):
        return 0.0


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
