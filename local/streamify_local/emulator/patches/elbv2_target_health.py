# SPDX-License-Identifier: Apache-2.0
"""Targets have the health that health checks find, and drain when they are deregistered.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html (states and reasons)
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html#deregistration-delay
A new target needs one passed check; later, as many in a row as the thresholds say. One thing is faster than AWS: before
its first pass a target is asked every second (failures still count once an interval), because ALB's several nodes
check independently and no single emulated one could stand for the earliest of them.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ministack.services import alb

from .elbv2_attributes import TARGET_GROUP, current
from .elbv2_common import Parameters, Response, load_balancers_using, parameter, refuse
from .elbv2_health_check import Check, Verdict, run

INITIAL_RETRY_SECONDS = 1.0
_TICK_SECONDS = 0.2
_log = logging.getLogger("elbv2.health")


@dataclass
class Target:
    """A registered or draining target; times are of time.monotonic()."""

    address: str
    port: int
    state: str = "unused"
    reason: str = "Target.NotInUse"
    description: str = "Target group is not configured to receive traffic from the load balancer"
    passed: int = 0
    failed: int = 0
    next_check: float = 0.0
    next_count: float = 0.0
    drained_at: float = 0.0
    checking: bool = False

    def become(self, state: str, reason: str = "", description: str = "") -> None:
        """Change the state, starting to count anew."""
        if state != self.state:
            self.passed = self.failed = 0
            _log.info("target %s:%s: %s -> %s %s", self.address, self.port, self.state, state, reason)
        self.state, self.reason, self.description = state, reason, description

    def judge(self, verdict: Verdict, group: dict[str, Any], now: float) -> None:
        """Count a check's verdict and draw the consequence.

        Args:
            now: when the check began; the interval is from one check's beginning to the next one's.
        """
        interval = float(group.get("HealthCheckIntervalSeconds", 30))
        self.next_check = now + (interval if self.state != "initial" else min(interval, INITIAL_RETRY_SECONDS))
        if verdict.passed:
            self.passed, self.failed = self.passed + 1, 0
            if self.state == "initial" or self.passed >= group.get("HealthyThresholdCount", 5):
                self.become("healthy")
                self.next_check = now + interval
            return
        self.passed = 0
        if self.state == "initial" and now < self.next_count:
            return
        self.next_count = now + interval
        self.failed += 1
        if self.state == "unhealthy" or self.failed >= group.get("UnhealthyThresholdCount", 2):
            self.become("unhealthy", verdict.reason, verdict.description)
        elif self.state == "initial":
            self.become("initial", "Elb.InitialHealthChecking", "Initial health checks in progress")


@dataclass
class Health:
    """All target groups' targets, by group ARN and then (address, port)."""

    groups: dict[str, dict[tuple[str, int], Target]] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def sync(self, arn: str, group: dict[str, Any], registered: list[dict[str, Any]], delay: float) -> None:
        """Take over what is registered now; what no longer is drains for `delay` seconds."""
        now = time.monotonic()
        in_use = bool(load_balancers_using(arn))
        with self.lock:
            targets = self.groups.setdefault(arn, {})
            wanted = dict.fromkeys(_key(entry, group) for entry in registered)  # told in the order of registration
            for key in wanted:
                if key not in targets or targets[key].state == "draining":
                    targets[key] = Target(*key)
                if in_use and targets[key].state == "unused":
                    targets[key].become("initial", "Elb.RegistrationInProgress", "Target registration is in progress")
                elif not in_use and targets[key].state != "unused":
                    targets[key] = Target(*key)
            for key in [key for key in targets if key not in wanted]:
                target = targets[key]
                if target.state != "draining":
                    target.drained_at = now + delay
                    target.become("draining", "Target.DeregistrationInProgress", "Target deregistration is in progress")
                if now >= target.drained_at or not in_use:
                    del targets[key]

    def due(self) -> list[tuple[str, Target]]:
        """The targets whose next check should be made now; marks them."""
        now, found = time.monotonic(), []
        with self.lock:
            for arn, targets in self.groups.items():
                for target in targets.values():
                    checkable = target.state in ("initial", "healthy", "unhealthy") and not target.checking
                    if checkable and now >= target.next_check:
                        target.checking = True
                        found.append((arn, target))
        return found


HEALTH = Health()


def health_of(target_group_arn: str, ip: str, port: int) -> str:
    """A target's state: initial, healthy, unhealthy, draining, or unused (not registered, or no listener)."""
    with HEALTH.lock:
        target = HEALTH.groups.get(target_group_arn, {}).get((ip, int(port)))
        return target.state if target else "unused"


def check_of(group: dict[str, Any], target: Target) -> Check:
    """The check that a target group's settings ask for."""
    grpc = group.get("ProtocolVersion") == "GRPC"
    port = group.get("HealthCheckPort", "traffic-port")
    return Check(
        address=target.address,
        port=target.port if port == "traffic-port" else int(port),
        path=group["HealthCheckPath"],
        codes=group["Matcher"]["GrpcCode" if grpc else "HttpCode"],
        timeout=float(group.get("HealthCheckTimeoutSeconds", 5)),
        grpc=grpc,
        tls=group.get("HealthCheckProtocol") == "HTTPS",
    )


def apply() -> None:
    """Replace the target actions and start checking in a thread of its own."""
    publish = alb.set_targets_for_group

    def set_targets_for_group(arn: str, targets: Iterable[Any], previous_ids: Iterable[str] = ()) -> bool:
        done = bool(publish(arn, targets, previous_ids))
        _sync(arn)
        return done

    alb.set_targets_for_group = set_targets_for_group
    alb._ACTION_MAP["RegisterTargets"] = _register
    alb._ACTION_MAP["DeregisterTargets"] = _deregister
    alb._ACTION_MAP["DescribeTargetHealth"] = _describe
    threading.Thread(target=lambda: asyncio.run(_check_forever()), name="elbv2-health", daemon=True).start()


def _group(arn: str) -> dict[str, Any] | None:
    account, region = arn.split(":")[4], arn.split(":")[3]
    group: dict[str, Any] | None = alb._tgs.get_scoped(account, region, arn)
    return group


def _sync(arn: str) -> None:
    """Bring HEALTH up to date for one group, from any thread."""
    group = _group(arn)
    if group is None:
        with HEALTH.lock:
            HEALTH.groups.pop(arn, None)
        return
    scope = (arn.split(":")[4], arn)
    delay = current(TARGET_GROUP, alb._tg_attrs._data.get(scope))["deregistration_delay.timeout_seconds"]
    HEALTH.sync(arn, group, list(alb._targets._data.get(scope, [])), float(delay))


async def _check_forever() -> None:
    running: set[asyncio.Task[None]] = set()
    while True:
        try:
            for arn in {key[2] for key in list(alb._tgs._data)} | set(HEALTH.groups):
                _sync(arn)
            for arn, target in HEALTH.due():
                task = asyncio.create_task(_check_one(arn, target))
                running.add(task)
                task.add_done_callback(running.discard)
        except Exception:
            _log.exception("health checks stumbled")
        await asyncio.sleep(_TICK_SECONDS)


async def _check_one(arn: str, target: Target) -> None:
    try:
        group = _group(arn)
        if group is not None:
            began = time.monotonic()
            verdict = await run(check_of(group, target))
            with HEALTH.lock:
                if target.state in ("initial", "healthy", "unhealthy"):
                    target.judge(verdict, group, began)
    finally:
        target.checking = False


def _key(entry: dict[str, Any], group: dict[str, Any]) -> tuple[str, int]:
    return str(entry["Id"]), int(entry.get("Port") or group["Port"])


def _register(params: Parameters) -> Response:
    return _change(params, "RegisterTargets", lambda old, new: [entry for entry in old if entry not in new] + new)


def _deregister(params: Parameters) -> Response:
    return _change(params, "DeregisterTargets", lambda old, new: [entry for entry in old if entry not in new])


def _change(params: Parameters, action: str, combine: Any) -> Response:
    arn = parameter(params, "TargetGroupArn")
    group = alb._tgs.get(arn)
    if group is None:
        return refuse("TargetGroupNotFound", f"Target group '{arn}' not found.")

    def with_ports(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{"Id": entry["Id"], "Port": int(entry.get("Port") or group["Port"])} for entry in entries]

    named = with_ports(alb._parse_targets_param(params))
    alb._targets[arn] = combine(with_ports(alb._targets.get(arn, [])), named)
    _sync(arn)
    response: Response = alb._empty(action)
    return response


def _describe(params: Parameters) -> Response:
    arn = parameter(params, "TargetGroupArn")
    group = alb._tgs.get(arn)
    if group is None:
        return refuse("TargetGroupNotFound", f"Target group '{arn}' not found.")
    _sync(arn)
    asked = [_key(entry, group) for entry in alb._parse_targets_param(params)]
    with HEALTH.lock:
        known = HEALTH.groups.get(arn, {})
        unknown = Target("", 0, "unused", "Target.NotRegistered", "Target is not registered to the target group")
        described = [(key, known.get(key, unknown)) for key in asked or known]
        rendered = "".join(_render(key, target, group) for key, target in described)
    response: Response = alb._xml(
        200, "DescribeTargetHealth", f"<TargetHealthDescriptions>{rendered}</TargetHealthDescriptions>"
    )
    return response


def _render(key: tuple[str, int], target: Target, group: dict[str, Any]) -> str:
    port = group.get("HealthCheckPort", "traffic-port")
    why = f"<Reason>{target.reason}</Reason><Description>{target.description}</Description>" if target.reason else ""
    return (
        f"<member><Target><Id>{key[0]}</Id><Port>{key[1]}</Port></Target>"
        f"<HealthCheckPort>{key[1] if port == 'traffic-port' else port}</HealthCheckPort>"
        f"<TargetHealth><State>{target.state}</State>{why}</TargetHealth></member>"
    )
