# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""SNS topics and those who are told."""

from __future__ import annotations

import json
from typing import Any

from .core import tags as tagging
from .core.compare import Rules
from .core.errors import ResourceError
from .core.resource import Resource

GONE = ("NotFound", "NotFoundException")


class Topic(Resource):
    """A standard topic with its subscriptions."""

    service = "sns"
    kind = "SNS topic"
    result = "topic"
    rules = Rules(unordered=frozenset({"subscriptions"}), exact=frozenset({"tags", "policy"}))

    @property
    def _arn(self) -> str:
        return self.arn("sns", self.name)

    def describe(self) -> dict[str, Any] | None:
        """Return the topic, its subscriptions and its tags."""
        found = self.aws.call("get_topic_attributes", topic_arn=self._arn, missing=GONE)
        if not found:
            return None
        attributes = found.get("attributes") or {}
        subscriptions = self.aws.all("list_subscriptions_by_topic", "subscriptions", topic_arn=self._arn)
        tags = self.aws.get("list_tags_for_resource", resource_arn=self._arn)
        return {
            "name": self.name,
            "topic_arn": self._arn,
            "display_name": attributes.get("DisplayName", ""),
            "policy": json.loads(attributes.get("Policy") or "{}"),
            "subscriptions": subscriptions,
            "tags": tagging.to_dict(tags.get("tags")),
        }

    def desired(self, actual: dict[str, Any] | None) -> dict[str, Any]:
        """Return what was asked for."""
        policy = self.params.get("policy")
        try:
            document = None if policy is None else json.loads(policy)
        except ValueError as error:
            raise ResourceError(f"policy of the SNS topic {self.name} is no JSON: {error}") from error
        return {
            "display_name": self.params.get("display_name"),
            "policy": document,
            "subscriptions": self.params.get("subscriptions"),
        }

    def view(self, actual: dict[str, Any]) -> dict[str, Any]:
        """Return the topic with its subscriptions as a playbook names them.

        Those that nobody confirmed and nobody asks for are left out: SNS removes them by itself, and nobody else can.
        """
        asked = self.params.get("subscriptions") or []
        seen = [
            short
            for item in actual["subscriptions"]
            if (short := _short(item)) in asked or item["subscription_arn"].startswith("arn:")
        ]
        return {**actual, "subscriptions": seen}

    def create(self, desired: dict[str, Any]) -> None:
        """Create the topic, then subscribe."""
        self.aws.get("create_topic", name=self.name, tags=tagging.to_list(desired.get("tags")))
        self._set(desired, {key for key in desired if desired[key]})
        self._subscribe([], desired.get("subscriptions") or [])

    def update(self, actual: dict[str, Any], desired: dict[str, Any], changes: set[str]) -> None:
        """Change what differs."""
        self._set(desired, changes)
        if "subscriptions" in changes:
            self._subscribe(actual["subscriptions"], desired["subscriptions"])

    def _set(self, desired: dict[str, Any], changes: set[str]) -> None:
        texts = {
            "DisplayName": ("display_name", lambda value: value),
            "Policy": ("policy", lambda value: json.dumps(value, sort_keys=True)),
        }
        for attribute, (key, text) in texts.items():
            if key in changes:
                self.aws.get(
                    "set_topic_attributes",
                    topic_arn=self._arn,
                    attribute_name=attribute,
                    attribute_value=text(desired[key]),
                )

    def _subscribe(self, actual: list[dict[str, Any]], desired: list[dict[str, Any]]) -> None:
        here = [_short(item) for item in actual]
        for item in desired:
            if item not in here:
                self.aws.get("subscribe", topic_arn=self._arn, **item)
        for item in actual:
            if _short(item) not in desired and item["subscription_arn"].startswith("arn:"):
                self.aws.get("unsubscribe", subscription_arn=item["subscription_arn"])

    def predicted(self, desired: dict[str, Any]) -> dict[str, Any]:
        """Return the topic's name and ARN."""
        return {"name": self.name, "topic_arn": self._arn}

    def delete(self, actual: dict[str, Any]) -> None:
        """Delete the topic with its subscriptions."""
        self.aws.get("delete_topic", topic_arn=self._arn)

    def tag(self, actual: dict[str, Any], to_set: dict[str, str]) -> None:
        """Set tags."""
        self.aws.get("tag_resource", resource_arn=self._arn, tags=tagging.to_list(to_set))

    def untag(self, actual: dict[str, Any], keys: list[str]) -> None:
        """Remove tags."""
        self.aws.get("untag_resource", resource_arn=self._arn, tag_keys=keys)


def _short(subscription: dict[str, Any]) -> dict[str, Any]:
    return {key: subscription.get(key) for key in ("protocol", "endpoint")}
