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
    rules = Rules(unordered=frozenset({"public_keys"}))

    def describe(self) -> dict[str, Any] | None:
        """Return the key group. AWS's name ``items`` would be a method of every dictionary in a playbook."""
        found = super().describe()
        return _renamed(found, "items", "public_keys") if found else None

    def desired(self, actual: dict[str, Any] | None) -> dict[str, Any]:
        """Return the configuration."""
        return {"name": self.name, "public_keys": self.params["items"], "comment": self.params.get("comment")}

    def create(self, desired: dict[str, Any]) -> None:
        """Create the group."""
        super().create(_renamed(desired, "public_keys", "items"))

    def update(self, actual: dict[str, Any], desired: dict[str, Any], changes: set[str]) -> None:
        """Replace the configuration."""
        super().update(_renamed(actual, "public_keys", "items"), _renamed(desired, "public_keys", "items"), changes)


def _renamed(group: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    return {new if key == old else key: value for key, value in group.items()}
