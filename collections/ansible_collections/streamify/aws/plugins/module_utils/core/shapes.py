# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Between a playbook's snake_case and botocore's names, led by botocore's own model of each operation.

A key is renamed only where the model has a structure; the keys of a map (log options, labels, statement maps) and every
value stay as they were given. CloudFront's ``{Quantity, Items}`` structures are plain lists on the playbook's side.
"""

from __future__ import annotations

import base64
import datetime
from typing import Any

try:
    from botocore import xform_name
except ImportError:
    pass  # handled by AnsibleAWSModule

from .errors import ResourceError

Shape = Any  # botocore.model.Shape; its kinds have members, a member or a value

# What xform_name cuts at the wrong place.
_PRETTY = {
    "cloud_front_default_certificate": "cloudfront_default_certificate",
    "e_tag": "etag",
    "size_in_gi_b": "size_in_gib",
}


def snake(name: str) -> str:
    """Return the playbook's name of one of AWS's members: ``HTTPSPort`` is ``https_port``."""
    made = str(xform_name(name))
    return _PRETTY.get(made, made)


def _is_counted(shape: Shape) -> bool:
    return shape.type_name == "structure" and {"Quantity", "Items"} <= set(shape.members)


def _extras(shape: Shape) -> set[str]:
    """Return what a counted list has beside its items; ``Enabled`` follows from the items."""
    return set(shape.members) - {"Quantity", "Items", "Enabled"}


def to_request(shape: Shape, value: Any, where: str = "") -> Any:
    """Return a playbook's value in the form of an operation's input.

    :param shape: botocore's shape of the value.
    :param value: snake_case (AWS's own spelling is taken too); None is left out.
    :param where: the value's path, for the message.
    :raises ResourceError: for a name that the operation does not have, or a value that cannot be what it must be.
    """
    kind = shape.type_name
    if kind == "structure":
        return _to_structure(shape, value, where)
    if kind == "list":
        if not isinstance(value, (list, tuple)):
            raise ResourceError(f"{where} must be a list, not {value!r}")
        return [to_request(shape.member, item, f"{where}[{index}]") for index, item in enumerate(value)]
    if kind == "map":
        if not isinstance(value, dict):
            raise ResourceError(f"{where} must be a dictionary, not {value!r}")
        return {
            str(key): to_request(shape.value, item, f"{where}.{key}") for key, item in value.items() if item is not None
        }
    return _to_scalar(kind, value, where)


def _to_structure(shape: Shape, value: Any, where: str) -> dict[str, Any]:
    if _is_counted(shape):
        value = _counted(shape, value, where)
    if not isinstance(value, dict):
        raise ResourceError(f"{where} must be a dictionary, not {value!r}")
    names = {snake(member): member for member in shape.members}
    names.update({member: member for member in shape.members})
    unknown = sorted(set(value) - set(names))
    if unknown:
        known = ", ".join(sorted(snake(member) for member in shape.members))
        raise ResourceError(f"{where + ': ' if where else ''}unknown name {unknown[0]!r}; AWS has {known}")
    return {
        names[key]: to_request(shape.members[names[key]], item, f"{where}.{key}" if where else key)
        for key, item in value.items()
        if item is not None
    }


def _counted(shape: Shape, value: Any, where: str) -> dict[str, Any]:
    if isinstance(value, dict):
        made = {key: item for key, item in value.items() if key not in ("quantity", "Quantity")}
        items = made.pop("items", made.pop("Items", None)) or []
    elif isinstance(value, (list, tuple)):
        made, items = {}, list(value)
    else:
        raise ResourceError(f"{where} must be a list, not {value!r}")
    if "Enabled" in shape.members:
        made.setdefault("enabled", bool(items))
    made["quantity"] = len(items)
    if items or "Items" in shape.required_members:
        made["items"] = items
    return made


def _to_scalar(kind: str, value: Any, where: str) -> Any:
    try:
        if kind in ("integer", "long"):
            return int(str(value))
        if kind in ("float", "double"):
            return float(value)
    except (TypeError, ValueError):
        raise ResourceError(f"{where} must be a number, not {value!r}") from None
    if kind == "boolean":
        return _to_boolean(value, where)
    if kind == "string":
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, (dict, list)):
            raise ResourceError(f"{where} must be a string, not {value!r}")
        return str(value)
    return value


def _to_boolean(value: Any, where: str) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).lower()
    if text in ("true", "yes", "on", "1"):
        return True
    if text in ("false", "no", "off", "0"):
        return False
    raise ResourceError(f"{where} must be true or false, not {value!r}")


def from_response(shape: Shape | None, value: Any) -> Any:
    """Return an operation's output in snake_case; times become ISO 8601 strings, counted lists plain ones."""
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if shape is None:
        return value
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        if _is_counted(shape):
            items = [from_response(shape.members["Items"].member, item) for item in value.get("Items") or []]
            if not _extras(shape):
                return items
            value = {key: item for key, item in value.items() if key not in ("Quantity", "Items")}
            return {"items": items, **_members(shape, value)}
        return _members(shape, value)
    if kind == "list" and isinstance(value, list):
        return [from_response(shape.member, item) for item in value]
    if kind == "map" and isinstance(value, dict):
        return {key: from_response(shape.value, item) for key, item in value.items()}
    return value


def _members(shape: Shape, value: dict[str, Any]) -> dict[str, Any]:
    return {
        snake(key): from_response(shape.members.get(key), item)
        for key, item in value.items()
        if key != "ResponseMetadata"
    }
