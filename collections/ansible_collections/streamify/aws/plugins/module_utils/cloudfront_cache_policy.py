# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""CloudFront cache policies: what makes two requests the same, and how long an answer is kept."""

from __future__ import annotations

from typing import Any

from .cloudfront import NamedConfiguration


class CachePolicy(NamedConfiguration):
    """A cache policy of this account."""

    kind = "CloudFront cache policy"
    result = "cache_policy"
    noun = "cache_policy"
    plural = "cache_policies"
    wrapped = True

    def listing(self) -> dict[str, Any]:
        """Leave AWS's own policies out."""
        return {"type": "custom"}

    def desired(self, actual: dict[str, Any] | None) -> dict[str, Any]:
        """Return the configuration; a part that was not given says none."""
        asked = self.params.get("parameters_in_cache_key_and_forwarded_to_origin") or {}
        parts = {
            "enable_accept_encoding_gzip": bool(asked.get("enable_accept_encoding_gzip")),
            "enable_accept_encoding_brotli": bool(asked.get("enable_accept_encoding_brotli")),
            "headers_config": asked.get("headers_config") or {"header_behavior": "none"},
            "cookies_config": asked.get("cookies_config") or {"cookie_behavior": "none"},
            "query_strings_config": asked.get("query_strings_config") or {"query_string_behavior": "none"},
        }
        return {
            "name": self.name,
            "comment": self.params.get("comment"),
            "min_ttl": self.params["min_ttl"],
            "default_ttl": self.params["default_ttl"],
            "max_ttl": self.params["max_ttl"],
            "parameters_in_cache_key_and_forwarded_to_origin": parts,
        }

    def update(self, actual: dict[str, Any], desired: dict[str, Any], changes: set[str]) -> None:
        """Replace the policy; a list that belongs to an earlier behaviour must not stay."""
        key = "parameters_in_cache_key_and_forwarded_to_origin"
        super().update({**actual, key: {}}, desired, changes)
