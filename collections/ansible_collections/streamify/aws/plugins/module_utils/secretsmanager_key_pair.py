# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A signing key pair that lives in Secrets Manager. The private key never leaves this process and the secret."""

from __future__ import annotations

from typing import Any

try:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric import rsa
except ImportError:
    pass  # reported by the module

from .core import tags as tagging
from .core.errors import ResourceError
from .core.resource import UNKNOWN
from .core.resource import Resource


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
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return key_type, public.decode()


class KeyPair(Resource):
    """A key pair; its secret's value is the private key."""

    service = "secretsmanager"
    kind = "key pair"
    result = "key_pair"
    immutable = frozenset({"key_type"})

    def describe(self) -> dict[str, Any] | None:
        """Return the secret's description and the key's public half."""
        found = self.aws.call("describe_secret", secret_id=self.name, missing=["ResourceNotFoundException"])
        if not found:
            return None
        about = {
            "name": found["name"],
            "arn": found["arn"],
            "description": found.get("description") or "",
            "kms_key_id": found.get("kms_key_id"),
            "deleted_date": found.get("deleted_date"),
            "tags": tagging.to_dict(found.get("tags")),
        }
        if about["deleted_date"]:
            return about
        value = self.aws.get("get_secret_value", secret_id=self.name)
        about["version_id"] = value.get("version_id")
        about["key_type"], about["public_key"] = public_half(value["secret_string"])
        return about

    def desired(self, actual: dict[str, Any] | None) -> dict[str, Any]:
        """Return what was asked for."""
        if actual and actual["deleted_date"]:
            raise ResourceError(
                f"the secret {self.name} is scheduled for deletion; restore it, or delete it with recovery_window 0"
            )
        return {key: self.params.get(key) for key in ("description", "key_type", "kms_key_id")}

    def create(self, desired: dict[str, Any]) -> None:
        """Generate the key and store it."""
        self.aws.get(
            "create_secret",
            name=self.name,
            secret_string=generate(desired["key_type"]),
            description=desired.get("description"),
            kms_key_id=desired.get("kms_key_id"),
            tags=tagging.to_list(desired.get("tags")),
        )

    def update(self, actual: dict[str, Any], desired: dict[str, Any], changes: set[str]) -> None:
        """Change what is said about the secret, never its value."""
        self.aws.get("update_secret", secret_id=actual["arn"], **{key: desired[key] for key in changes})

    def delete(self, actual: dict[str, Any]) -> None:
        """Delete the secret, at once when the recovery window is 0."""
        window = int(self.params["recovery_window"])
        how = {"recovery_window_in_days": window} if window else {"force_delete_without_recovery": True}
        self.aws.get("delete_secret", secret_id=actual["arn"], **how)

    def ensure_absent(self, check_mode: bool) -> Any:
        """Remove the secret; one already scheduled for deletion is as good as gone, unless it shall go at once."""
        actual = self.describe()
        if actual and actual["deleted_date"] and self.params["recovery_window"]:
            self.describe = lambda: None  # type: ignore[method-assign]
        return super().ensure_absent(check_mode)

    def predicted(self, desired: dict[str, Any]) -> dict[str, Any]:
        """Return the name; the rest only AWS, or chance, can tell."""
        return {
            "name": self.name,
            "arn": self.arn("secretsmanager", f"secret:{self.name}-{UNKNOWN}"),
            "public_key": UNKNOWN,
        }

    def tag(self, actual: dict[str, Any], to_set: dict[str, str]) -> None:
        """Set tags."""
        self.aws.get("tag_resource", secret_id=actual["arn"], tags=tagging.to_list(to_set))

    def untag(self, actual: dict[str, Any], keys: list[str]) -> None:
        """Remove tags."""
        self.aws.get("untag_resource", secret_id=actual["arn"], tag_keys=keys)
