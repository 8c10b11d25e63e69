# SPDX-License-Identifier: Apache-2.0
"""Signatures judged by openssl."""

import subprocess
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def accepts(key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey, signature: bytes, document: bytes, folder: Path) -> bool:
    """Whether it is a SHA-256 signature of the document by the owner of the key."""
    public = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for name, content in (("key", public), ("signature", signature), ("document", document)):
        (folder / name).write_bytes(content)
    command = ["openssl", "dgst", "-sha256", "-verify", "key", "-signature", "signature", "document"]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0
