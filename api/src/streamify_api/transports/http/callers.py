# SPDX-License-Identifier: Apache-2.0
"""Who asks over HTTP. Nobody has to say; who does is checked (https://www.rfc-editor.org/rfc/rfc6750#section-2.1)."""

from collections.abc import Callable

from streamify_api.domain.callers import Caller
from streamify_api.domain.errors import UnauthenticatedError
from streamify_api.services.ports import TokenVerifier

type WhoAsks = Callable[[str | None], Caller | None]


def who_asks(verifier: TokenVerifier) -> WhoAsks:
    """A function from the header Authorization to the caller; None without one."""

    def caller(authorization: str | None) -> Caller | None:
        """The caller.

        Raises:
            UnauthenticatedError: there is a header, and it holds no valid bearer token.
        """
        if authorization is None:
            return None
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not (token := token.strip()):
            raise UnauthenticatedError("TOKEN_INVALID", 'The header Authorization must be "Bearer" and a token.')
        return verifier.verify(token)

    return caller
