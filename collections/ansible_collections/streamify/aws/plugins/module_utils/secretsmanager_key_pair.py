# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A signing key pair that lives in Secrets Manager. The private key never leaves this process and the secret."""

from __future__ import annotations

from typing import Any

try:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
except ImportError:
    pass  # reported by the module

from .core.errors import ResourceError
from .core.resource import UNKNOWN
from .secretsmanager_secret import Secret


def generate(key_type: str) -> str:
    """Return a new private key as PKCS #8 PEM text: ``ECDSA_P256`` or ``RSA_2048``, which is what CloudFront accepts.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-trusted-signers.html
    """
    key = ec.generate_private_key(ec.SECP256R1()) if key_type == "ECDSA_P256" else rsa.generate_private_key(65537, 2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def public_half(private_key: str) -> tuple[str, str]:
    """Return the type and the public key (PEM) of a private key.

    :raises ResourceError: this is no private key of a type that CloudFront accepts.
    """
    try:
        key = serialization.load_pem_private_key(private_key.encode(), password=None)
    except (ValueError, TypeError):
        raise ResourceError("the secret's value is no unencrypted private key in PEM format") from None
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        key_type = "ECDSA_P256"
    elif isinstance(key, rsa.RSAPrivateKey) and key.key_size == 2048:
        key_type = "RSA_2048"
    else:
        raise ResourceError("the secret's key is neither ECDSA P-256 nor RSA 2048")
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return key_type, public.decode()


class KeyPair(Secret):
    """A key pair; its secret's value is the private key. An existing key is never replaced."""

    kind = "key pair"
    result = "key_pair"
    immutable = frozenset({"key_type"})

    def read(self, value: str) -> dict[str, Any]:
        """Return the key's type and its public half."""
        key_type, public_key = public_half(value)
        return {"key_type": key_type, "public_key": public_key}

    def value(self) -> str:
        """Return a new private key."""
        return generate(self.params["key_type"])

    def desired_value(self) -> dict[str, Any]:
        """Return the type of key; which key it is does not matter."""
        return {"key_type": self.params["key_type"]}

    def predicted(self, desired: dict[str, Any]) -> dict[str, Any]:
        """Return the name, and a stand-in for the public key that chance decides."""
        return {**super().predicted(desired), "public_key": UNKNOWN}
