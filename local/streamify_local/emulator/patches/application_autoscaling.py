# SPDX-License-Identifier: Apache-2.0
"""Application Auto Scaling keeps scalable targets and scaling policies; it does not scale.

https://docs.aws.amazon.com/autoscaling/application/APIReference/API_Operations.html. ministack has no such service.
"""

import json
import time
from typing import Any

from ministack.core.responses import (
    AccountRegionScopedDict,
    error_response_json,
    get_account_id,
    get_region,
    json_response,
    new_uuid,
)

_targets = AccountRegionScopedDict()
_policies = AccountRegionScopedDict()
_tags = AccountRegionScopedDict()
Data = dict[str, Any]


def _key(data: Data) -> str:
    return "|".join((data["ServiceNamespace"], data["ResourceId"], data["ScalableDimension"]))


def _missing(what: str, data: Data) -> Any:
    place = f"service namespace: {data['ServiceNamespace']}, resource ID: {data['ResourceId']}"
    text = f"No {what} found for {place}, scalable dimension: {data['ScalableDimension']}"
    return error_response_json("ObjectNotFoundException", text, 400)


def register_scalable_target(data: Data) -> Any:
    key = _key(data)
    if key not in _targets:
        if "MinCapacity" not in data or "MaxCapacity" not in data:
            text = "MinCapacity and MaxCapacity are required to register a new scalable target."
            return error_response_json("ValidationException", text, 400)
        account, region = get_account_id(), get_region()
        arn = f"arn:aws:application-autoscaling:{region}:{account}:scalable-target/{new_uuid().replace('-', '')[:19]}"
        role = "ecs.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_ECSService"
        _targets[key] = {
            "ScalableTargetARN": arn,
            "CreationTime": time.time(),
            "RoleARN": f"arn:aws:iam::{account}:role/aws-service-role/{role}",
            "SuspendedState": {
                "DynamicScalingInSuspended": False,
                "DynamicScalingOutSuspended": False,
                "ScheduledScalingSuspended": False,
            },
        }
        _tags[arn] = {}
    target = _targets[key]
    target.update({name: value for name, value in data.items() if name not in ("Tags", "SuspendedState")})
    target["SuspendedState"].update(data.get("SuspendedState") or {})
    _tags[target["ScalableTargetARN"]].update(data.get("Tags") or {})
    return json_response({"ScalableTargetARN": target["ScalableTargetARN"]})


def deregister_scalable_target(data: Data) -> Any:
    target = _targets.pop(_key(data), None)
    if target is None:
        return _missing("scalable target", data)
    _tags.pop(target["ScalableTargetARN"], None)
    for name in [name for name, policy in _policies.items() if _key(policy) == _key(data)]:
        del _policies[name]
    return json_response({})


def describe_scalable_targets(data: Data) -> Any:
    return json_response({"ScalableTargets": _matching(_targets, data)})


def put_scaling_policy(data: Data) -> Any:
    if _key(data) not in _targets:
        return _missing("scalable target", data)
    name = f"{_key(data)}|{data['PolicyName']}"
    policy = _policies.setdefault(name, {"CreationTime": time.time(), "Alarms": []})
    path = f"resource/{data['ServiceNamespace']}/{data['ResourceId']}:policyName/{data['PolicyName']}"
    identity = f"{get_region()}:{get_account_id()}:scalingPolicy:{new_uuid()}:{path}"
    policy.setdefault("PolicyARN", f"arn:aws:autoscaling:{identity}")
    policy.update({"PolicyType": "StepScaling", **data})
    return json_response({"PolicyARN": policy["PolicyARN"], "Alarms": policy["Alarms"]})


def delete_scaling_policy(data: Data) -> Any:
    if _policies.pop(f"{_key(data)}|{data['PolicyName']}", None) is None:
        return _missing("scaling policy", data)
    return json_response({})


def describe_scaling_policies(data: Data) -> Any:
    names = data.get("PolicyNames")
    found = [policy for policy in _matching(_policies, data) if not names or policy["PolicyName"] in names]
    return json_response({"ScalingPolicies": found})


def _matching(store: Any, data: Data) -> list[Data]:
    ids = data.get("ResourceIds") or ([data["ResourceId"]] if data.get("ResourceId") else None)
    return [
        item
        for item in store.values()
        if item["ServiceNamespace"] == data["ServiceNamespace"]
        and (ids is None or item["ResourceId"] in ids)
        and item["ScalableDimension"] == data.get("ScalableDimension", item["ScalableDimension"])
    ]


def _tags_of(data: Data) -> Any:
    return _tags.get(data["ResourceARN"])


def list_tags_for_resource(data: Data) -> Any:
    return json_response({"Tags": _tags_of(data) or {}})


def tag_resource(data: Data) -> Any:
    if _tags_of(data) is None:
        return error_response_json("ResourceNotFoundException", f"{data['ResourceARN']} was not found.", 400)
    _tags_of(data).update(data["Tags"])
    return json_response({})


def untag_resource(data: Data) -> Any:
    for name in data["TagKeys"]:
        (_tags_of(data) or {}).pop(name, None)
    return json_response({})


_ACTIONS = {
    "RegisterScalableTarget": register_scalable_target,
    "DeregisterScalableTarget": deregister_scalable_target,
    "DescribeScalableTargets": describe_scalable_targets,
    "PutScalingPolicy": put_scaling_policy,
    "DeleteScalingPolicy": delete_scaling_policy,
    "DescribeScalingPolicies": describe_scaling_policies,
    "ListTagsForResource": list_tags_for_resource,
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
}


async def handle_request(_method: str, _path: str, headers: Data, body: bytes, _query: Data) -> Any:
    """Answer one request of the AWS JSON 1.1 protocol."""
    action = headers.get("x-amz-target", "").rpartition(".")[2]
    if action not in _ACTIONS:
        return error_response_json("UnknownOperationException", f"{action} is not emulated.", 400)
    return _ACTIONS[action](json.loads(body or b"{}"))


def apply() -> None:
    from ministack import app
    from ministack.core import router

    router.SERVICE_PATTERNS["application-autoscaling"] = {
        "target_prefixes": ["AnyScaleFrontendService"],
        "credential_scope": "application-autoscaling",
    }
    app.SERVICE_HANDLERS["application-autoscaling"] = handle_request
