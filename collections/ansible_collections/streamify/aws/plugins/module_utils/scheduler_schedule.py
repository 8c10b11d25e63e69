# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Schedules of EventBridge Scheduler. An update writes the whole: what it leaves out falls back to AWS's default."""

from __future__ import annotations

from typing import Any

from .core.compare import Rules, given, stripped
from .core.errors import ResourceError, WaitTimeout
from .core.resource import Resource

try:
    from botocore.exceptions import ClientError
except ImportError:
    pass  # handled by AnsibleAWSModule

# What a person says about a schedule, and what AWS takes for granted where nothing is said.
# https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
FIELDS: dict[str, Any] = {
    "schedule_expression": "",
    "schedule_expression_timezone": "UTC",
    "flexible_time_window": {"mode": "OFF"},
    "target": {},
    "schedule_state": "ENABLED",
    "description": "",
    "kms_key_arn": "",
    "action_after_completion": "NONE",
}
_RETRIES = {"maximum_event_age_in_seconds": 86400, "maximum_retry_attempts": 185}
_ECS = {"task_count": 1, "enable_ecs_managed_tags": False, "enable_execute_command": False}
# A role made a moment ago is not known everywhere at once.
_NOT_YET = "must allow AWS EventBridge Scheduler to assume the role"
_ROLE_SECONDS = 30


class Schedule(Resource):
    """A schedule of a group; the whole of it is compared, both ways."""

    service = "scheduler"
    kind = "schedule"
    result = "schedule"
    rules = Rules(
        unordered=frozenset({"subnets", "security_groups"}),
        keyed={"capacity_provider_strategy": "capacity_provider"},
        exact=frozenset(FIELDS),
    )

    @property
    def place(self) -> dict[str, str]:
        """The two names by which AWS knows a schedule."""
        return {"name": self.name, "group_name": str(self.params["group_name"])}

    def describe(self) -> dict[str, Any] | None:
        """Return the schedule; its state is called ``schedule_state``."""
        found = self.aws.call("get_schedule", missing=["ResourceNotFoundException"], **self.place)
        if found is None:
            return None
        return {**{key: item for key, item in found.items() if key != "state"}, "schedule_state": found.get("state")}

    def desired(self, actual: dict[str, Any] | None) -> dict[str, Any]:
        """Return what was asked for; what was not is AWS's default, so that its change is noticed."""
        asked = {}
        for field in FIELDS:
            value = given(self.params.get(field))
            if value is not None:
                asked[field] = value if field == "schedule_state" else self.aws.normal("create_schedule", field, value)
        return _comparable(asked)

    def view(self, actual: dict[str, Any]) -> dict[str, Any]:
        """Return what the schedule says, in the same form as the desired state."""
        return _comparable(actual)

    def create(self, desired: dict[str, Any]) -> None:
        """Create the schedule."""
        self._write("create_schedule")

    def update(self, actual: dict[str, Any], desired: dict[str, Any], changes: set[str]) -> None:
        """Write the whole schedule again. When it begins and ends is nobody's business here, and kept."""
        self._write("update_schedule", start_date=actual.get("start_date"), end_date=actual.get("end_date"))

    def _write(self, operation: str, **more: Any) -> None:
        asked = {field: given(self.params.get(field)) for field in FIELDS}
        asked["state"] = asked.pop("schedule_state")
        refusals: list[str] = []

        def accepted() -> bool:
            try:
                self.aws.get(operation, **self.place, **asked, **more)
            except ClientError as error:
                if _NOT_YET not in str(error):
                    raise
                refusals.append(str(error))
                return False
            return True

        try:
            self.context.waiter(_ROLE_SECONDS).until(accepted, "the schedule's role")
        except WaitTimeout:
            raise ResourceError(f"the schedule {self.name} was refused for {_ROLE_SECONDS} s: {refusals[-1]}") from None

    def delete(self, actual: dict[str, Any]) -> None:
        """Delete the schedule."""
        self.aws.call("delete_schedule", missing=["ResourceNotFoundException"], **self.place)

    def predicted(self, desired: dict[str, Any]) -> dict[str, Any]:
        """Return what the schedule will be called."""
        nothing = {key: None for key, value in desired.items() if value == ""}
        path = f"schedule/{self.params['group_name']}/{self.name}"
        return {**nothing, **self.place, "arn": self.arn("scheduler", path)}


def _comparable(schedule: dict[str, Any]) -> dict[str, Any]:
    made = {field: stripped(schedule.get(field)) or default for field, default in FIELDS.items()}
    target = dict(made["target"])
    target["retry_policy"] = {**_RETRIES, **target.get("retry_policy", {})}
    if "ecs_parameters" in target:
        target["ecs_parameters"] = {**_ECS, **target["ecs_parameters"]}
    return {**made, "target": target}
