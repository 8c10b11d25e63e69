# SPDX-License-Identifier: Apache-2.0
"""Forward actions keep ForwardConfig: several weighted target groups, and group stickiness.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ForwardActionConfig.html
AWS reports a single target group in both forms, TargetGroupArn and ForwardConfig.
"""

from typing import Any

from ministack.services import alb

from .elbv2_common import Parameters, members, parameter


def apply() -> None:
    """Read ForwardConfig from requests and write it into answers."""
    parse, render = alb._parse_actions, alb._action_xml

    def parse_actions(params: Parameters, prefix: str = "DefaultActions") -> list[dict[str, Any]]:
        actions: list[dict[str, Any]] = parse(params, prefix)
        for number, action in enumerate(actions, 1):
            if action["Type"] == "forward":
                _add_forward_config(action, params, f"{prefix}.member.{number}.ForwardConfig")
        return actions

    def action_xml(action: dict[str, Any]) -> str:
        xml: str = render(action)
        if "ForwardConfig" not in action:
            return xml
        config = action["ForwardConfig"]
        groups = "".join(
            f"<member><TargetGroupArn>{group['TargetGroupArn']}</TargetGroupArn><Weight>{group['Weight']}</Weight></member>"
            for group in config["TargetGroups"]
        )
        sticky = "".join(f"<{key}>{value}</{key}>" for key, value in config["TargetGroupStickinessConfig"].items())
        forward = (
            f"<ForwardConfig><TargetGroups>{groups}</TargetGroups>"
            f"<TargetGroupStickinessConfig>{sticky}</TargetGroupStickinessConfig></ForwardConfig>"
        )
        return xml.removesuffix("</member>") + forward + "</member>"

    alb._parse_actions, alb._action_xml = parse_actions, action_xml


def _add_forward_config(action: dict[str, Any], params: Parameters, prefix: str) -> None:
    groups = [
        {
            "TargetGroupArn": parameter(params, f"{prefix}.TargetGroups.member.{number}.TargetGroupArn"),
            "Weight": int(parameter(params, f"{prefix}.TargetGroups.member.{number}.Weight") or 1),
        }
        for number in members(params, f"{prefix}.TargetGroups")
    ]
    if not groups and "TargetGroupArn" in action:
        groups = [{"TargetGroupArn": action["TargetGroupArn"], "Weight": 1}]
    sticky = {"Enabled": parameter(params, f"{prefix}.TargetGroupStickinessConfig.Enabled").lower() or "false"}
    if seconds := parameter(params, f"{prefix}.TargetGroupStickinessConfig.DurationSeconds"):
        sticky["DurationSeconds"] = seconds
    action["ForwardConfig"] = {"TargetGroups": groups, "TargetGroupStickinessConfig": sticky}
    if len(groups) == 1:
        action["TargetGroupArn"] = groups[0]["TargetGroupArn"]
