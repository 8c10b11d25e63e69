# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ECS services: what they are asked to be, and whether their new version really runs."""

from __future__ import annotations

from typing import Any

from . import ecs_deployment
from .core import tags as tagging
from .core.client import error_code
from .core.compare import Rules, given, merged
from .core.errors import ResourceError, WaitTimeout
from .core.resource import UNKNOWN, Resource

try:
    from botocore.exceptions import ClientError
except ImportError:
    pass  # handled by AnsibleAWSModule

# Everything that CreateService takes from us beside names, tags and the count.
FIELDS = (
    "task_definition",
    "launch_type",
    "capacity_provider_strategy",
    "platform_version",
    "scheduling_strategy",
    "network_configuration",
    "load_balancers",
    "health_check_grace_period_seconds",
    "deployment_configuration",
    "availability_zone_rebalancing",
    "enable_execute_command",
    "enable_ecs_managed_tags",
    "propagate_tags",
    "service_registries",
    "service_connect_configuration",
    "volume_configurations",
    "placement_constraints",
    "placement_strategy",
)
# What the service itself does not report, but its first deployment does.
_ON_DEPLOYMENT = ("service_connect_configuration", "volume_configurations")
_DEFAULTS = {
    "propagate_tags": "NONE",
    "availability_zone_rebalancing": "DISABLED",
    "scheduling_strategy": "REPLICA",
    "health_check_grace_period_seconds": 0,
}
EVENTS = 10


class Service(Resource):
    """A service of a cluster."""

    service = "ecs"
    kind = "ECS service"
    result = "service"
    immutable = frozenset({"launch_type", "scheduling_strategy"})
    rules = Rules(
        unordered=frozenset({"subnets", "security_groups", "alarm_names"}),
        keyed={"load_balancers": "target_group_arn", "capacity_provider_strategy": "capacity_provider"},
        exact=frozenset({"tags"}),
    )
    _deployment = ""  # the id of the deployment whose outcome counts
    _draining = False

    # ---- describe ---------------------------------------------------------------------------------------------------
    def describe(self) -> dict[str, Any] | None:
        """Return the service, unless it is gone or about to be."""
        service = self._find()
        self._draining = bool(service) and service.get("status") == "DRAINING"
        if not service or service.get("status") != "ACTIVE":
            return None
        return {
            **service,
            "events": (service.get("events") or [])[:EVENTS],
            "tags": tagging.to_dict(service.get("tags")),
        }

    def _find(self) -> dict[str, Any]:
        found = self.aws.call(
            "describe_services",
            cluster=self.params["cluster"],
            services=[self.name],
            include=["TAGS"],
            missing=["ClusterNotFoundException", "ServiceNotFoundException"],
        )
        services: list[dict[str, Any]] = (found or {}).get("services") or []
        return services[0] if services else {}

    # ---- compare ----------------------------------------------------------------------------------------------------
    def desired(self, actual: dict[str, Any] | None) -> dict[str, Any]:
        """Return what was asked for, the task definition as an ARN where one is known."""
        wanted: dict[str, Any] = {}
        for key in FIELDS:
            value = given(self.params.get(key))
            if key == "network_configuration":
                wanted[key] = value
            elif value is not None:
                wanted[key] = self.aws.normal("create_service", key, value)
        if wanted.get("launch_type") and actual and actual.get("capacity_provider_strategy"):
            # The provider of the launch type's name is the same thing. (No strategy would be AWS's way back to some
            # launch type, but it does not say to which.)
            alone = {"capacity_provider": wanted.pop("launch_type"), "weight": 1, "base": 0}
            wanted["capacity_provider_strategy"] = [alone]
        wanted["task_definition"] = self._task_definition(wanted["task_definition"], actual)
        wanted["desired_count"] = self._desired_count(actual)
        return wanted

    def _task_definition(self, asked: str, actual: dict[str, Any] | None) -> str:
        current = str((actual or {}).get("task_definition") or "")
        if asked.startswith("arn:"):
            return asked
        if ":" in asked:
            return current if current.endswith(f":task-definition/{asked}") else asked
        found = self.aws.call("describe_task_definition", task_definition=asked, missing=["ClientException"])
        return str(found["task_definition"]["task_definition_arn"]) if found else asked

    def _desired_count(self, actual: dict[str, Any] | None) -> int | None:
        asked: int | None = self.params.get("desired_count")
        if actual is None or asked is None or asked == actual.get("desired_count"):
            return asked
        manager = self.params.get("desired_count_managed_by") or "auto"
        if manager == "auto":
            manager = "autoscaling" if self._is_scalable_target() else "ansible"
        return asked if manager == "ansible" else None

    def _is_scalable_target(self) -> bool:
        cluster = str(self.params["cluster"]).rpartition("/")[2]
        try:
            found = self.context.client("application-autoscaling").get(
                "describe_scalable_targets",
                service_namespace="ecs",
                resource_ids=[f"service/{cluster}/{self.name}"],
                scalable_dimension="ecs:service:DesiredCount",
            )
        except ClientError as error:
            raise ResourceError(
                f"whether autoscaling owns the desired count of the ECS service {self.name} cannot be told "
                f"(DescribeScalableTargets: {error_code(error)}). Say desired_count_managed_by: ansible or autoscaling"
            ) from error
        return bool(found.get("scalable_targets"))

    def view(self, actual: dict[str, Any]) -> dict[str, Any]:
        """Return the service in the module's words."""
        first = (actual.get("deployments") or [{}])[0]
        seen = {**_DEFAULTS, **{key: value for key, value in actual.items() if value is not None}}
        for key in _ON_DEPLOYMENT:
            seen[key] = first.get(key)
        seen["platform_version"] = seen.get("platform_version") or first.get("platform_version") or "LATEST"
        network = (actual.get("network_configuration") or {}).get("awsvpc_configuration")
        if network is not None:
            seen["network_configuration"] = {
                **network,
                "assign_public_ip": network.get("assign_public_ip") == "ENABLED",
            }
        return seen

    def forced(self, actual: dict[str, Any]) -> set[str]:
        """Return that a deployment was asked for in any case."""
        return {"force_new_deployment"} if self.params.get("force_new_deployment") else set()

    # ---- apply ------------------------------------------------------------------------------------------------------
    def create(self, desired: dict[str, Any]) -> None:
        """Create the service, after one of its name has gone."""
        if self._draining:
            self._wait_gone()
        made = self.aws.get(
            "create_service",
            cluster=self.params["cluster"],
            service_name=self.name,
            tags=tagging.to_list(desired.get("tags")),
            # A role or target group made a moment ago is not known everywhere at once.
            retry_on=["ServiceLinkedRoleNotReady"],
            **{key: value for key, value in _in_aws_words(desired).items() if key != "tags"},
        )
        self._deployment = _primary(made["service"]).get("id", "")

    def update(self, actual: dict[str, Any], desired: dict[str, Any], changes: set[str]) -> None:
        """Change what differs. New capacity providers take effect with a new deployment only."""
        changed = {key: desired[key] for key in changes if key in desired}
        if "deployment_configuration" in changed:
            changed["deployment_configuration"] = _whole_deployment_configuration(actual, desired)
        force = bool({"capacity_provider_strategy", "force_new_deployment"} & changes)
        made = self.aws.get(
            "update_service",
            cluster=self.params["cluster"],
            service=self.name,
            force_new_deployment=True if force else None,
            **_in_aws_words(changed),
        )
        self._deployment = _primary(made["service"]).get("id", "")

    def foreseen(self, actual: dict[str, Any], desired: dict[str, Any], changes: set[str]) -> dict[str, Any]:
        """Return the service as it would be."""
        changed = {key: desired[key] for key in changes if key in desired}
        return dict(merged(actual, _in_aws_words(changed), self.rules))

    def predicted(self, desired: dict[str, Any]) -> dict[str, Any]:
        """Return what the service will be called."""
        cluster = str(self.params["cluster"]).rpartition("/")[2]
        return {
            **_in_aws_words(desired),
            "service_name": self.name,
            "service_arn": self.arn("ecs", f"service/{cluster}/{self.name}"),
            "cluster_arn": self.arn("ecs", f"cluster/{cluster}"),
            "status": UNKNOWN,
            "running_count": 0,
            "pending_count": 0,
            "deployments": [],
            "events": [],
        }

    def settle(self, changed: bool) -> None:
        """Wait for the outcome of the deployment."""
        if not self.params.get("wait", True):
            return
        watch = ecs_deployment.Watch(self.aws, self.params["cluster"], self.name, self._find)
        watch.deployment = self._deployment
        try:
            self.wait(watch.outcome, f"the completion of the ECS service {self.name}'s deployment")
        except WaitTimeout as error:
            raise watch.failure(str(error)) from error

    # ---- remove -----------------------------------------------------------------------------------------------------
    def ensure_absent(self, check_mode: bool) -> Any:
        """Remove the service; one that is on its way out already is waited for."""
        outcome = super().ensure_absent(check_mode)
        if not outcome.changed and self._draining and not check_mode:
            self._wait_gone()
        return outcome

    def delete(self, actual: dict[str, Any]) -> None:
        """Drain the service, then delete it."""
        cluster = self.params["cluster"]
        if actual.get("scheduling_strategy") != "DAEMON" and actual.get("desired_count"):
            self.aws.get("update_service", cluster=cluster, service=self.name, desired_count=0)
        if self.params.get("wait", True) and actual.get("scheduling_strategy") != "DAEMON":
            self.wait(
                lambda: self._is_empty(self._find()),
                f"the end of the last task of the ECS service {self.name}",
            )
        self.aws.call(
            "delete_service",
            cluster=cluster,
            service=self.name,
            force=True,
            missing=["ServiceNotFoundException", "ServiceNotActiveException", "ClusterNotFoundException"],
        )
        if self.params.get("wait", True):
            self._wait_gone()

    @staticmethod
    def _is_empty(service: dict[str, Any]) -> bool:
        return not (service.get("running_count") or service.get("pending_count"))

    def _wait_gone(self) -> None:
        self.wait(
            lambda: self._find().get("status", "INACTIVE") == "INACTIVE",
            f"the removal of the ECS service {self.name}",
        )

    def tag(self, actual: dict[str, Any], to_set: dict[str, str]) -> None:
        """Set tags."""
        self.aws.get("tag_resource", resource_arn=actual["service_arn"], tags=tagging.to_list(to_set))

    def untag(self, actual: dict[str, Any], keys: list[str]) -> None:
        """Remove tags."""
        self.aws.get("untag_resource", resource_arn=actual["service_arn"], tag_keys=keys)


def _primary(service: dict[str, Any]) -> dict[str, Any]:
    found = [item for item in service.get("deployments") or [] if item.get("status") == "PRIMARY"]
    return found[0] if found else {}


def _in_aws_words(desired: dict[str, Any]) -> dict[str, Any]:
    made = dict(desired)
    network = made.get("network_configuration")
    if network:
        public = "ENABLED" if network.get("assign_public_ip") else "DISABLED"
        made["network_configuration"] = {"awsvpc_configuration": {**network, "assign_public_ip": public}}
    return made


def _whole_deployment_configuration(actual: dict[str, Any], desired: dict[str, Any]) -> dict[str, Any]:
    """Return all of it, because AWS does not say whether what an update leaves out is kept."""
    now = given(actual.get("deployment_configuration") or {})
    whole: dict[str, Any] = {**now, **desired["deployment_configuration"]}
    if not whole.get("bake_time_in_minutes"):
        whole.pop("bake_time_in_minutes", None)
    return whole
