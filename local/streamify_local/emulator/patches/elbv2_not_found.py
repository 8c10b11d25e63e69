# SPDX-License-Identifier: Apache-2.0
"""Describing what does not exist is an error, not an empty list; a deleted load balancer takes its listeners along.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTargetGroups.html (TargetGroupNotFound)
https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeListeners.html (ListenerNotFound)
https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeleteLoadBalancer.html
"""

from collections.abc import Callable
from typing import Any

from ministack.services import alb

from .elbv2_common import Handler, Parameters, Response, check_before, parameter, refuse


def apply() -> None:
    """Check names and ARNs before the describing actions, and cascade the deletion."""
    check_before("DescribeLoadBalancers", _listed("LoadBalancerArns", alb._lbs, "LoadBalancerArn", "LoadBalancer"))
    check_before("DescribeLoadBalancers", _listed("Names", alb._lbs, "LoadBalancerName", "LoadBalancer"))
    check_before("DescribeTargetGroups", _listed("TargetGroupArns", alb._tgs, "TargetGroupArn", "TargetGroup"))
    check_before("DescribeTargetGroups", _listed("Names", alb._tgs, "TargetGroupName", "TargetGroup"))
    check_before("DescribeTargetGroups", _named("LoadBalancerArn", alb._lbs, "LoadBalancer"))
    check_before("DescribeListeners", _listed("ListenerArns", alb._listeners, "ListenerArn", "Listener"))
    check_before("DescribeListeners", _named("LoadBalancerArn", alb._lbs, "LoadBalancer"))
    check_before("DescribeRules", _listed("RuleArns", alb._rules, "RuleArn", "Rule"))
    check_before("DescribeRules", _named("ListenerArn", alb._listeners, "Listener"))
    check_before("DeleteRule", _named("RuleArn", alb._rules, "Rule"))
    delete: Handler = alb._ACTION_MAP["DeleteLoadBalancer"]

    def delete_load_balancer(params: Parameters) -> Response:
        arn = parameter(params, "LoadBalancerArn")
        for listener in [item for item in alb._listeners.values() if item["LoadBalancerArn"] == arn]:
            alb._ACTION_MAP["DeleteListener"]({"ListenerArn": listener["ListenerArn"]})
        return delete(params)

    alb._ACTION_MAP["DeleteLoadBalancer"] = delete_load_balancer


def _listed(param: str, store: Any, field: str, kind: str) -> Callable[[Parameters], Response | None]:
    def check(params: Parameters) -> Response | None:
        known = {record[field] for record in store.values()}
        missing = [value for value in alb._parse_member_list(params, param) if value not in known]
        return refuse(f"{kind}NotFound", f"{kind} not found: {', '.join(missing)}") if missing else None

    return check


def _named(param: str, store: Any, kind: str) -> Callable[[Parameters], Response | None]:
    def check(params: Parameters) -> Response | None:
        arn = parameter(params, param)
        return refuse(f"{kind}NotFound", f"{kind} '{arn}' not found.") if arn and arn not in store else None

    return check
