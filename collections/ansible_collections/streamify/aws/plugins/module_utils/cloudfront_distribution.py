# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""CloudFront distributions: the whole configuration, with defaults that are safe."""

from __future__ import annotations

import uuid
from typing import Any

from .cloudfront import IN_FLUX, UNORDERED
from .core import tags as tagging
from .core.compare import Rules, given, merged
from .core.resource import UNKNOWN, Resource

# AWS's own policy that keeps answers by URL and encoding only.
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html
CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7439e55c8a3a"
FIELDS = (
    "aliases",
    "cache_behaviors",
    "comment",
    "custom_error_responses",
    "default_cache_behavior",
    "default_root_object",
    "enabled",
    "http_version",
    "is_ipv6_enabled",
    "logging",
    "origin_groups",
    "origins",
    "price_class",
    "restrictions",
    "viewer_certificate",
    "web_acl_id",
)
_ORIGIN: dict[str, Any] = {
    "origin_path": "",
    "custom_headers": [],
    "connection_attempts": 3,
    "connection_timeout": 10,
    "origin_shield": {"enabled": False},
    "origin_access_control_id": "",
}
_BEHAVIOUR: dict[str, Any] = {
    "viewer_protocol_policy": "redirect-to-https",
    "allowed_methods": {"items": ["HEAD", "GET"], "cached_methods": ["HEAD", "GET"]},
    "smooth_streaming": False,
    "compress": True,
    "lambda_function_associations": [],
    "function_associations": [],
    "field_level_encryption_id": "",
    "trusted_signers": [],
    "trusted_key_groups": [],
    "cache_policy_id": CACHING_OPTIMIZED,
    "origin_request_policy_id": "",
    "response_headers_policy_id": "",
    "realtime_log_config_arn": "",
}
# What AWS wants left out, not empty.
_NOT_EMPTY = ("origin_request_policy_id", "response_headers_policy_id", "realtime_log_config_arn")


class Distribution(Resource):
    """A distribution. Its name is the beginning of its caller reference, which AWS cannot change."""

    service = "cloudfront"
    kind = "CloudFront distribution"
    result = "distribution"
    rules = Rules(
        unordered=UNORDERED | {"function_associations", "lambda_function_associations"},
        keyed={
            "origins": "id",
            "origin_groups": "id",
            "custom_error_responses": "error_code",
            "custom_headers": "header_name",
        },
    )

    _id = ""

    # ---- describe ---------------------------------------------------------------------------------------------------
    def describe(self) -> dict[str, Any] | None:
        """Return the distribution, its configuration beside what AWS tells of it."""
        found = self._find()
        if not found:
            return None
        tags = self.aws.get("list_tags_for_resource", resource=found["arn"]).get("tags") or {}
        return {**found, "tags": tagging.to_dict(tags.get("items") if isinstance(tags, dict) else tags)}

    def _find(self) -> dict[str, Any] | None:
        """Look first where the comment or an alias is ours: the list does not tell the caller reference."""
        known = self._get(self._id) if self._id else None
        if known:
            return known
        summaries = self._summaries()
        ours = {str(alias) for alias in self.params.get("aliases") or []}
        comment = self.params.get("comment") or self.name
        summaries.sort(key=lambda item: not (item.get("comment") == comment or ours & set(item.get("aliases") or [])))
        for summary in summaries:
            whole = self._get(summary["id"])
            if whole and self._is_ours(whole):
                self._id = str(whole["id"])
                return whole
        return None

    def _is_ours(self, whole: dict[str, Any]) -> bool:
        reference = str(whole["distribution_config"].get("caller_reference", ""))
        return reference == self.name or reference.startswith(f"{self.name}/")

    def _summaries(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        marker: str | None = None
        while True:
            page = self.aws.get("list_distributions", marker=marker).get("distribution_list") or {}
            if isinstance(page, list):
                return found + page
            found += page.get("items") or []
            marker = page.get("next_marker")
            if not marker:
                return found

    def _get(self, identifier: str) -> dict[str, Any] | None:
        answer = self.aws.call("get_distribution", id=identifier, missing=["NoSuchDistribution"])
        return {**answer["distribution"], "etag": answer.get("etag", "")} if answer else None

    # ---- compare ----------------------------------------------------------------------------------------------------
    def desired(self, actual: dict[str, Any] | None) -> dict[str, Any]:
        """Return what was asked for, in AWS's words and with our defaults inside its parts."""
        asked = {key: given(self.params[key]) for key in FIELDS if self.params.get(key) is not None}
        asked.setdefault("comment", self.name)
        asked["viewer_certificate"] = _certificate(asked.get("viewer_certificate") or {})
        asked["logging"] = {"bucket": "", "prefix": "", "include_cookies": False, **(asked.get("logging") or {})}
        asked["logging"]["enabled"] = bool(asked["logging"]["bucket"])
        if "origins" in asked:
            asked["origins"] = [_origin(origin) for origin in asked["origins"]]
        if "default_cache_behavior" in asked:
            asked["default_cache_behavior"] = _behaviour(asked["default_cache_behavior"])
        if "cache_behaviors" in asked:
            asked["cache_behaviors"] = [_behaviour(behaviour) for behaviour in asked["cache_behaviors"]]
        normal = self.aws.normal("create_distribution", "distribution_config", asked)
        return {key: value for key, value in normal.items() if key in FIELDS}

    def view(self, actual: dict[str, Any]) -> dict[str, Any]:
        """Return the configuration."""
        return {**actual["distribution_config"], "tags": actual["tags"]}

    def foreseen(self, actual: dict[str, Any], desired: dict[str, Any], changes: set[str]) -> dict[str, Any]:
        """Return the distribution as it would be."""
        changed = {key: desired[key] for key in changes if key != "tags"}
        return {
            **actual,
            "distribution_config": merged(actual["distribution_config"], changed, self.rules),
            "tags": desired.get("tags", actual["tags"]),
        }

    def predicted(self, desired: dict[str, Any]) -> dict[str, Any]:
        """Return what little is known before."""
        return {
            **dict.fromkeys(desired),
            "id": UNKNOWN,
            "arn": self.arn("cloudfront", f"distribution/{UNKNOWN}", region=False),
            "domain_name": UNKNOWN,
            "status": UNKNOWN,
            "distribution_config": {key: value for key, value in desired.items() if key != "tags"},
            "tags": desired.get("tags") or {},
        }

    # ---- apply ------------------------------------------------------------------------------------------------------
    def create(self, desired: dict[str, Any]) -> None:
        """Create the distribution with its tags."""
        config = _sendable({key: value for key, value in desired.items() if key != "tags"})
        config["caller_reference"] = f"{self.name}/{uuid.uuid4()}"
        self.aws.get(
            "create_distribution_with_tags",
            distribution_config_with_tags={
                "distribution_config": config,
                "tags": {"items": tagging.to_list(desired.get("tags")) or []},
            },
        )

    def update(self, actual: dict[str, Any], desired: dict[str, Any], changes: set[str]) -> None:
        """Send the whole configuration back with what differs."""
        self._put(actual, {key: desired[key] for key in changes})

    def _put(self, actual: dict[str, Any], changed: dict[str, Any]) -> None:
        config = merged(actual["distribution_config"], changed, self.rules)
        for key in ("default_cache_behavior", "origins", "cache_behaviors", "viewer_certificate"):
            if key in changed:
                config[key] = changed[key]
        self.aws.get(
            "update_distribution", id=actual["id"], if_match=actual["etag"], distribution_config=_sendable(config)
        )

    def settle(self, changed: bool) -> None:
        """Wait until every edge has the configuration."""
        if self.params.get("wait", True):
            self._wait_deployed()

    def _wait_deployed(self) -> dict[str, Any]:
        def deployed() -> dict[str, Any] | None:
            found = self._find()
            return found if found and found.get("status") == "Deployed" else None

        return dict(self.wait(deployed, f"the deployment of the CloudFront distribution {self.name} to all edges"))

    def delete(self, actual: dict[str, Any]) -> None:
        """Disable the distribution, wait until every edge knows, then delete it."""
        if actual["distribution_config"].get("enabled"):
            self._put(actual, {"enabled": False})
        current = self._wait_deployed()

        def gone() -> bool:
            found = self._get(current["id"])
            if not found:
                return True
            answer = self.aws.call(
                "delete_distribution",
                id=found["id"],
                if_match=found["etag"],
                missing=["NoSuchDistribution", "DistributionNotDisabled", *IN_FLUX],
            )
            return answer is not None

        self.wait(gone, f"the removal of the CloudFront distribution {self.name}")

    def tag(self, actual: dict[str, Any], to_set: dict[str, str]) -> None:
        """Set tags."""
        self.aws.get("tag_resource", resource=actual["arn"], tags={"items": tagging.to_list(to_set)})

    def untag(self, actual: dict[str, Any], keys: list[str]) -> None:
        """Remove tags."""
        self.aws.get("untag_resource", resource=actual["arn"], tag_keys={"items": keys})


def _sendable(config: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration without the ids that say nothing."""

    def behaviour(value: dict[str, Any]) -> dict[str, Any]:
        return {key: item for key, item in value.items() if item or key not in _NOT_EMPTY}

    return {
        **config,
        "default_cache_behavior": behaviour(config["default_cache_behavior"]),
        "cache_behaviors": [behaviour(item) for item in config.get("cache_behaviors") or []],
    }


def _origin(origin: dict[str, Any]) -> dict[str, Any]:
    made = {**_ORIGIN, **origin}
    if "custom_origin_config" in made:
        made["custom_origin_config"] = {
            "http_port": 80,
            "https_port": 443,
            "origin_protocol_policy": "https-only",
            "origin_ssl_protocols": ["TLSv1.2"],
            "origin_read_timeout": 30,
            "origin_keepalive_timeout": 5,
            **made["custom_origin_config"],
        }
    elif "vpc_origin_config" not in made:
        made.setdefault("s3_origin_config", {"origin_access_identity": ""})
    return made


def _behaviour(behaviour: dict[str, Any]) -> dict[str, Any]:
    made = {**_BEHAVIOUR, **behaviour}
    methods = made["allowed_methods"]
    if isinstance(methods, list):
        made["allowed_methods"] = {"items": methods, "cached_methods": ["HEAD", "GET"]}
    return made


def _certificate(certificate: dict[str, Any]) -> dict[str, Any]:
    if certificate.get("acm_certificate_arn") or certificate.get("iam_certificate_id"):
        return {
            "cloudfront_default_certificate": False,
            "ssl_support_method": "sni-only",
            "minimum_protocol_version": "TLSv1.2_2021",
            **certificate,
        }
    return {"cloudfront_default_certificate": True}
