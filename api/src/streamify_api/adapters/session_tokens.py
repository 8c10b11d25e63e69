# SPDX-License-Identifier: Apache-2.0
"""Playback sessions as JWTs (RFC 7519, HS256), whose keys come from the CDN's signing keys: every task has those.

Only one form is ever written, so only that one is read: its header is compared byte for byte and leaves nothing to
choose, no other algorithm either. A general library takes ten times as long; it is the oracle in the tests.
"""

import base64
import binascii
import hmac
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from streamify_api.adapters.hmac_sha256 import HmacSha256
from streamify_api.domain.errors import InvalidArgumentError, PermissionDeniedError
from streamify_api.domain.playback import Delivery, Session

_AUDIENCE = "streamify-playback-session"
_LONGEST = 2048  # characters
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


class _Claims(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a token holds; `exp` is seconds since 1970, `tnt` the tenant of a viewer who may watch."""

    aud: str
    jti: str
    sub: str
    dlv: Delivery
    exp: int
    tnt: str = ""


_HEADER = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').rstrip(b"=")
_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(_Claims)


class SignedSessionTokens:
    """Implements services.ports.SessionTokens.

    Args:
        secrets: the first one makes tokens; all of them are believed, so that a key can be exchanged in mid-play.
        now: seconds since 1970.
    """

    def __init__(self, secrets: Sequence[str], *, now: Callable[[], float] = time.time) -> None:
        self._keys = [_derive(secret) for secret in secrets]
        self._now = now

    def write(self, session: Session) -> str:
        """Sign a session."""
        claims = _Claims(
            _AUDIENCE,
            session.session_id,
            session.video_id,
            session.delivery,
            int(session.end_time.timestamp()),
            session.tenant,
        )
        signed = _HEADER + b"." + _encode(_ENCODER.encode(claims))
        return (signed + b"." + _encode(self._keys[0].digest(signed))).decode()

    def read(self, token: str) -> Session:
        """Check a token against every key."""
        claims = self._claims(token)
        if claims is None or claims.aud != _AUDIENCE:
            raise InvalidArgumentError("INVALID_SESSION_TOKEN", "session_token is not one that playback gave.")
        if claims.exp <= self._now():
            raise PermissionDeniedError("SESSION_EXPIRED", "The session is over; open a new one.")
        return Session(
            session_id=claims.jti,
            video_id=claims.sub,
            delivery=claims.dlv,
            end_time=datetime.fromtimestamp(claims.exp, UTC),
            tenant=claims.tnt,
        )

    def _claims(self, token: str) -> _Claims | None:
        if len(token) > _LONGEST or not token.isascii():
            return None
        signed, _, signature = token.encode().rpartition(b".")
        header, _, payload = signed.partition(b".")
        if header != _HEADER:
            return None
        try:
            given = _decode(signature)
            if not any(hmac.compare_digest(key.digest(signed), given) for key in self._keys):
                return None
            return _DECODER.decode(_decode(payload))
        except (binascii.Error, msgspec.MsgspecError, ValueError):
            return None


def _encode(value: bytes) -> bytes:
    return binascii.b2a_base64(value, newline=False).translate(_URL_SAFE, b"=")


def _decode(value: bytes) -> bytes:
    return base64.b64decode(value + b"=" * (-len(value) % 4), altchars=b"-_", validate=True)


def _derive(secret: str) -> HmacSha256:
    kdf = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"streamify playback session v1")
    return HmacSha256(kdf.derive(secret.strip().encode()))
