# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tags: dictionaries on the playbook's side, several kinds of lists on AWS's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def to_dict(tags: Iterable[dict[str, Any]] | None) -> dict[str, str]:
    """Return AWS's list of tags (``key``/``value``, in snake_case) as a dictionary, without AWS's own tags."""
    found = {str(tag["key"]): str(tag.get("value", "")) for tag in tags or []}
    return {key: value for key, value in found.items() if not key.startswith("aws:")}


def to_list(tags: dict[str, Any] | None) -> list[dict[str, str]] | None:
    """Return a dictionary of tags as AWS's list, or None when there is none to send."""
    return [{"key": str(key), "value": str(value)} for key, value in sorted((tags or {}).items())] or None


def wanted(actual: dict[str, str], tags: dict[str, Any] | None, purge: bool) -> dict[str, str] | None:
    """Return the tags a resource shall have, or None when nobody said anything about tags."""
    if tags is None:
        return None
    asked = {str(key): str(value) for key, value in tags.items()}
    return asked if purge else {**actual, **asked}


def difference(actual: dict[str, str], desired: dict[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return the tags to set and the keys to remove."""
    to_set = {key: value for key, value in desired.items() if actual.get(key) != value}
    return to_set, sorted(set(actual) - set(desired))
