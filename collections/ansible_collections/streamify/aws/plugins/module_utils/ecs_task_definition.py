# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ECS task definitions: a list of revisions, of which only the latest active one counts."""

from __future__ import annotations

import re
from typing import Any

from .core import tags as tagging
from .core.compare import Rules, given, stripped
from .core.resource import UNKNOWN, Resource

# What a person says about a revision; everything else in a description is AWS's.
FIELDS = (
    "task_role_arn",
    "execution_role_arn",
    "network_mode",
    "container_definitions",
    "volumes",
    "placement_constraints",
    "requires_compatibilities",
    "cpu",
    "memory",
    "pid_mode",
    "ipc_mode",
    "proxy_configuration",
    "ephemeral_storage",
    "runtime_platform",
    "enable_fault_injection",
)
# What AWS takes for granted and may or may not write down.
# https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html
_HEALTH_CHECK = {"interval": 30, "timeout": 5, "retries": 3, "start_period": 0}
_CONTAINER = {
    "cpu": 0,
    "essential": True,
    "privileged": False,
    "readonly_root_filesystem": False,
    "disable_networking": False,
    "interactive": False,
    "pseudo_terminal": False,
}


class TaskDefinition(Resource):
    """A task definition's family; the whole latest revision is compared, both ways."""

    service = "ecs"
    kind = "ECS task definition"
    result = "task_definition"
    identifier = "family"
    rules = Rules(
        unordered=frozenset({"requires_compatibilities", "resource_requirements", "volumes_from", "capabilities"}),
        keyed={
            "environment": "name",
            "secrets": "name",
            "secret_options": "name",
            "volumes": "name",
            "port_mappings": "container_port",
            "depends_on": "container_name",
            "ulimits": "name",
            "system_controls": "namespace",
            "mount_points": "container_path",
        },
        exact=frozenset({"tags", *FIELDS}),
    )

    def describe(self) -> dict[str, Any] | None:
        """Return the latest active revision, or the one that was named."""
        named = f"{self.name}:{self.params['revision']}" if self.params.get("revision") else self.name
        found = self.aws.call(
            "describe_task_definition", task_definition=named, include=["TAGS"], missing=["ClientException"]
        )
        if not found or found["task_definition"].get("status", "ACTIVE") != "ACTIVE":
            return None
        return {**found["task_definition"], "tags": tagging.to_dict(found.get("tags"))}

    def desired(self, actual: dict[str, Any] | None) -> dict[str, Any]:
        """Return what was asked for; what was not is empty, so that its removal is noticed."""
        asked = {}
        for field in FIELDS:
            value = given(self.params.get(field))
            if value is not None:
                asked[field] = self.aws.normal("register_task_definition", field, value)
        return self._comparable(asked)

    def view(self, actual: dict[str, Any]) -> dict[str, Any]:
        """Return what the revision says, in the same form as the desired state."""
        return {**self._comparable(actual), "tags": actual["tags"]}

    def _comparable(self, definition: dict[str, Any]) -> dict[str, Any]:
        mode = definition.get("network_mode")
        made = {field: stripped(definition.get(field)) for field in FIELDS}
        made["container_definitions"] = [
            _container(container, mode) for container in definition.get("container_definitions") or []
        ]
        made["cpu"] = _units(definition.get("cpu"), "vcpu")
        made["memory"] = _units(definition.get("memory"), "gb")
        made["enable_fault_injection"] = bool(definition.get("enable_fault_injection"))
        return {field: "" if value in (None, [], {}) else value for field, value in made.items()}

    def create(self, desired: dict[str, Any]) -> None:
        """Register a revision."""
        request = {field: given(self.params.get(field)) for field in FIELDS}
        self.aws.get("register_task_definition", family=self.name, tags=tagging.to_list(desired.get("tags")), **request)

    def update(self, actual: dict[str, Any], desired: dict[str, Any], changes: set[str]) -> None:
        """Register the next revision; it takes the tags of this one when none were given."""
        self.create({**desired, "tags": desired.get("tags", actual["tags"])})

    def foreseen(self, actual: dict[str, Any], desired: dict[str, Any], changes: set[str]) -> dict[str, Any]:
        """Return the next revision."""
        if changes == {"tags"}:
            return {**actual, "tags": desired["tags"]}
        family = actual["task_definition_arn"].rpartition(":")[0]
        revision = int(actual["revision"]) + 1
        return {
            **{key: value for key, value in desired.items() if value != ""},
            "tags": desired.get("tags", actual["tags"]),
            "family": self.name,
            "revision": revision,
            "task_definition_arn": f"{family}:{revision}",
            "status": UNKNOWN,
        }

    def predicted(self, desired: dict[str, Any]) -> dict[str, Any]:
        """Return the first revision's name; AWS counts on from revisions that are no longer active."""
        return {
            **{key: None for key, value in desired.items() if value == ""},
            "family": self.name,
            "revision": 1,
            "task_definition_arn": self.arn("ecs", f"task-definition/{self.name}:1"),
        }

    def delete(self, actual: dict[str, Any]) -> None:
        """Deregister every active revision, or the one that was named."""
        if self.params.get("revision"):
            self.aws.get("deregister_task_definition", task_definition=actual["task_definition_arn"])
            return
        for arn in self.aws.all("list_task_definitions", "task_definition_arns", family_prefix=self.name):
            if arn.rpartition("/")[2].rpartition(":")[0] == self.name:
                self.aws.get("deregister_task_definition", task_definition=arn)

    def tag(self, actual: dict[str, Any], to_set: dict[str, str]) -> None:
        """Set tags of the latest revision."""
        self.aws.get("tag_resource", resource_arn=self._latest(), tags=tagging.to_list(to_set))

    def untag(self, actual: dict[str, Any], keys: list[str]) -> None:
        """Remove tags of the latest revision."""
        latest = self.describe() or actual
        gone = [key for key in keys if key in latest["tags"]]
        if gone:
            self.aws.get("untag_resource", resource_arn=latest["task_definition_arn"], tag_keys=gone)

    def _latest(self) -> str:
        return str((self.describe() or {})["task_definition_arn"])


def _container(container: dict[str, Any], network_mode: str | None) -> dict[str, Any]:
    """Return a container without what AWS takes for granted."""
    made = _without(stripped(container), _CONTAINER)
    if made.get("port_mappings"):
        made["port_mappings"] = [_port(port, network_mode) for port in made["port_mappings"]]
    if made.get("health_check"):
        made["health_check"] = _without(made["health_check"], _HEALTH_CHECK)
    if made.get("mount_points"):
        made["mount_points"] = [_without(point, {"read_only": False}) for point in made["mount_points"]]
    return made


def _without(value: dict[str, Any], defaults: dict[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in value.items() if key not in defaults or item != defaults[key]}


def _port(port: dict[str, Any], network_mode: str | None) -> dict[str, Any]:
    made = _without(port, {"protocol": "tcp"})
    if network_mode in ("awsvpc", "host") or made.get("host_port") == 0:
        made.pop("host_port", None)
    return made


def _units(value: str | None, unit: str) -> str:
    """Return CPU units or MiB as AWS stores them; ``0.5 vCPU`` is ``512``, ``1 GB`` is ``1024``."""
    text = str(value or "").strip().lower().replace(" ", "")
    match = re.fullmatch(rf"([0-9.]+){unit}", text)
    return str(int(float(match.group(1)) * 1024)) if match else text
