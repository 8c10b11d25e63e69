# SPDX-License-Identifier: GPL-3.0-or-later
"""Policies compared by meaning, certificates by fingerprint, and private keys that nobody is shown."""

import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from .conftest import FakeAws


def pair() -> tuple[str, str]:
    """Return a certificate and its private key as PEM texts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made.public_bytes(serialization.Encoding.PEM).decode(), private.decode()


def certificate() -> str:
    return pair()[0]


def test_policies_that_mean_the_same_are_the_same() -> None:
    from ansible_collections.streamify.aws.plugins.module_utils.iam_role import canonical

    one = {"Statement": [{"Action": ["b:B", "a:A"], "Resource": ["*"]}]}
    assert canonical(one) == canonical('{"Statement": {"Resource": "*", "Action": ["a:A", "b:B"]}}')
    assert canonical(one) != canonical('{"Statement": {"Resource": "*", "Action": "a:A"}}')


def test_certificates_are_the_same_whatever_their_line_breaks() -> None:
    from ansible_collections.streamify.aws.plugins.module_utils.acm_certificate import fingerprints

    pem = certificate()
    assert fingerprints(pem) == fingerprints(pem.replace("\n", "\r\n") + "\n")
    assert len(fingerprints(pem + certificate())) == 2
    assert fingerprints(None) == []


@pytest.mark.parametrize("key_type", ["ECDSA_P256", "RSA_2048"])
def test_a_generated_key_has_the_type_that_was_asked_for(key_type: str) -> None:
    from ansible_collections.streamify.aws.plugins.module_utils.secretsmanager_key_pair import generate, public_half

    found, public = public_half(generate(key_type))
    assert found == key_type
    assert public.startswith("-----BEGIN PUBLIC KEY-----")


def test_an_existing_key_is_kept_and_only_its_public_half_is_told(aws: FakeAws) -> None:
    from ansible_collections.streamify.aws.plugins.module_utils.core.resource import Context
    from ansible_collections.streamify.aws.plugins.module_utils.secretsmanager_key_pair import KeyPair, generate

    private = generate("ECDSA_P256")
    arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:k-AbCdEf"
    aws.answer("DescribeSecret", {"ARN": arn, "Name": "k", "Description": "d"})
    aws.answer("GetSecretValue", {"ARN": arn, "Name": "k", "SecretString": private, "VersionId": "v" * 32})
    params = {"name": "k", "key_type": "ECDSA_P256", "description": "d", "kms_key_id": None, "state": "present"}
    outcome = KeyPair(Context(params=params, client=aws.client)).ensure_present(check_mode=False)
    assert not outcome.changed
    assert aws.changes() == []
    assert "PRIVATE" not in repr(outcome)
    assert outcome.resource is not None
    assert "PUBLIC" in outcome.resource["public_key"]
