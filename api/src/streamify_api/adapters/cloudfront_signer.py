# SPDX-License-Identifier: Apache-2.0
"""CloudFront signatures of a custom policy, as cookies or query: SHA-256, ECDSA P-256 or RSA 2048.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-creating-signed-url-custom-policy.html
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-setting-signed-cookie-custom-policy.html
"""

import base64
import json
from collections.abc import Callable
from datetime import datetime

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from streamify_api.domain.playback import Grant

# CloudFront's own base64: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-linux-openssl.html
_CLOUDFRONT = bytes.maketrans(b"+=/", b"-_~")


class CloudFrontSigner:
    """Implements services.ports.PlaybackSigner.

    Args:
        key_id: CloudFront's id of the public key, such as K2JCJMDEHXQW5F.
        private_key: PEM of an ECDSA P-256 or RSA 2048 private key.
        cdn_url: origin of the CDN as players see it, without a slash at its end.

    Raises:
        ValueError: the PEM cannot be read, or CloudFront does not know this kind of key.
    """

    def __init__(self, key_id: str, private_key: str, cdn_url: str) -> None:
        self._key_id = key_id
        self._cdn_url = cdn_url
        self._sign = _signing(private_key)

    def sign(self, media_root: str, expire_time: datetime) -> Grant:
        """The grant that opens `<CDN>/<media_root>/*` until then."""
        policy = custom_policy(f"{self._cdn_url}/{media_root}/*", expire_time)
        return Grant(
            {
                "Policy": cloudfront_base64(policy),
                "Signature": cloudfront_base64(self._sign(policy)),
                "Key-Pair-Id": self._key_id,
                "Hash-Algorithm": "SHA256",
            }
        )


def custom_policy(resource: str, expire_time: datetime) -> bytes:
    """The policy document, without white space as CloudFront demands."""
    condition = {"DateLessThan": {"AWS:EpochTime": int(expire_time.timestamp())}}
    policy = {"Statement": [{"Resource": resource, "Condition": condition}]}
    return json.dumps(policy, separators=(",", ":")).encode()


def cloudfront_base64(value: bytes) -> str:
    """Base64 with the characters that CloudFront takes in URLs and cookies."""
    return base64.b64encode(value).translate(_CLOUDFRONT).decode()


def _signing(pem: str) -> Callable[[bytes], bytes]:
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (TypeError, ValueError):  # the library's message may quote the key
        raise ValueError("the private key is not an unencrypted PEM") from None
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        algorithm = ec.ECDSA(hashes.SHA256())
        return lambda data: key.sign(data, algorithm)
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size == 2048:
        return lambda data: key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    raise ValueError("the private key is neither ECDSA P-256 nor RSA 2048")
