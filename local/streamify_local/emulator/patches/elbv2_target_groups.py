# SPDX-License-Identifier: Apache-2.0
"""Target groups keep ProtocolVersion and the gRPC matcher, refuse impossible health checks, and cannot go while used.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html
https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeleteTargetGroup.html (ResourceInUse)
"""

import re
from typing import Any

from ministack.services import alb

from .elbv2_common import Handler, Parameters, Response, check_before, load_balancers_using, parameter, refuse

VERSIONS = ("HTTP1", "HTTP2", "GRPC")
DEFAULT_GRPC_CODE = "12"
DEFAULT_GRPC_PATH = "/AWS.ALB/healthcheck"
_RANGES = {
    "HealthCheckIntervalSeconds": (5, 300),
    "HealthCheckTimeoutSeconds": (2, 120),
    "HealthyThresholdCount": (2, 10),
    "UnhealthyThresholdCount": (2, 10),
}
_CODES = re.compile(r"\d+(-\d+)?(,\d+(-\d+)?)*")


def apply() -> None:
    """Replace the target group's XML and wrap its actions."""
    render = alb._tg_xml

    def tg_xml(group: dict[str, Any]) -> str:
        xml: str = render({**group, "LoadBalancerArns": load_balancers_using(group["TargetGroupArn"])})
        version = group.get("ProtocolVersion", "HTTP1")
        if version == "GRPC":
            matcher = f"<Matcher><GrpcCode>{group['Matcher']['GrpcCode']}</GrpcCode></Matcher>"
            xml = re.sub("<Matcher>.*</Matcher>", matcher, xml)
        extra = f"<ProtocolVersion>{version}</ProtocolVersion><IpAddressType>ipv4</IpAddressType>"
        return xml.removesuffix("</member>") + extra + "</member>"

    alb._tg_xml = tg_xml
    create: Handler = alb._ACTION_MAP["CreateTargetGroup"]

    def create_target_group(params: Parameters) -> Response:
        response = create(params)
        if response[0] != 200:
            return response
        group = next(g for g in alb._tgs.values() if g["TargetGroupName"] == parameter(params, "Name"))
        group["ProtocolVersion"] = parameter(params, "ProtocolVersion") or "HTTP1"
        if group["ProtocolVersion"] == "GRPC":
            group["Matcher"] = {"GrpcCode": parameter(params, "Matcher.GrpcCode") or DEFAULT_GRPC_CODE}
            group["HealthCheckPath"] = parameter(params, "HealthCheckPath") or DEFAULT_GRPC_PATH
        answer: Response = alb._xml(200, "CreateTargetGroup", f"<TargetGroups>{tg_xml(group)}</TargetGroups>")
        return answer

    alb._ACTION_MAP["CreateTargetGroup"] = create_target_group
    modify: Handler = alb._ACTION_MAP["ModifyTargetGroup"]

    def modify_target_group(params: Parameters) -> Response:
        group = alb._tgs.get(parameter(params, "TargetGroupArn"))
        if group and (code := parameter(params, "Matcher.GrpcCode")):
            group["Matcher"] = {"GrpcCode": code}
        return modify(params)

    alb._ACTION_MAP["ModifyTargetGroup"] = modify_target_group
    check_before("CreateTargetGroup", lambda params: _problem(params, {}))
    check_before(
        "ModifyTargetGroup", lambda params: _problem(params, alb._tgs.get(parameter(params, "TargetGroupArn")) or {})
    )
    check_before("DeleteTargetGroup", _in_use)


def _in_use(params: Parameters) -> Response | None:
    arn = parameter(params, "TargetGroupArn")
    if load_balancers_using(arn):
        return refuse("ResourceInUse", f"Target group '{arn}' is currently in use by a listener or a rule")
    return None


def _problem(params: Parameters, existing: dict[str, Any]) -> Response | None:
    version = parameter(params, "ProtocolVersion") or existing.get("ProtocolVersion", "HTTP1")
    if version not in VERSIONS:
        return refuse("ValidationError", f"'{version}' must be one of {', '.join(VERSIONS)}")
    settled: dict[str, int] = {"HealthCheckIntervalSeconds": 30, "HealthCheckTimeoutSeconds": 5}
    for name, (low, high) in _RANGES.items():
        value = parameter(params, name) or existing.get(name) or settled.get(name)
        if value is None:
            continue
        settled[name] = int(value)
        if not low <= settled[name] <= high:
            return refuse("ValidationError", f"'{name}' must be between {low} and {high}, not {value}")
    if settled["HealthCheckTimeoutSeconds"] >= settled["HealthCheckIntervalSeconds"]:
        return refuse("ValidationError", "Health check interval must be greater than the timeout.")
    path = parameter(params, "HealthCheckPath")
    if path and not path.startswith("/"):
        return refuse("ValidationError", f"Health check path '{path}' must begin with '/'")
    wanted, other = ("GrpcCode", "HttpCode") if version == "GRPC" else ("HttpCode", "GrpcCode")
    if parameter(params, f"Matcher.{other}"):
        return refuse("ValidationError", f"A matcher's {other} does not fit protocol version '{version}'")
    codes = parameter(params, f"Matcher.{wanted}")
    if codes and not _CODES.fullmatch(codes):
        return refuse("ValidationError", f"Health check matcher '{codes}' must be codes or ranges of codes")
    return None
