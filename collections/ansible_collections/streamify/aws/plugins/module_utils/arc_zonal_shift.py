# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Zonal shifts: traffic of a resource that stays away from an Availability Zone for some time."""

from __future__ import annotations

from typing import Any

try:
    from botocore.exceptions import ClientError
except ImportError:
    pass  # handled by AnsibleAWSModule

from .core.client import error_code
from .core.errors import ResourceError
from .core.resource import UNKNOWN, Resource

# What AWS says of a shift that ended between the question and the call.
OVER = ("ConflictException", "ResourceNotFoundException")


class ZonalShift(Resource):
    """The one active shift that a resource may have."""

    service = "arc-zonal-shift"
    kind = "zonal shift"
    result = "zonal_shift"
    identifier = "resource_identifier"

    def describe(self) -> dict[str, Any] | None:
        """Return the shift that is active now and was asked for by somebody; AWS's own autoshifts are not ours."""
        found = self.aws.all("list_zonal_shifts", "items", resource_identifier=self.name, status="ACTIVE")
        ours = [each for each in found if each.get("shift_type", "ZONAL_SHIFT") == "ZONAL_SHIFT"]
        return dict(ours[0]) if ours else None

    def desired(self, actual: dict[str, Any] | None) -> dict[str, Any]:
        """Return what was asked for. When a shift ends is not compared: it would move with every run."""
        return {"away_from": self.params["away_from"], "comment": self.params["comment"]}

    def predicted(self, desired: dict[str, Any]) -> dict[str, Any]:
        """Return the shift before it exists."""
        return {"resource_identifier": self.name, "zonal_shift_id": UNKNOWN, "status": "ACTIVE"}

    def create(self, desired: dict[str, Any]) -> None:
        """Begin the shift, which AWS ends by itself."""
        try:
            self.aws.get(
                "start_zonal_shift", resource_identifier=self.name, expires_in=self.params["expires_in"], **desired
            )
        except ClientError as error:
            if error_code(error) == "ResourceNotFoundException":
                raise ResourceError(
                    f"{self.name} takes no zonal shift: it does not exist, or its attribute "
                    "zonal_shift.config.enabled is not true"
                ) from error
            raise

    def update(self, actual: dict[str, Any], desired: dict[str, Any], changes: set[str]) -> None:
        """Leave another zone, or say something else about the same one."""
        if "away_from" in changes:
            self.delete(actual)
            self.create(desired)
        else:
            self.aws.get(
                "update_zonal_shift",
                zonal_shift_id=actual["zonal_shift_id"],
                comment=desired["comment"],
                expires_in=self.params["expires_in"],
            )

    def delete(self, actual: dict[str, Any]) -> None:
        """Bring the traffic back. A shift that is over already is as good."""
        self.aws.call("cancel_zonal_shift", zonal_shift_id=actual["zonal_shift_id"], missing=OVER)
