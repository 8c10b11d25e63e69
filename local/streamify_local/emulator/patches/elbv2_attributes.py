# SPDX-License-Identifier: Apache-2.0
"""All attributes of Application Load Balancers, their target groups and listeners: defaults, and refusal of others.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_LoadBalancerAttribute.html
https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroupAttribute.html
https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ListenerAttribute.html
"""

from typing import Any

from ministack.services import alb

from .elbv2_common import Parameters, Response, members, parameter, refuse

LOAD_BALANCER = {
    "deletion_protection.enabled": "false",
    "load_balancing.cross_zone.enabled": "true",
    "access_logs.s3.enabled": "false",
    "access_logs.s3.bucket": "",
    "access_logs.s3.prefix": "",
    "connection_logs.s3.enabled": "false",
    "connection_logs.s3.bucket": "",
    "connection_logs.s3.prefix": "",
    "health_check_logs.s3.enabled": "false",
    "health_check_logs.s3.bucket": "",
    "health_check_logs.s3.prefix": "",
    "ipv6.deny_all_igw_traffic": "false",
    "idle_timeout.timeout_seconds": "60",
    "client_keep_alive.seconds": "3600",
    "routing.http.desync_mitigation_mode": "defensive",
    "routing.http.drop_invalid_header_fields.enabled": "false",
    "routing.http.preserve_host_header.enabled": "false",
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "false",
    "routing.http.xff_client_port.enabled": "false",
    "routing.http.xff_header_processing.mode": "append",
    "routing.http2.enabled": "true",
    "waf.fail_open.enabled": "false",
    "zonal_shift.config.enabled": "false",
}
TARGET_GROUP = {
    "deregistration_delay.timeout_seconds": "300",
    "stickiness.enabled": "false",
    "stickiness.type": "lb_cookie",
    "stickiness.lb_cookie.duration_seconds": "86400",
    "stickiness.app_cookie.cookie_name": "",
    "stickiness.app_cookie.duration_seconds": "86400",
    "slow_start.duration_seconds": "0",
    "load_balancing.algorithm.type": "round_robin",
    "load_balancing.algorithm.anomaly_mitigation": "off",
    "load_balancing.cross_zone.enabled": "use_load_balancer_configuration",
    "target_group_health.dns_failover.minimum_healthy_targets.count": "1",
    "target_group_health.dns_failover.minimum_healthy_targets.percentage": "off",
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count": "1",
    "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage": "off",
}
LISTENER = {
    "routing.http.response.server.enabled": "true",
    **dict.fromkeys(alb._LISTENER_RESPONSE_HEADERS, ""),
    **{
        f"routing.http.request.x_amzn_{name}.header_name": f"X-Amzn-{name.replace('_', '-').title()}"
        for name in (
            "mtls_clientcert", "mtls_clientcert_serial_number", "mtls_clientcert_issuer", "mtls_clientcert_subject",
            "mtls_clientcert_validity", "mtls_clientcert_leaf", "tls_version", "tls_cipher_suite",
        )
    },
}  # fmt: skip
_RANGES = {
    "deregistration_delay.timeout_seconds": [(0, 3600)],
    "slow_start.duration_seconds": [(0, 0), (30, 900)],
    "idle_timeout.timeout_seconds": [(1, 4000)],
    "client_keep_alive.seconds": [(60, 604800)],
}
_CHOICES = {
    "load_balancing.algorithm.type": ("round_robin", "least_outstanding_requests", "weighted_random"),
    "load_balancing.algorithm.anomaly_mitigation": ("on", "off"),
    "load_balancing.cross_zone.enabled": ("true", "false", "use_load_balancer_configuration"),
    "routing.http.desync_mitigation_mode": ("monitor", "defensive", "strictest"),
    "routing.http.xff_header_processing.mode": ("append", "preserve", "remove"),
    "stickiness.type": ("lb_cookie", "app_cookie"),
}


def apply() -> None:
    """Replace the six actions that read and write attributes."""
    _install("LoadBalancer", "Load balancer", LOAD_BALANCER, alb._lbs, alb._lb_attrs)
    _install("TargetGroup", "Target group", TARGET_GROUP, alb._tgs, alb._tg_attrs)
    _install("Listener", "Listener", LISTENER, alb._listeners, alb._listener_attrs)


def current(defaults: dict[str, str], stored: list[dict[str, str]] | None) -> dict[str, str]:
    """The attributes of a resource: what was set, and the defaults of the others."""
    return defaults | {attribute["Key"]: attribute["Value"] for attribute in stored or []}


def _install(kind: str, words: str, defaults: dict[str, str], resources: Any, store: Any) -> None:
    def answer(action: str, arn: str) -> Response:
        values = current(defaults, store.get(arn))
        attributes = alb._attrs_xml([{"Key": key, "Value": alb._esc(value)} for key, value in values.items()])
        response: Response = alb._xml(200, action, f"<Attributes>{attributes}</Attributes>")
        return response

    def describe(params: Parameters) -> Response:
        arn = parameter(params, f"{kind}Arn")
        if arn not in resources:
            return refuse(f"{kind}NotFound", f"{words} '{arn}' not found.")
        return answer(f"Describe{kind}Attributes", arn)

    def modify(params: Parameters) -> Response:
        arn = parameter(params, f"{kind}Arn")
        if arn not in resources:
            return refuse(f"{kind}NotFound", f"{words} '{arn}' not found.")
        values = current(defaults, store.get(arn))
        for number in members(params, "Attributes"):
            key = parameter(params, f"Attributes.member.{number}.Key")
            values[key] = parameter(params, f"Attributes.member.{number}.Value")
            if key not in defaults:
                return refuse("ValidationError", f"{words} attribute key '{key}' is not recognized")
            if not _allowed(key, values[key]):
                return refuse("ValidationError", f"{words} attribute value '{values[key]}' of '{key}' is not valid")
        if values.get("slow_start.duration_seconds", "0") != "0" and (
            values["load_balancing.algorithm.type"] != "round_robin"
        ):
            return refuse("InvalidConfigurationRequest", "Slow start needs the algorithm 'round_robin'")
        store[arn] = [{"Key": key, "Value": value} for key, value in values.items()]
        return answer(f"Modify{kind}Attributes", arn)

    alb._ACTION_MAP[f"Describe{kind}Attributes"] = describe
    alb._ACTION_MAP[f"Modify{kind}Attributes"] = modify


def _allowed(key: str, value: str) -> bool:
    if key in _CHOICES:
        return value in _CHOICES[key]
    if key in _RANGES:
        return value.isdigit() and any(low <= int(value) <= high for low, high in _RANGES[key])
    return value in ("true", "false") if key.endswith(".enabled") else True
