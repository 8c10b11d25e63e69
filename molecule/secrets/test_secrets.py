# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: S101
"""Secrets: what AWS reports, without any of the role's variables. Run by verify.yml."""

import json

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from reported import NAME, aws


def test_signing_key_is_a_p256_key_that_only_secrets_manager_holds() -> None:
    client = aws("secretsmanager")
    key = serialization.load_pem_private_key(
        client.get_secret_value(SecretId=f"{NAME}-signing-key")["SecretString"].encode(), password=None
    )
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert key.curve.name == "secp256r1"


def test_token_keys_are_public_halves() -> None:
    text = aws("secretsmanager").get_secret_value(SecretId=f"{NAME}-token-jwks")["SecretString"]
    keys = json.loads(text)["keys"]
    assert keys
    assert not any("d" in key for key in keys)
