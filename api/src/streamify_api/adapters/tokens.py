# SPDX-License-Identifier: Apache-2.0
"""Bearer tokens: JWT (RFC 7519) signed with ES256 by an issuer whose keys are a JWKS (RFC 7517)."""

import re
from collections.abc import Callable
from typing import Any

import jwt

from streamify_api.domain.callers import Caller
from streamify_api.domain.errors import UnauthenticatedError

_ALGORITHM = "ES256"
_LEEWAY_SECONDS = 30
_TENANT = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")


class JwtVerifier:
    """Implements services.ports.TokenVerifier.

    Args:
        jwks: the issuer's public keys as JSON.
        issuer: what the claim `iss` must be.
        audience: what the claim `aud` must be or hold.
        unknown_key: told when a token names a key that is not among them.

    Raises:
        ValueError: the JWKS cannot be read or holds no ES256 key.
    """

    def __init__(
        self, jwks: str, issuer: str, audience: str, *, unknown_key: Callable[[], None] = lambda: None
    ) -> None:
        self._keys = _read_keys(jwks)
        self._issuer = issuer
        self._audience = audience
        self.unknown_key = unknown_key

    def replace(self, jwks: str) -> bool:
        """Trust these keys from now on, and no others; whether that changed anything.

        Raises:
            ValueError: the JWKS cannot be read or holds no ES256 key; the keys of before stay.
        """
        keys = _read_keys(jwks)
        changed = {name: _thumbprint(key) for name, key in keys.items()} != {
            name: _thumbprint(key) for name, key in self._keys.items()
        }
        self._keys = keys
        return changed

    def verify(self, token: str) -> Caller:
        """The caller, if signature, algorithm, issuer, audience and times are right."""
        try:
            header = jwt.get_unverified_header(token)
            key = self._keys.get(header.get("kid")) or (None if "kid" in header else self._only_key())
            if key is None:
                if "kid" in header:
                    self.unknown_key()
                raise _refused()
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[_ALGORITHM],
                issuer=self._issuer,
                audience=self._audience,
                leeway=_LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.ExpiredSignatureError:
            raise UnauthenticatedError("TOKEN_EXPIRED", "The bearer token has expired.") from None
        except (jwt.PyJWTError, ValueError, TypeError):
            raise _refused() from None
        scope, tenant = claims.get("scope", ""), claims.get("tenant")
        if not isinstance(scope, str) or not isinstance(tenant, str) or not _TENANT.match(tenant):
            raise _refused()
        return Caller(
            subject=str(claims["sub"]),
            tenant=tenant,
            scopes=frozenset(scope.split()),
            expire_time=float(claims["exp"]) + _LEEWAY_SECONDS,
        )

    def _only_key(self) -> jwt.PyJWK | None:
        return next(iter(self._keys.values())) if len(self._keys) == 1 else None


def _read_keys(jwks: str) -> dict[str | None, jwt.PyJWK]:
    try:
        keys = jwt.PyJWKSet.from_json(jwks).keys
    except (jwt.PyJWTError, ValueError, KeyError, TypeError, AttributeError):
        raise ValueError("the JWKS cannot be read") from None
    fitting = {key.key_id: key for key in keys if key.algorithm_name == _ALGORITHM}
    if not fitting:
        raise ValueError("the JWKS holds no ES256 key")
    return fitting


def _thumbprint(key: jwt.PyJWK) -> tuple[Any, Any]:
    numbers = key.key.public_numbers()
    return numbers.x, numbers.y


def _refused() -> UnauthenticatedError:
    return UnauthenticatedError("TOKEN_INVALID", "The bearer token is not valid.")
