# SPDX-License-Identifier: Apache-2.0
"""With AUTH=true, a request is judged on the resources, and with the further actions, that AWS judges it on.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html.
ministack knows one resource a request, often a wrong one or none (`*`): a service by its cluster, an alarm, a new
balancer and a new subnet not at all. It also leaves out what a request needs beside its own action: the right to tag
what it makes, iam:PassRole for a role it hands over, elasticloadbalancing:SetWebACL for a balancer that WAF guards.
"""

import os
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from .iam_requests import EC2_TYPES, Request, checks_of, ec2_arn

_request: ContextVar[Request | None] = ContextVar("iam_request", default=None)


def _ec2_tags() -> Iterator[tuple[str, list[dict[str, str]]]]:
    from ministack.core.responses import get_account_id, get_region
    from ministack.services import ec2

    for identity, tags in ec2._tags.items():
        if identity.rpartition("-")[0] in EC2_TYPES:
            yield ec2_arn(f"{get_region()}:{get_account_id()}", identity), tags


def apply() -> None:
    """Wrap what the emulator calls for each request when it evaluates policies; nothing is done otherwise."""
    if os.environ.get("AUTH", "").lower() != "true":
        return
    from ministack.core import iam_actions, iam_evaluator
    from ministack.services import tagging

    tagging._RESOURCE_TAG_COLLECTORS["ec2"] = _ec2_tags
    iam_actions.SERVICE_TO_IAM_NAMESPACE["application-autoscaling"] = "application-autoscaling"
    iam_actions.SERVICE_TO_IAM_NAMESPACE["servicequotas"] = "servicequotas"
    extract_iam_action, enforce = iam_actions.extract_iam_action, iam_evaluator.enforce

    def action_of(service: str, method: str, path: str, headers: Any, body: bytes, params: Any) -> str | None:
        action: str | None = extract_iam_action(service, method, path, headers, body, params)
        _request.set(Request.read(service, path, body, params) if action else None)
        return action

    def enforce_all(key: str, action: str, service: str, region: str, resource_arn: str = "*", **context: Any) -> Any:
        request, given = _request.get(), context.get("service_context") or {}
        for needed, arn, more in checks_of(action, resource_arn, region, request):
            refused = enforce(key, needed, service, region, resource_arn=arn, service_context={**given, **more})
            if refused:
                return refused
        return None

    iam_actions.extract_iam_action = action_of
    iam_evaluator.enforce = enforce_all
