# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""WAF: web ACLs and the load balancers they stand before."""

from __future__ import annotations

from typing import Any

from .core import tags as tagging
from .core.compare import Rules
from .core.resource import UNKNOWN, Resource

# WAF needs a moment until a new load balancer, or its own new web ACL, is known everywhere.
PASSING = ("WAFUnavailableEntityException", "WAFInternalErrorException")


class WebAcl(Resource):
    """A web ACL with its associations. UpdateWebACL replaces the whole of it."""

    service = "wafv2"
    kind = "web ACL"
    result = "web_acl"
    rules = Rules(
        unordered=frozenset({"resource_arns"}),
        keyed={"rules": "priority"},
        exact=frozenset({"tags", "action", "override_action", "default_action"}),
    )

    def describe(self) -> dict[str, Any] | None:
        """Return the web ACL with its lock token, its tags and what it stands before."""
        summary = self._find()
        if summary is None:
            return None
        found = self.aws.get("get_web_acl", name=self.name, scope=self.params["scope"], id=summary["id"])
        acl = found["web_acl"]
        tags = self.aws.get("list_tags_for_resource", resource_arn=acl["arn"])
        return {
            **acl,
            "lock_token": found["lock_token"],
            "resource_arns": self._resources(acl["arn"]),
            "tags": tagging.to_dict((tags.get("tag_info_for_resource") or {}).get("tag_list")),
        }

    def _find(self) -> dict[str, Any] | None:
        marker = None
        while True:
            page = self.aws.get("list_web_acls", scope=self.params["scope"], limit=100, next_marker=marker)
            for summary in page.get("web_acls") or []:
                if summary["name"] == self.name:
                    return dict(summary)
            marker = page.get("next_marker")
            if not marker or not page.get("web_acls"):
                return None

    def _resources(self, arn: str) -> list[str]:
        if self.params["scope"] != "REGIONAL":
            return []
        answer = self.aws.get(
            "list_resources_for_web_acl", web_acl_arn=arn, resource_type="APPLICATION_LOAD_BALANCER", retry_on=PASSING
        )
        return list(answer.get("resource_arns") or [])

    def desired(self, actual: dict[str, Any] | None) -> dict[str, Any]:
        """Return what was asked for, in AWS's types."""
        rules = self.params.get("rules")
        return {
            "default_action": {self.params["default_action"]: {}},
            "description": self.params.get("description"),
            "rules": None if rules is None else self.aws.normal("create_web_acl", "rules", rules),
            "visibility_config": {
                "sampled_requests_enabled": self.params["sampled_requests_enabled"],
                "cloud_watch_metrics_enabled": self.params["cloudwatch_metrics_enabled"],
                "metric_name": self.params.get("metric_name") or self.name,
            },
            "resource_arns": self.params.get("resource_arns"),
        }

    def create(self, desired: dict[str, Any]) -> None:
        """Create the web ACL, then put it before the load balancers."""
        answer = self.aws.get(
            "create_web_acl",
            name=self.name,
            scope=self.params["scope"],
            tags=tagging.to_list(desired.get("tags")),
            retry_on=PASSING,
            **_settings(desired),
        )
        self._associate(answer["summary"]["arn"], [], desired.get("resource_arns") or [])

    def update(self, actual: dict[str, Any], desired: dict[str, Any], changes: set[str]) -> None:
        """Change what differs."""
        if changes - {"resource_arns"}:
            self.aws.get(
                "update_web_acl",
                name=self.name,
                scope=self.params["scope"],
                id=actual["id"],
                lock_token=actual["lock_token"],
                retry_on=PASSING,
                **_settings(
                    {"description": actual.get("description") or None, "rules": actual.get("rules"), **desired}
                ),
            )
        if "resource_arns" in changes:
            self._associate(actual["arn"], actual["resource_arns"], desired["resource_arns"])

    def _associate(self, arn: str, actual: list[str], desired: list[str]) -> None:
        for resource in sorted(set(desired) - set(actual)):
            self.aws.get("associate_web_acl", web_acl_arn=arn, resource_arn=resource, retry_on=PASSING)
        for resource in sorted(set(actual) - set(desired)):
            self.aws.get("disassociate_web_acl", resource_arn=resource, retry_on=PASSING)

    def predicted(self, desired: dict[str, Any]) -> dict[str, Any]:
        """Return the name; AWS alone knows the rest."""
        return {"name": self.name, "arn": UNKNOWN, "id": UNKNOWN}

    def delete(self, actual: dict[str, Any]) -> None:
        """Take the web ACL from where it stands, then delete it."""
        self._associate(actual["arn"], actual["resource_arns"], [])
        self.aws.get(
            "delete_web_acl",
            name=self.name,
            scope=self.params["scope"],
            id=actual["id"],
            lock_token=actual["lock_token"],
            retry_on=(*PASSING, "WAFAssociatedItemException"),
        )

    def tag(self, actual: dict[str, Any], to_set: dict[str, str]) -> None:
        """Set tags."""
        self.aws.get("tag_resource", resource_arn=actual["arn"], tags=tagging.to_list(to_set))

    def untag(self, actual: dict[str, Any], keys: list[str]) -> None:
        """Remove tags."""
        self.aws.get("untag_resource", resource_arn=actual["arn"], tag_keys=keys)


def _settings(desired: dict[str, Any]) -> dict[str, Any]:
    return {key: desired.get(key) for key in ("default_action", "description", "rules", "visibility_config")}
