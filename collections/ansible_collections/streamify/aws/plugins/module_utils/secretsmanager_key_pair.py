# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A signing key pair that lives in Secrets Manager. The private key never leaves this process and the secret."""

from __future__ import annotations

import datetime
import time
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


CURRENT, STANDBY, PREVIOUS = "AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"
UNUSED = "UNUSED_SINCE_"  # and the epoch second: a staging label of our own, on the previous version


class KeyPair(Secret):
    """A key pair; its secret's value is the private key. An existing key is never replaced.

    Beside the current key there may be a second: the standby that a rotation will promote, or the previous one that a
    rotation has left. Each is a version of the secret, and Secrets Manager's staging labels say which is which.
    """

    kind = "key pair"
    result = "key_pair"
    immutable = frozenset({"key_type"})

    def describe(self) -> dict[str, Any] | None:
        """Return the current key, the second one, and all public keys, the current one first."""
        about = super().describe()
        if not about:
            return None
        stages = about.pop("version_ids_to_stages")
        if "public_key" not in about:
            return about
        about |= {"standby": {}, "previous": {}, "public_keys": [about["public_key"]]}
        for version, labels in sorted(stages.items()):
            if version == about["version_id"] or not {STANDBY, PREVIOUS} & set(labels):
                continue
            found = self.aws.get("get_secret_value", secret_id=self.name, version_id=version)
            key = {
                "version_id": version,
                "public_key": public_half(found.get("secret_string") or "")[1],
                "created": _epoch(found.get("created_date")),
            }
            since = [int(label.removeprefix(UNUSED)) for label in labels if label.startswith(UNUSED)]
            about["public_keys"].append(key["public_key"])
            if PREVIOUS in labels:
                about["previous"] = {**key, "unused_since": since[0] if since else 0}
            else:
                about["standby"] = key
        return about

    def read(self, value: str) -> dict[str, Any]:
        """Return the key's type and its public half."""
        key_type, public_key = public_half(value)
        return {"key_type": key_type, "public_key": public_key}

    def value(self) -> str:
        """Return a new private key."""
        return generate(self.params["key_type"])

    def desired_value(self) -> dict[str, Any]:
        """Return the type of key, and that no step of a rotation is due; which key it is does not matter."""
        return {"key_type": self.params["key_type"], "due": ""}

    def view(self, actual: dict[str, Any]) -> dict[str, Any]:
        """Return the key pair with the step that is due."""
        return {**actual, "due": self._due(actual)}

    def _due(self, actual: dict[str, Any]) -> str:
        """Return the step that was asked for and is not done yet, or an empty string."""
        rotation, standby, previous = self.params.get("rotation"), actual.get("standby"), actual.get("previous")
        if rotation == "promote" and not previous:
            if not standby:
                raise ResourceError(f"the {self.kind} {self.name} has no standby key to promote; ask for one (standby)")
            return "promote"
        if rotation == "mark_unused" and previous and not previous["unused_since"]:
            return "mark_unused"
        if rotation == "retire" and previous and self._is_over(previous["unused_since"]):
            return "retire"
        return "add_standby" if self.params.get("standby") and not (standby or previous) else ""

    def _is_over(self, unused_since: int) -> bool:
        return bool(unused_since) and time.time() >= unused_since + int(self.params.get("retire_after") or 0)

    def create(self, desired: dict[str, Any]) -> None:
        """Create the secret with its key, and the standby when it was asked for."""
        super().create(desired)
        if self.params.get("standby"):
            self._add_standby()

    def update(self, actual: dict[str, Any], desired: dict[str, Any], changes: set[str]) -> None:
        """Do the step that is due; change what is said about the secret."""
        due = self._due(actual) if "due" in changes else ""
        if due == "promote":
            self._move(CURRENT, actual["standby"]["version_id"], actual["version_id"])
            self._move(STANDBY, None, actual["standby"]["version_id"])
        elif due == "mark_unused":
            self._move(f"{UNUSED}{int(time.time())}", actual["previous"]["version_id"], None)
        elif due == "retire":
            previous = actual["previous"]
            self._move(f"{UNUSED}{previous['unused_since']}", None, previous["version_id"])
            self._move(PREVIOUS, None, previous["version_id"])
        elif due == "add_standby":
            self._add_standby()
        if changes - {"due"}:
            super().update(actual, desired, changes - {"due"})

    def _move(self, label: str, to: str | None, away_from: str | None) -> None:
        self.aws.get(
            "update_secret_version_stage",
            secret_id=self.name,
            version_stage=label,
            move_to_version_id=to,
            remove_from_version_id=away_from,
        )

    def _add_standby(self) -> None:
        self.aws.get("put_secret_value", secret_id=self.name, secret_string=self.value(), version_stages=[STANDBY])

    def predicted(self, desired: dict[str, Any]) -> dict[str, Any]:
        """Return the name, and a stand-in for the public keys that chance decides."""
        public_keys = [UNKNOWN] * (2 if self.params.get("standby") else 1)
        keys = {"public_key": UNKNOWN, "public_keys": public_keys, "standby": {}, "previous": {}}
        return {**super().predicted(desired), **keys}


def _epoch(moment: str | None) -> int:
    """Return the epoch second of a moment in ISO 8601, as the core writes them."""
    return int(datetime.datetime.fromisoformat(moment).timestamp()) if moment else 0
