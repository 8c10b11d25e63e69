# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""CloudFront key groups: the public keys of which any may have signed."""

from __future__ import annotations

from typing import Any

from .cloudfront import NamedConfiguration
from .core.compare import Rules


class KeyGroup(NamedConfiguration):
    """A key group."""

    kind = "CloudFront key group"
    result = "key_group"
    noun = "key_group"
    plural = "key_groups"
    wrapped = True
    rules = Rules(unordered=frozenset({"items"}))

    def desired(self, actual: dict[str, Any] | None) -> dict[str, Any]:
        """Return the configuration."""
        return {"name": self.name, "items": self.params["items"], "comment": self.params.get("comment")}
