# SPDX-License-Identifier: Apache-2.0
"""Loaded by schemathesis (SCHEMATHESIS_HOOKS): half of the requests come from a viewer who says who that is."""

import os
import random
from typing import Any

import schemathesis

_TOKEN = os.environ["FUZZ_TOKEN"]
_random = random.Random(1)


@schemathesis.auth(refresh_interval=None)
class Viewer:
    """The bearer token."""

    def get(self, case: schemathesis.Case[Any], context: schemathesis.AuthContext) -> str:
        """It lasts longer than a run."""
        return _TOKEN

    def set(self, case: schemathesis.Case[Any], data: str, context: schemathesis.AuthContext) -> Any:
        """Put it into every other request, by chance."""
        if _random.random() < 0.5:
            case.headers["Authorization"] = f"Bearer {data}"
