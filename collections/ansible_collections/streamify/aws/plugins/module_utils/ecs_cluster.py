# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ECS clusters, their settings and capacity providers."""

from __future__ import annotations

from typing import Any

from .core import tags as tagging
from .core.compare import Rules, given
from .core.resource import Resource

_CAPACITY = frozenset({"capacity_providers", "default_capacity_provider_strategy"})
_IN_USE = (
    "ClusterContainsServicesException",
    "ClusterContainsTasksException",
    "ClusterContainsCapacityProviderException",
    "ClusterContainsContainerInstancesException",
    "UpdateInProgressException",
)


class Cluster(Resource):
    """A cluster."""

    service = "ecs"
    kind = "ECS cluster"
    result = "cluster"
    rules = Rules(
        unordered=frozenset({"capacity_providers"}),
        keyed={"default_capacity_provider_strategy": "capacity_provider"},
    )

    def describe(self) -> dict[str, Any] | None:
        """Return the cluster; its settings as a dictionary."""
        found = self.aws.get("describe_clusters", clusters=[self.name], include=["TAGS", "SETTINGS", "CONFIGURATIONS"])
        clusters = [item for item in found.get("clusters") or [] if item.get("status") != "INACTIVE"]
        if not clusters:
            return None
        cluster = clusters[0]
        return {
            **cluster,
            "settings": {item["name"]: item["value"] for item in cluster.get("settings") or []},
            "tags": tagging.to_dict(cluster.get("tags")),
        }

    def desired(self, actual: dict[str, Any] | None) -> dict[str, Any]:
        """Return what was asked for."""
        settings = self.params.get("settings")
        configuration = given(self.params.get("configuration"))
        if configuration is not None:
            configuration = self.aws.normal("create_cluster", "configuration", configuration)
        return {
            "settings": None if settings is None else {key: str(value) for key, value in settings.items()},
            "configuration": configuration,
            "service_connect_defaults": self.params.get("service_connect_defaults"),
            "capacity_providers": self.params.get("capacity_providers"),
            "default_capacity_provider_strategy": self.params.get("default_capacity_provider_strategy"),
        }

    def create(self, desired: dict[str, Any]) -> None:
        """Create the cluster."""
        self.aws.get(
            "create_cluster",
            **{**desired, **_in_aws_words(desired), "tags": tagging.to_list(desired.get("tags"))},
            cluster_name=self.name,
        )

    def update(self, actual: dict[str, Any], desired: dict[str, Any], changes: set[str]) -> None:
        """Change settings and capacity providers."""
        changed = {key: desired[key] for key in changes - _CAPACITY}
        if changed:
            self.aws.get("update_cluster", cluster=self.name, **_in_aws_words(changed))
        if changes & _CAPACITY:
            self.aws.get(
                "put_cluster_capacity_providers",
                cluster=self.name,
                retry_on=["UpdateInProgressException", "ResourceInUseException"],
                **{key: desired.get(key, actual.get(key) or []) for key in _CAPACITY},
            )

    def predicted(self, desired: dict[str, Any]) -> dict[str, Any]:
        """Return what the cluster will be called."""
        return {"cluster_name": self.name, "cluster_arn": self.arn("ecs", f"cluster/{self.name}"), "status": "ACTIVE"}

    def delete(self, actual: dict[str, Any]) -> None:
        """Delete the cluster as soon as it is empty."""
        self.wait(
            lambda: self.aws.call("delete_cluster", cluster=self.name, missing=_IN_USE) is not None,
            f"the removal of the ECS cluster {self.name}, which still has services or tasks,",
        )
        self.wait(lambda: self.describe() is None, f"the removal of the ECS cluster {self.name}")

    def tag(self, actual: dict[str, Any], to_set: dict[str, str]) -> None:
        """Set tags."""
        self.aws.get("tag_resource", resource_arn=actual["cluster_arn"], tags=tagging.to_list(to_set))

    def untag(self, actual: dict[str, Any], keys: list[str]) -> None:
        """Remove tags."""
        self.aws.get("untag_resource", resource_arn=actual["cluster_arn"], tag_keys=keys)


def _in_aws_words(desired: dict[str, Any]) -> dict[str, Any]:
    made = dict(desired)
    if "settings" in made:
        made["settings"] = [{"name": key, "value": value} for key, value in sorted(made["settings"].items())]
    return made
