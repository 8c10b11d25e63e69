# SPDX-License-Identifier: Apache-2.0
"""The environment's certificate authority and the certificates of its balancers and its CDN."""

import datetime as dt
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .environment import write_atomically

LEAVES = ("public", "internal", "cdn")
NAMES = ("localhost", "streamify.localhost", "*.streamify.localhost")
ADDRESSES = ("127.0.0.1", "::1")
LIFETIME = dt.timedelta(days=397)  # the longest browsers accept for leaves
RENEW_BEFORE = dt.timedelta(days=30)


def ensure(directory: Path, environment: str) -> bool:
    """Make the authority and its leaves where they are missing or near their end; True if anything was made."""
    ca_file, ca_key_file = directory / "ca.pem", directory / "ca.key"
    changed = not (_is_valid(ca_file) and ca_key_file.is_file())
    if changed:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _sign(f"Streamify local CA ({environment})", key, None, key, LIFETIME * 3)
        _write(directory, "ca", certificate, key)
    ca = x509.load_pem_x509_certificate(ca_file.read_bytes())
    ca_key = serialization.load_pem_private_key(ca_key_file.read_bytes(), None)
    assert isinstance(ca_key, ec.EllipticCurvePrivateKey)  # noqa: S101 - we wrote it
    for name in LEAVES:
        if changed or not (_is_valid(directory / f"{name}.pem") and (directory / f"{name}.key").is_file()):
            key = ec.generate_private_key(ec.SECP256R1())
            _write(directory, name, _sign(f"streamify {environment} {name}", key, ca, ca_key, LIFETIME), key)
            changed = True
    return changed


def _sign(
    common_name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    issuer_key: ec.EllipticCurvePrivateKey,
    lifetime: dt.timedelta,
) -> x509.Certificate:
    """A certificate for `key`: an authority's when it has no issuer, else a server's."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    now = dt.datetime.now(dt.UTC)
    is_ca = issuer is None
    usage = {"key_cert_sign": is_ca, "crl_sign": is_ca, "digital_signature": True}
    others = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + lifetime)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=0 if is_ca else None), critical=True)
        .add_extension(
            x509.KeyUsage(**usage, **dict.fromkeys(others, False), encipher_only=False, decipher_only=False),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if not is_ca:
        names: list[x509.GeneralName] = [x509.DNSName(name) for name in NAMES]
        names += [x509.IPAddress(ipaddress.ip_address(address)) for address in ADDRESSES]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False).add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False
        )
    return builder.sign(issuer_key, hashes.SHA256())


def _write(directory: Path, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    write_atomically(directory / f"{name}.key", pem.decode(), mode=0o600)
    write_atomically(directory / f"{name}.pem", certificate.public_bytes(serialization.Encoding.PEM).decode())


def _is_valid(path: Path) -> bool:
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError):
        return False
    return certificate.not_valid_after_utc - RENEW_BEFORE > dt.datetime.now(dt.UTC)
