# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""CloudFront origin access controls: how the CDN signs its requests to an origin."""

from __future__ import annotations

from typing import Any

from .cloudfront import NamedConfiguration


class OriginAccessControl(NamedConfiguration):
    """An origin access control."""

    kind = "CloudFront origin access control"
    result = "origin_access_control"
    noun = "origin_access_control"
    plural = "origin_access_controls"

    def desired(self, actual: dict[str, Any] | None) -> dict[str, Any]:
        """Return the configuration."""
        return {
            "name": self.name,
            "description": self.params.get("description"),
            "signing_protocol": self.params["signing_protocol"],
            "signing_behavior": self.params["signing_behavior"],
            "origin_access_control_origin_type": self.params["origin_access_control_origin_type"],
        }
