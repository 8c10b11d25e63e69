# SPDX-License-Identifier: Apache-2.0
"""Who is calling."""

from dataclasses import dataclass

from streamify_api.domain.errors import PermissionDeniedError


@dataclass(frozen=True, slots=True)
class Caller:
    """A caller whose token was verified."""

    subject: str
    tenant: str
    scopes: frozenset[str]

    def require(self, scope: str) -> None:
        """Refuse a caller without this scope.

        Raises:
            PermissionDeniedError: the token does not carry the scope.
        """
        if scope not in self.scopes:
            raise PermissionDeniedError("SCOPE_MISSING", f"The token lacks the scope {scope}.", {"scope": scope})
