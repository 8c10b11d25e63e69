# SPDX-License-Identifier: Apache-2.0
"""What every use of Signature Version 4 shares: credentials, the credential scope, and the key of the day.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hmac
from dataclasses import dataclass

from streamify_api.adapters.hmac_sha256 import HmacSha256

ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Keys of AWS; the token comes with temporary ones."""

    access_key: str
    secret_key: str
    token: str | None = None


class SigningScope:
    """Whom signatures are for.

    Args:
        region: such as eu-central-1.
        service: such as s3.
    """

    def __init__(self, region: str, service: str) -> None:
        self._region = region
        self._service = service
        self._key: tuple[tuple[str, str], HmacSha256] | None = None

    def of(self, day: str) -> str:
        """The credential scope of a day (YYYYMMDD)."""
        return f"{day}/{self._region}/{self._service}/aws4_request"

    def key(self, secret_key: str, day: str) -> HmacSha256:
        """The key of the day, kept until the day or the secret changes."""
        if self._key is None or self._key[0] != (secret_key, day):
            key = f"AWS4{secret_key}".encode()
            for step in (day, self._region, self._service, "aws4_request"):
                key = hmac.digest(key, step.encode(), "sha256")
            self._key = ((secret_key, day), HmacSha256(key))
        return self._key[1]
