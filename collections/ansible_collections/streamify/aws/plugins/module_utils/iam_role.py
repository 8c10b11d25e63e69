# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""IAM roles with everything that says what they may do: the trust policy, inline and managed policies."""

from __future__ import annotations

import json
from typing import Any, ClassVar
from urllib.parse import unquote

from .core import tags as tagging
from .core.compare import Rules
from .core.resource import UNKNOWN, Resource

MISSING = ["NoSuchEntity", "NoSuchEntityException"]


def canonical(document: Any) -> Any:
    """Return a policy in one form: IAM keeps the order of no list and writes a list of one as the one.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
    """
    if isinstance(document, str):
        text = document if document.lstrip().startswith("{") else unquote(document)
        return canonical(json.loads(text))
    return _canonical(document)


def _canonical(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _canonical(item) for key, item in value.items()}
    if isinstance(value, list):
        items = sorted((_canonical(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
        return items[0] if len(items) == 1 else items
    return value


class Role(Resource):
    """A role."""

    service = "iam"
    kind = "role"
    result = "role"
    immutable: ClassVar[frozenset[str]] = frozenset({"path"})
    rules: ClassVar[Rules] = Rules(
        unordered=frozenset({"managed_policies"}),
        exact=frozenset({"tags", "assume_role_policy_document", "inline_policies"}),
    )

    def describe(self) -> dict[str, Any] | None:
        """Return the role with all its policies."""
        found = self.aws.call("get_role", role_name=self.name, missing=MISSING)
        if not found:
            return None
        role = dict(found["role"])
        names = self.aws.all("list_role_policies", "policy_names", role_name=self.name)
        attached = self.aws.all("list_attached_role_policies", "attached_policies", role_name=self.name)
        role["assume_role_policy_document"] = canonical(role["assume_role_policy_document"])
        role["inline_policies"] = {
            name: canonical(self.aws.get("get_role_policy", role_name=self.name, policy_name=name)["policy_document"])
            for name in names
        }
        role["managed_policies"] = [item["policy_arn"] for item in attached]
        role["permissions_boundary"] = (role.get("permissions_boundary") or {}).get("permissions_boundary_arn", "")
        role["tags"] = tagging.to_dict(role.get("tags"))
        return role

    def desired(self, actual: dict[str, Any] | None) -> dict[str, Any]:
        """Return what was asked for."""
        wanted = {
            key: self.params.get(key)
            for key in ("path", "description", "max_session_duration", "permissions_boundary", "managed_policies")
        }
        wanted["assume_role_policy_document"] = canonical(self.params["assume_role_policy_document"])
        asked = self.params["inline_policies"]
        wanted["inline_policies"] = {name: canonical(document) for name, document in asked.items()}
        return wanted

    def create(self, desired: dict[str, Any]) -> None:
        """Create the role and wait until IAM reports it, then give it its policies."""
        self.aws.get(
            "create_role",
            role_name=self.name,
            assume_role_policy_document=json.dumps(desired["assume_role_policy_document"]),
            tags=tagging.to_list(desired.get("tags")),
            **{
                key: desired[key]
                for key in ("path", "description", "max_session_duration", "permissions_boundary")
                if desired.get(key)
            },
        )
        self.aws.botocore.get_waiter("role_exists").wait(RoleName=self.name)
        self._set_policies({"inline_policies": {}, "managed_policies": []}, desired)

    def update(self, actual: dict[str, Any], desired: dict[str, Any], changes: set[str]) -> None:
        """Change what differs."""
        told = {key: desired[key] for key in changes & {"description", "max_session_duration"}}
        if told:
            self.aws.get("update_role", role_name=self.name, **told)
        if "assume_role_policy_document" in changes:
            self.aws.get(
                "update_assume_role_policy",
                role_name=self.name,
                policy_document=json.dumps(desired["assume_role_policy_document"]),
            )
        if "permissions_boundary" in changes:
            self._set_boundary(desired["permissions_boundary"])
        self._set_policies(actual, {key: desired[key] for key in changes & {"inline_policies", "managed_policies"}})

    def _set_boundary(self, arn: str) -> None:
        if arn:
            self.aws.get("put_role_permissions_boundary", role_name=self.name, permissions_boundary=arn)
        else:
            self.aws.get("delete_role_permissions_boundary", role_name=self.name)

    def _set_policies(self, actual: dict[str, Any], desired: dict[str, Any]) -> None:
        inline = desired.get("inline_policies", actual["inline_policies"])
        for name, document in inline.items():
            if actual["inline_policies"].get(name) != document:
                self.aws.get(
                    "put_role_policy", role_name=self.name, policy_name=name, policy_document=json.dumps(document)
                )
        for name in sorted(set(actual["inline_policies"]) - set(inline)):
            self.aws.call("delete_role_policy", role_name=self.name, policy_name=name, missing=MISSING)
        managed = desired.get("managed_policies", actual["managed_policies"])
        for arn in sorted(set(managed) - set(actual["managed_policies"])):
            self.aws.get("attach_role_policy", role_name=self.name, policy_arn=arn)
        for arn in sorted(set(actual["managed_policies"]) - set(managed)):
            self.aws.call("detach_role_policy", role_name=self.name, policy_arn=arn, missing=MISSING)

    def delete(self, actual: dict[str, Any]) -> None:
        """Take the role's policies away, then delete it."""
        self._set_policies(actual, {"inline_policies": {}, "managed_policies": []})
        self.aws.call("delete_role", role_name=self.name, missing=MISSING)

    def predicted(self, desired: dict[str, Any]) -> dict[str, Any]:
        """Return the name and the ARN."""
        path = desired.get("path") or "/"
        return {
            "role_name": self.name,
            "arn": self.arn("iam", f"role{path}{self.name}", region=False),
            "role_id": UNKNOWN,
        }

    def tag(self, actual: dict[str, Any], to_set: dict[str, str]) -> None:
        """Set tags."""
        self.aws.get("tag_role", role_name=self.name, tags=tagging.to_list(to_set))

    def untag(self, actual: dict[str, Any], keys: list[str]) -> None:
        """Remove tags."""
        self.aws.get("untag_role", role_name=self.name, tag_keys=keys)
