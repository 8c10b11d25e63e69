# SPDX-License-Identifier: Apache-2.0
"""Listeners keep and tell how clients authenticate. No trust store is emulated: any ARN of one is taken.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_MutualAuthenticationAttributes.html
"""

from typing import Any

from ministack.services import alb

from .elbv2_common import Parameters, Response, parameter, refuse

_FIELDS = ("Mode", "TrustStoreArn", "IgnoreClientCertificateExpiry", "AdvertiseTrustStoreCaNames")


def apply() -> None:
    """Read MutualAuthentication from requests and write it into answers."""
    for action in ("CreateListener", "ModifyListener"):
        _wrap(action)
    render = alb._listener_xml

    def listener_xml(listener: dict[str, Any]) -> str:
        xml: str = render(listener)
        if listener["Protocol"] != "HTTPS":
            return xml
        told = listener.get("MutualAuthentication", {"Mode": "off"})
        fields = "".join(f"<{name}>{alb._esc(value)}</{name}>" for name, value in told.items())
        return xml.removesuffix("</member>") + f"<MutualAuthentication>{fields}</MutualAuthentication></member>"

    alb._listener_xml = listener_xml


def _wrap(action: str) -> None:
    inner = alb._ACTION_MAP[action]

    def handler(params: Parameters) -> Response:
        asked = {name: parameter(params, f"MutualAuthentication.{name}") for name in _FIELDS}
        asked = {name: value for name, value in asked.items() if value}
        before = set(alb._listeners)
        if asked and (problem := _problem(params, asked)):
            return refuse("ValidationError", problem)
        if asked and parameter(params, "ListenerArn") in before:
            alb._listeners[parameter(params, "ListenerArn")]["MutualAuthentication"] = asked
        response: Response = inner(params)
        for arn in set(alb._listeners) - before:
            alb._listeners[arn]["MutualAuthentication"] = asked or {"Mode": "off"}
        return response

    alb._ACTION_MAP[action] = handler


def _problem(params: Parameters, asked: dict[str, str]) -> str | None:
    existing = alb._listeners.get(parameter(params, "ListenerArn")) or {}
    if (parameter(params, "Protocol") or existing.get("Protocol")) != "HTTPS":
        return "Mutual authentication is supported on HTTPS listeners only"
    mode = asked.get("Mode")
    if mode not in ("off", "passthrough", "verify"):
        return f"Mutual authentication mode '{mode}' must be one of 'off, passthrough, verify'"
    if (mode == "verify") != (":truststore/" in asked.get("TrustStoreArn", "")):
        return "A trust store must be specified with the mutual authentication mode 'verify', and with no other"
    return None
