# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""CloudFront response-headers policies: CORS, security headers and headers of one's own."""

from __future__ import annotations

from typing import Any

from .cloudfront import UNORDERED, NamedConfiguration
from .core.compare import Rules, given, stripped

SECTIONS = (
    "cors_config",
    "security_headers_config",
    "server_timing_headers_config",
    "custom_headers_config",
    "remove_headers_config",
)


class ResponseHeadersPolicy(NamedConfiguration):
    """A response-headers policy of this account; a section that was not given shall not be there."""

    kind = "CloudFront response-headers policy"
    result = "response_headers_policy"
    noun = "response_headers_policy"
    plural = "response_headers_policies"
    wrapped = True
    rules = Rules(
        unordered=UNORDERED,
        keyed={"custom_headers_config": "header", "remove_headers_config": "header"},
        exact=frozenset(SECTIONS),
    )

    def listing(self) -> dict[str, Any]:
        """Leave AWS's own policies out."""
        return {"type": "custom"}

    def desired(self, actual: dict[str, Any] | None) -> dict[str, Any]:
        """Return the configuration, with every section."""
        asked = {section: given(self.params.get(section)) for section in SECTIONS}
        config = {"name": self.name, "comment": self.params.get("comment"), **asked}
        normal = self.aws.normal("create_response_headers_policy", "response_headers_policy_config", config)
        return {**normal, **_sections(normal)}

    def view(self, actual: dict[str, Any]) -> dict[str, Any]:
        """Return the configuration, with every section."""
        return {**actual, **_sections(actual)}

    def create(self, desired: dict[str, Any]) -> None:
        """Create the policy."""
        super().create(_filled(desired))

    def update(self, actual: dict[str, Any], desired: dict[str, Any], changes: set[str]) -> None:
        """Replace the policy."""
        kept = {key: value for key, value in actual.items() if key not in SECTIONS}
        super().update(kept, _filled(desired), changes)


def _sections(config: dict[str, Any]) -> dict[str, Any]:
    found = {section: stripped(config.get(section)) or {} for section in SECTIONS}
    timing = found["server_timing_headers_config"]
    if timing and not timing.get("enabled"):
        found["server_timing_headers_config"] = {}
    return found


def _filled(config: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration as a request: only the sections that say something, whole lists."""
    made = {key: value for key, value in config.items() if key not in SECTIONS or value}
    if made.get("cors_config"):
        made["cors_config"] = {
            "access_control_allow_origins": [],
            "access_control_allow_headers": [],
            "access_control_allow_methods": [],
            **made["cors_config"],
        }
    return made
