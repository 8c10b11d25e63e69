# SPDX-License-Identifier: Apache-2.0
"""Who is calling."""

import math
from dataclasses import dataclass, field

from streamify_api.domain.errors import PermissionDeniedError


@dataclass(frozen=True, slots=True)
class Caller:
    """A caller whose token was verified, and when that stops being true, in seconds since 1970."""

    subject: str
    tenant: str
    scopes: frozenset[str]
    expire_time: float = field(default=math.inf, compare=False)

    def require(self, scope: str) -> None:
        """Refuse a caller without this scope.

        Raises:
            PermissionDeniedError: the token does not carry the scope.
        """
        if scope not in self.scopes:
            raise PermissionDeniedError("SCOPE_MISSING", f"The token lacks the scope {scope}.", {"scope": scope})
