# SPDX-License-Identifier: Apache-2.0
"""Listeners and rules that ALB would refuse are refused.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/create-https-listener.html (a certificate is needed)
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-target-groups.html#target-group-protocol-version
(gRPC target groups need an HTTPS listener)
https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateListener.html
"""

from ministack.services import acm, alb

from .elbv2_common import Parameters, Response, check_before, forwarded_groups, parameter, refuse


def apply() -> None:
    """Check listeners and rules before they are made or changed."""
    check_before("CreateListener", _check_listener)
    check_before("ModifyListener", _check_listener)
    for action in ("CreateRule", "ModifyRule"):
        check_before(action, _check_rule)


def _check_listener(params: Parameters) -> Response | None:
    existing = alb._listeners.get(parameter(params, "ListenerArn")) or {}
    protocol = parameter(params, "Protocol") or existing.get("Protocol", "")
    balancer = parameter(params, "LoadBalancerArn") or existing.get("LoadBalancerArn", "")
    port = parameter(params, "Port") or existing.get("Port", "")
    if protocol not in ("HTTP", "HTTPS"):
        return refuse("ValidationError", f"Listener protocol '{protocol}' must be one of 'HTTP, HTTPS'")
    for other in alb._listeners.values():
        if other["LoadBalancerArn"] == balancer and other["Port"] == int(port or 0) and other is not (existing or None):
            return refuse("DuplicateListener", f"A listener already exists on port {port} of '{balancer}'")
    certificates = alb._parse_certificate_arns(params) or existing.get("Certificates", [])
    if protocol == "HTTPS" and not certificates:
        return refuse("ValidationError", "A certificate must be specified for HTTPS listeners")
    for certificate in certificates:
        if ":acm:" in certificate and acm._get_local_certificate(certificate) is None:
            return refuse("CertificateNotFound", f"Certificate ARN '{certificate}' is not valid")
    policy = parameter(params, "SslPolicy")
    if policy and not policy.startswith("ELBSecurityPolicy-"):
        return refuse("SSLPolicyNotFound", f"SSL policy '{policy}' not found")
    actions = alb._parse_actions(params, "DefaultActions") or existing.get("DefaultActions", [])
    return _check_groups(forwarded_groups(actions), protocol)


def _check_rule(params: Parameters) -> Response | None:
    rule = alb._rules.get(parameter(params, "RuleArn")) or {}
    listener = alb._listeners.get(parameter(params, "ListenerArn") or rule.get("ListenerArn", ""))
    return _check_groups(
        forwarded_groups(alb._parse_actions(params, "Actions")), listener["Protocol"] if listener else ""
    )


def _check_groups(groups: list[str], protocol: str) -> Response | None:
    for arn in groups:
        if arn not in alb._tgs:
            return refuse("TargetGroupNotFound", f"Target group '{arn}' not found")
        if alb._tgs[arn].get("ProtocolVersion") == "GRPC" and protocol == "HTTP":
            return refuse(
                "InvalidConfigurationRequest",
                "Listener protocol 'HTTP' is not supported with a target group with the protocol-version 'GRPC'",
            )
    return None
