# SPDX-License-Identifier: Apache-2.0
"""Playback sessions as JWTs (HS256), whose keys are derived from the CDN's signing keys: every task has those."""

from collections.abc import Sequence
from datetime import UTC, datetime

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from streamify_api.domain.errors import InvalidArgumentError, PermissionDeniedError
from streamify_api.domain.playback import Delivery, Session

_AUDIENCE = "streamify-playback-session"
_ALGORITHM = "HS256"
_LONGEST = 2048  # characters


class SignedSessionTokens:
    """Implements services.ports.SessionTokens.

    Args:
        secrets: the first one makes tokens; all of them are believed, so that a key can be exchanged in mid-play.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        self._keys = [_derive(secret) for secret in secrets]

    def write(self, session: Session) -> str:
        """Sign a session."""
        claims = {
            "aud": _AUDIENCE,
            "jti": session.session_id,
            "sub": session.video_id,
            "dlv": session.delivery,
            "exp": int(session.end_time.timestamp()),
        }
        return jwt.encode(claims, self._keys[0], algorithm=_ALGORITHM)

    def read(self, token: str) -> Session:
        """Check a token against every key."""
        if len(token) <= _LONGEST:
            for key in self._keys:
                try:
                    return _session(token, key)
                except jwt.ExpiredSignatureError:
                    raise PermissionDeniedError("SESSION_EXPIRED", "The session is over; open a new one.") from None
                except (jwt.InvalidTokenError, ValueError, KeyError):
                    continue
        raise InvalidArgumentError("INVALID_SESSION_TOKEN", "session_token is not one that playback gave.")


def _session(token: str, key: bytes) -> Session:
    claims = jwt.decode(
        token,
        key,
        algorithms=[_ALGORITHM],
        audience=_AUDIENCE,
        options={"require": ["aud", "exp", "sub", "jti"]},
    )
    return Session(
        session_id=claims["jti"],
        video_id=claims["sub"],
        delivery=Delivery(claims["dlv"]),
        end_time=datetime.fromtimestamp(claims["exp"], UTC),
    )


def _derive(secret: str) -> bytes:
    kdf = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"streamify playback session v1")
    return kdf.derive(secret.strip().encode())
