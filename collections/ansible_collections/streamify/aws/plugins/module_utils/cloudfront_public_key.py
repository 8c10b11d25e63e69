# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""CloudFront public keys, with which the CDN checks signatures. AWS can change a key's comment only."""

from __future__ import annotations

import base64
import binascii
import re
import uuid
from typing import Any

from .cloudfront import NamedConfiguration
from .core.errors import ResourceError
from .core.resource import UNKNOWN

# Bytes of a SubjectPublicKeyInfo: ECDSA P-256, RSA 2048 with the exponent 65537.
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-trusted-signers.html
_SIZES = {91: "ECDSA P-256", 294: "RSA 2048"}


class PublicKey(NamedConfiguration):
    """A public key."""

    kind = "CloudFront public key"
    result = "public_key"
    noun = "public_key"
    plural = "public_keys"
    immutable = frozenset({"encoded_key"})

    def desired(self, actual: dict[str, Any] | None) -> dict[str, Any]:
        """Return the configuration, the key in one form only."""
        key = self.params["encoded_key"]
        return {
            "name": self.name,
            # In check mode the key pair may not exist yet.
            "encoded_key": key if key == UNKNOWN else normal_key(key),
            "comment": self.params.get("comment"),
        }

    def view(self, actual: dict[str, Any]) -> dict[str, Any]:
        """Return the configuration, the key in the same form."""
        try:
            return {**actual, "encoded_key": normal_key(actual.get("encoded_key", ""))}
        except ResourceError:
            return actual

    def create(self, desired: dict[str, Any]) -> None:
        """Create the key."""
        super().create({**desired, "caller_reference": str(uuid.uuid4())})

    def update(self, actual: dict[str, Any], desired: dict[str, Any], changes: set[str]) -> None:
        """Change the comment; AWS wants the key back just as it has it."""
        super().update(actual, {**desired, "encoded_key": actual["encoded_key"]}, changes)


def normal_key(text: str) -> str:
    """Return a PEM public key with lines of 64 characters and one line's end.

    :raises ResourceError: when it is no key that CloudFront takes.
    """
    match = re.fullmatch(r"\s*-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----\s*", text or "")
    body = "".join(match.group(1).split()) if match else ""
    try:
        size = len(base64.b64decode(body, validate=True))
    except (binascii.Error, ValueError):
        size = 0
    if size not in _SIZES:
        raise ResourceError(f"encoded_key must be a PEM public key (BEGIN PUBLIC KEY): {' or '.join(_SIZES.values())}")
    lines = [body[start : start + 64] for start in range(0, len(body), 64)]
    return "\n".join(["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""])
