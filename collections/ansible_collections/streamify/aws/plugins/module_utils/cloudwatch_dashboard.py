# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Dashboards of CloudWatch, compared by what their JSON means."""

from __future__ import annotations

import json
from typing import Any

from .core import tags as tagging
from .core.compare import Rules, given
from .core.errors import ResourceError
from .core.resource import Resource

MISSING = ["ResourceNotFound", "DashboardNotFoundError"]


def meaning(body: str) -> Any:
    """Return what a dashboard's text means: spaces, the order of names and members that are null do not count.

    :raises ResourceError: the text is no JSON object.
    """
    try:
        read = json.loads(body)
    except ValueError as error:
        raise ResourceError(f"the dashboard's body is no JSON: {error}") from None
    if not isinstance(read, dict):
        raise ResourceError("the dashboard's body must be a JSON object with the list widgets")
    return given(read)


class Dashboard(Resource):
    """A dashboard."""

    service = "cloudwatch"
    kind = "dashboard"
    result = "dashboard"
    rules = Rules(exact=frozenset({"dashboard_body", "tags"}))

    def describe(self) -> dict[str, Any] | None:
        """Return the dashboard, its body as data."""
        found = self.aws.call("get_dashboard", dashboard_name=self.name, missing=MISSING)
        if not found:
            return None
        arn = found["dashboard_arn"]
        body = meaning(found["dashboard_body"]) if self.params["state"] == "present" else found["dashboard_body"]
        tags = None
        if self.params.get("tags") is not None:
            tags = self.aws.get("list_tags_for_resource", resource_arn=arn).get("tags")
        return {
            "dashboard_arn": arn,
            "dashboard_name": self.name,
            "dashboard_body": body,
            "tags": tagging.to_dict(tags),
        }

    def desired(self, actual: dict[str, Any] | None) -> dict[str, Any]:
        """Return what was asked for."""
        return {"dashboard_body": meaning(self.params["dashboard_body"])}

    def create(self, desired: dict[str, Any]) -> None:
        """Put the dashboard, then its tags."""
        self._put(desired)
        if desired.get("tags"):
            self.tag({"dashboard_arn": self.predicted(desired)["dashboard_arn"]}, desired["tags"])

    def update(self, actual: dict[str, Any], desired: dict[str, Any], changes: set[str]) -> None:
        """Put the dashboard again."""
        self._put(desired)

    def _put(self, desired: dict[str, Any]) -> None:
        text = json.dumps(desired["dashboard_body"], separators=(",", ":"))
        answer = self.aws.get("put_dashboard", dashboard_name=self.name, dashboard_body=text)
        # The dashboard was stored all the same: what AWS refuses is an error.
        for item in answer.get("dashboard_validation_messages") or []:
            self.context.warn(f"the dashboard {self.name}: {item.get('data_path')}: {item.get('message')}")

    def delete(self, actual: dict[str, Any]) -> None:
        """Delete the dashboard."""
        self.aws.call("delete_dashboards", dashboard_names=[self.name], missing=MISSING)

    def predicted(self, desired: dict[str, Any]) -> dict[str, Any]:
        """Return the name and the ARN; dashboards belong to no region."""
        return {
            "dashboard_name": self.name,
            "dashboard_arn": self.arn("cloudwatch", f"dashboard/{self.name}", region=False),
        }

    def tag(self, actual: dict[str, Any], to_set: dict[str, str]) -> None:
        """Set tags."""
        self.aws.get("tag_resource", resource_arn=actual["dashboard_arn"], tags=tagging.to_list(to_set))

    def untag(self, actual: dict[str, Any], keys: list[str]) -> None:
        """Remove tags."""
        self.aws.get("untag_resource", resource_arn=actual["dashboard_arn"], tag_keys=keys)
