# SPDX-License-Identifier: Apache-2.0
"""CloudFront's signed URLs and signed cookies, judged as CloudFront judges them.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-creating-signed-url-canned-policy.html
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-setting-signed-cookie-custom-policy.html
"""

import base64
import binascii
import ipaddress
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

type PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey

FIELDS = ("Expires", "Policy", "Signature", "Key-Pair-Id", "Hash-Algorithm")
_HASHES: dict[str, hashes.HashAlgorithm] = {"SHA1": hashes.SHA1(), "SHA256": hashes.SHA256()}  # noqa: S303
_FROM_CLOUDFRONT = str.maketrans("-_~", "+=/")


class DeniedError(Exception):
    """The request is refused; `code` and the message are what the viewer reads."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Request:
    """What a viewer asked for: `url` is scheme, host, path and query as it was sent; `address` the viewer's."""

    url: str
    cookies: Mapping[str, str]
    address: str


def verify(request: Request, keys: Mapping[str, PublicKey], now: float) -> None:
    """Return when the request may pass.

    Args:
        keys: the public keys that the cache behaviour trusts, by id.
        now: seconds since the epoch.

    Raises:
        DeniedError: it may not.
    """
    fields, url = split(request)
    if "Key-Pair-Id" not in fields:
        raise DeniedError("MissingKey", "Missing Key-Pair-Id query parameter or cookie value")
    key = keys.get(fields["Key-Pair-Id"])
    if key is None:
        raise DeniedError("InvalidKey", "Unknown Key")
    if "Policy" in fields:
        policy = decode(fields["Policy"])
    elif "Expires" in fields:
        policy = canned_policy(url, fields["Expires"])
    else:
        raise DeniedError("MissingPolicy", "Missing Policy or Expires query parameter or cookie value")
    algorithm = _HASHES.get(fields.get("Hash-Algorithm", "SHA1"))
    if algorithm is None:
        raise DeniedError("AccessDenied", "Access denied")
    try:
        _verify(key, decode(fields.get("Signature", "")), policy, algorithm)
    except InvalidSignature:
        raise DeniedError("AccessDenied", "Access denied") from None
    try:
        allowed = _allows(json.loads(policy), url, request.address, now)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise DeniedError("MalformedPolicy", "Malformed Policy") from None
    if not allowed:
        raise DeniedError("AccessDenied", "Access denied")


def split(request: Request) -> tuple[dict[str, str], str]:
    """The signature's fields, and the URL without them. A signed query wins over cookies; they are never mixed."""
    parts = urlsplit(request.url)
    given: dict[str, str] = {}
    rest = []
    for pair in parts.query.split("&") if parts.query else []:
        name, _, value = pair.partition("=")
        if name in FIELDS:
            given[name] = unquote(value)
        else:
            rest.append(pair)
    url = parts._replace(query="&".join(rest), fragment="").geturl()
    if "Signature" in given or "Key-Pair-Id" in given:
        return given, url
    return {
        name: request.cookies[f"CloudFront-{name}"] for name in FIELDS if f"CloudFront-{name}" in request.cookies
    }, url


def decode(text: str) -> bytes:
    """CloudFront's base64: - _ ~ in place of + = /.

    Raises:
        DeniedError: it is none.
    """
    try:
        return base64.b64decode(text.translate(_FROM_CLOUDFRONT), validate=True)
    except (binascii.Error, ValueError):
        raise DeniedError("AccessDenied", "Access denied") from None


def canned_policy(url: str, expires: str) -> bytes:
    """The policy that a signature with Expires, and no Policy, was made over."""
    condition = f'{{"DateLessThan":{{"AWS:EpochTime":{expires}}}}}'
    return f'{{"Statement":[{{"Resource":"{url}","Condition":{condition}}}]}}'.encode()


def matches(resource: str, url: str) -> bool:
    """Whether a policy's resource covers a URL: * is any number of characters, ? exactly one."""
    pattern = re.escape(resource).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(pattern, url) is not None


def _verify(key: PublicKey, signature: bytes, message: bytes, algorithm: hashes.HashAlgorithm) -> None:
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(signature, message, padding.PKCS1v15(), algorithm)
    else:
        key.verify(signature, message, ec.ECDSA(algorithm))


def _allows(policy: dict[str, Any], url: str, address: str, now: float) -> bool:
    (statement,) = policy["Statement"]
    condition = statement["Condition"]
    if set(condition) - {"DateLessThan", "DateGreaterThan", "IpAddress"}:
        raise ValueError("unknown condition")
    inside = True
    if "IpAddress" in condition:
        network = ipaddress.ip_network(condition["IpAddress"]["AWS:SourceIp"], strict=False)
        inside = ipaddress.ip_address(address) in network
    begins = condition.get("DateGreaterThan", {"AWS:EpochTime": 0})["AWS:EpochTime"]
    ends = condition["DateLessThan"]["AWS:EpochTime"]
    return inside and int(begins) < now < int(ends) and matches(statement.get("Resource", "*"), url)
