# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Compare what was asked for with what AWS reports."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_EMPTY: tuple[Any, ...] = ([], {}, "", False, 0)


@dataclass(frozen=True)
class Rules:
    """How the values of one kind of resource are compared. Keys are names, at any depth.

    :param unordered: lists whose order means nothing to AWS.
    :param keyed: lists of dictionaries that AWS tells apart by one of their names.
    :param exact: parts in which, at any depth, nothing may be that was not asked for.
    """

    unordered: frozenset[str] = frozenset()
    keyed: Mapping[str, str] = field(default_factory=dict)
    exact: frozenset[str] = frozenset({"tags"})


def given(value: Any) -> Any:
    """Return a value without what was not given: no None in any dictionary, at any depth."""
    if isinstance(value, dict):
        return {key: given(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [given(item) for item in value]
    return value


def stripped(value: Any) -> Any:
    """Return a value without empty parts: AWS writes ``[]`` or ``{}`` where nothing was given."""
    if isinstance(value, dict):
        made = {key: stripped(item) for key, item in value.items()}
        return {key: item for key, item in made.items() if item is not None and item not in ([], {}, "")}
    if isinstance(value, list):
        return [stripped(item) for item in value]
    return value


def normal(value: Any, rules: Rules, name: str = "") -> Any:
    """Return a value with the lists that have no order sorted."""
    if isinstance(value, dict):
        return {key: normal(item, rules, key) for key, item in value.items()}
    if isinstance(value, list):
        items = [normal(item, rules) for item in value]
        if name in rules.keyed:
            by = rules.keyed[name]
            return sorted(items, key=lambda item: str(item.get(by)) if isinstance(item, dict) else str(item))
        if name in rules.unordered:
            return sorted(items, key=lambda item: json.dumps(item, sort_keys=True, default=str))
        return items
    return value


def project(desired: Any, actual: Any, rules: Rules, name: str = "") -> Any:
    """Return what AWS reports of just those things that were asked for, so that both can be compared with ``==``.

    Both sides must be :func:`normal`. What is missing counts as empty, false or zero where that was asked for.
    """
    if actual is None and any(desired == empty and type(desired) is type(empty) for empty in _EMPTY):
        return desired
    if actual is None and isinstance(desired, dict):
        empty = project(desired, {}, rules, name)
        return desired if empty == desired else None
    if name in rules.exact:
        return actual
    if isinstance(desired, dict) and isinstance(actual, dict):
        return {
            key: project(item, actual.get(key), rules, key)
            for key, item in desired.items()
            if key in actual or project(item, None, rules, key) is not None
        }
    if isinstance(desired, list) and isinstance(actual, list):
        return _project_list(desired, actual, rules, name)
    return actual


def _project_list(desired: list[Any], actual: list[Any], rules: Rules, name: str) -> list[Any]:
    if name in rules.keyed:
        by = rules.keyed[name]
        wanted = {item.get(by): item for item in desired if isinstance(item, dict)}
        return [project(wanted[item.get(by)], item, rules) if item.get(by) in wanted else item for item in actual]
    if len(desired) == len(actual):
        return [project(wanted, item, rules) for wanted, item in zip(desired, actual, strict=True)]
    return actual


def merged(actual: Any, desired: Any, rules: Rules, name: str = "") -> Any:
    """Return what AWS would report after the change: the actual state with the desired one laid over it."""
    if isinstance(desired, dict) and isinstance(actual, dict) and name not in rules.exact:
        return {**actual, **{key: merged(actual.get(key), item, rules, key) for key, item in desired.items()}}
    return desired
