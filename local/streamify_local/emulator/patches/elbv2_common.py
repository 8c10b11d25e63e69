# SPDX-License-Identifier: Apache-2.0
"""What the ELBv2 patches share: refusing a request, wrapping an action, finding who forwards to a target group."""

from collections.abc import Callable, Iterator
from typing import Any

from ministack.services import alb

type Parameters = dict[str, Any]
type Response = tuple[int, dict[str, str], bytes]
type Handler = Callable[[Parameters], Response]


def parameter(params: Parameters, name: str) -> str:
    """A request's parameter, or the empty string."""
    return str(alb._p(params, name))


def refuse(code: str, message: str) -> Response:
    """ELBv2's error answer (status 400)."""
    response: Response = alb._error(code, message)
    return response


def check_before(action: str, check: Callable[[Parameters], Response | None]) -> None:
    """Make an API action answer what `check` returns, or go on when that is None."""
    inner: Handler = alb._ACTION_MAP[action]
    alb._ACTION_MAP[action] = lambda params: check(params) or inner(params)


def members(params: Parameters, prefix: str) -> Iterator[int]:
    """The numbers of a list's members: those for which `prefix.member.N` begins a parameter's name."""
    number = 1
    while any(name == f"{prefix}.member.{number}" or name.startswith(f"{prefix}.member.{number}.") for name in params):
        yield number
        number += 1


def forwarded_groups(actions: list[dict[str, Any]]) -> list[str]:
    """The ARNs of the target groups that actions forward to."""
    groups = []
    for action in actions:
        tuples = action.get("ForwardConfig", {}).get("TargetGroups") or [action]
        groups += [entry["TargetGroupArn"] for entry in tuples if entry.get("TargetGroupArn")]
    return groups


def load_balancers_using(group_arn: str) -> list[str]:
    """The ARNs of the load balancers whose listeners or rules forward to the group, in any account and region."""
    listeners = {listener["ListenerArn"]: listener for listener in list(alb._listeners._data.values())}
    actions = [(arn, listener["DefaultActions"]) for arn, listener in listeners.items()]
    actions += [(rule["ListenerArn"], rule["Actions"]) for rule in list(alb._rules._data.values())]
    using = {arn for arn, forwarding in actions if group_arn in forwarded_groups(forwarding)}
    return sorted({listeners[arn]["LoadBalancerArn"] for arn in using if arn in listeners})
