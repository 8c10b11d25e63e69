# SPDX-License-Identifier: Apache-2.0
"""A load balancer with deletion protection cannot be deleted.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeleteLoadBalancer.html (OperationNotPermitted)
"""

from ministack.services import alb

from .elbv2_common import Parameters, Response, check_before, parameter, refuse


def apply() -> None:
    """Check the attribute before a deletion."""
    check_before("DeleteLoadBalancer", _protected)


def _protected(params: Parameters) -> Response | None:
    arn = parameter(params, "LoadBalancerArn")
    if {"Key": "deletion_protection.enabled", "Value": "true"} in alb._lb_attrs.get(arn, []):
        return refuse(
            "OperationNotPermitted",
            f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled",
        )
    return None
