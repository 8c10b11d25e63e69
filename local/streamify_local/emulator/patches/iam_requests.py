# SPDX-License-Identifier: Apache-2.0
"""What a request is judged on: from its action and parameters, (action, resource ARN, further context) by the service.

Only the services that the emulator knows too little of; the others' resource is the one that it found itself.
"""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ministack.core.responses import get_account_id
from ministack.services import ec2, ecs

Context = dict[str, Any]
Check = tuple[str, str, Context]
# Each id of EC2 tells the type of what it names.
EC2_TYPES = {
    "vpc": "vpc",
    "subnet": "subnet",
    "igw": "internet-gateway",
    "rtb": "route-table",
    "sg": "security-group",
    "nat": "natgateway",
    "eipalloc": "elastic-ip",
    "vpce": "vpc-endpoint",
    "fl": "vpc-flow-log",
}
_EC2_NEW = {
    "CreateVpc": "vpc",
    "CreateSubnet": "subnet",
    "CreateInternetGateway": "internet-gateway",
    "CreateRouteTable": "route-table",
    "CreateSecurityGroup": "security-group",
    "CreateNatGateway": "natgateway",
    "AllocateAddress": "elastic-ip",
    "CreateVpcEndpoint": "vpc-endpoint",
    "CreateFlowLogs": "vpc-flow-log",
}
# Where making something with tags needs the right to tag it as well.
_TAGGING = {
    "acm": "AddTagsToCertificate",
    "application-autoscaling": "TagResource",
    "cloudfront": "TagResource",
    "cloudwatch": "TagResource",
    "dynamodb": "TagResource",
    "ec2": "CreateTags",
    "ecr": "TagResource",
    "ecs": "TagResource",
    "elasticloadbalancing": "AddTags",
    "iam": "TagRole",
    "logs": "TagResource",
    "secretsmanager": "TagResource",
    "sns": "TagResource",
    "wafv2": "TagResource",
}
# Calls whose name is not the action's.
_ACTIONS = {"cloudfront:CreateDistributionWithTags": "cloudfront:CreateDistribution"}
_NOT_TAGGED = "/managedruleset/"
_MAKES = re.compile(r"Create|Allocate|Register|Put|Import")
# Where a request names roles that it hands over, and to whom; `Target` is a schedule's.
_TASK_ROLES = ("taskRoleArn", "executionRoleArn")
_PASSED = {
    "ecs:RegisterTaskDefinition": (_TASK_ROLES, "ecs-tasks.amazonaws.com"),
    "ec2:CreateFlowLogs": (("DeliverLogsPermissionArn",), "vpc-flow-logs.amazonaws.com"),
    "scheduler:CreateSchedule": (("Target",), "scheduler.amazonaws.com"),
    "scheduler:UpdateSchedule": (("Target",), "scheduler.amazonaws.com"),
}


@dataclass(frozen=True)
class Request:
    """A request's path and its parameters, however they were written: names as in the API."""

    path: str
    data: dict[str, Any]

    @classmethod
    def read(cls, service: str, path: str, body: bytes, params: Any) -> "Request":
        flat = {key: value[0] if isinstance(value, list) and value else value for key, value in (params or {}).items()}
        read: Any = None
        if service != "s3" and body:
            with suppress(ValueError):
                read = json.loads(body)
        return cls(path, flat | (read if isinstance(read, dict) else {}))

    def all(self, name: str) -> list[str]:
        """A parameter's values: a list in JSON, `name.1`, `name.member.1` and so on in a query."""
        value = self.data.get(name)
        if isinstance(value, list):
            return [each for each in value if isinstance(each, str)]
        if value:
            return [str(value)]
        numbered = re.compile(rf"{name}(\.member)?\.\d+")
        return [str(value) for key, value in self.data.items() if numbered.fullmatch(key)]

    def tags(self) -> dict[str, str]:
        """The tags that the request gives, by their keys."""
        found: dict[str, str] = {}
        for listed in (self.data.get("Tags"), self.data.get("tags")):
            if isinstance(listed, dict):
                found |= listed
            for tag in listed if isinstance(listed, list) else []:
                found[tag.get("Key") or tag.get("key")] = tag.get("Value") or tag.get("value") or ""
        for name, value in self.data.items():
            if re.search(r"Tags?(\.member)?\.\d+\.Key$", name):
                found[value] = str(self.data.get(name.removesuffix("Key") + "Value", ""))
        return found

    def ids(self) -> list[str]:
        """Ids of EC2 among the parameters, however deep their names."""
        found = re.compile(rf"({'|'.join(EC2_TYPES)})-[0-9a-f]+")
        return [value for value in self.data.values() if isinstance(value, str) and found.fullmatch(value)]


def checks_of(action: str, found: str, region: str, request: Request | None) -> Iterator[Check]:
    """Yield every evaluation that AWS makes for a request, the request's own action first."""
    service, _, name = action.partition(":")
    if request is None:
        yield action, found, {}
        return
    arns = _arns(service, name, found, region, request)
    tags = request.tags() if service in _TAGGING else {}
    given: Context = {f"aws:requesttag/{key}".lower(): value for key, value in tags.items()}
    if tags:
        given["aws:TagKeys"] = list(tags)
    if action == "ecs:RunTask":
        given["ecs:cluster"] = f"arn:aws:ecs:{region}:{get_account_id()}:cluster/{_cluster(request)}"
    for arn in arns:
        # The request's tags are those of what EC2 makes, not of what it makes it in (a subnet's VPC).
        made_in = service == "ec2" and name in _EC2_NEW and not arn.endswith("/*")
        yield _ACTIONS.get(action, action), arn, {} if made_in else given
    if (tags or action in _ACTIONS) and service in _TAGGING and _MAKES.match(name):
        if service == "cloudfront":
            arns = [f"arn:aws:cloudfront::{get_account_id()}:distribution/*"]
        for arn in arns:
            if (service != "ec2" or arn.endswith("/*")) and _NOT_TAGGED not in arn:
                yield f"{service}:{_TAGGING[service]}", arn, given | {f"{service}:createaction": name}
    if action == "ecs:RunTask" and (request.data.get("propagateTags") or tags):
        tasks = f"arn:aws:ecs:{region}:{get_account_id()}:task/{_cluster(request)}/*"
        yield "ecs:TagResource", tasks, {"ecs:createaction": name}
    for role, passed_to in _passed(action, request):
        yield "iam:PassRole", role, {"iam:passedtoservice": passed_to}
    if action in ("wafv2:AssociateWebACL", "wafv2:DisassociateWebACL"):
        for balancer in request.all("ResourceArn"):
            yield "elasticloadbalancing:SetWebAcl", balancer, {}


def _passed(action: str, request: Request) -> Iterator[tuple[str, str]]:
    """The roles that a request hands over, each with the service that gets it."""
    fields, passed_to = _PASSED.get(action, ((), ""))
    for field in fields:
        if field == "Target":
            yield str((request.data.get("Target") or {}).get("RoleArn")), passed_to
        else:
            yield from ((role, passed_to) for role in request.all(field))
    if action == "ecs:RunTask":  # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/CWE_IAM_role.html
        definition = ecs._task_defs.get(ecs._resolve_td_key(str(request.data.get("taskDefinition")))) or {}
        yield from ((definition[field], "ecs-tasks.amazonaws.com") for field in _TASK_ROLES if definition.get(field))


def _arns(service: str, name: str, found: str, region: str, request: Request) -> list[str]:
    """The ARNs of what a request is about; `*` where AWS knows none."""
    start = f"{region}:{get_account_id()}"
    if service in (
        "dynamodb",
        "ecs",
        "ecr",
        "sns",
        "wafv2",
        "acm",
        "cloudwatch",
        "cloudfront",
        "elasticloadbalancing",
        "route53",
    ):
        tagged = [
            *(arn for key in ("resourceArn", "ResourceArn", "ResourceARN", "Resource") for arn in request.all(key)),
            *request.all("ResourceArns"),
        ]
        if tagged and name not in ("AssociateWebACL", "DisassociateWebACL", "DescribeTags"):
            return tagged
    known = {
        "ec2": _ec2,
        "ecs": _ecs,
        "elasticloadbalancing": _elasticloadbalancing,
        "wafv2": _wafv2,
        "cloudfront": _cloudfront,
        "cloudwatch": _cloudwatch,
        "application-autoscaling": _scaling,
    }
    if service in known:
        return list(dict.fromkeys(known[service](name, start, request))) or ["*"]
    if service == "ecr" and request.all("repositoryNames"):
        return [f"arn:aws:ecr:{start}:repository/{each}" for each in request.all("repositoryNames")]
    if service == "dynamodb" and name == "RestoreTableToPointInTime":
        tables = [*request.all("SourceTableName"), *request.all("TargetTableName")]
        return [f"arn:aws:dynamodb:{start}:table/{each}" for each in tables]
    if service == "acm" and name == "ImportCertificate" and found == "*":
        return [f"arn:aws:acm:{start}:certificate/*"]
    if service == "route53" and (part := re.search(r"/(?:tags/)?(hostedzone|change)/([^/]+)", request.path)):
        return [f"arn:aws:route53:::{part[1]}/{part[2]}"]
    if service == "servicequotas":
        return [f"arn:aws:servicequotas:{start}:{request.data.get('ServiceCode')}/{request.data.get('QuotaCode')}"]
    if service == "logs" and name == "DescribeLogGroups":
        return ["*"]
    return [found]


def ec2_arn(start: str, identity: str) -> str:
    """The ARN of what an id of EC2 names."""
    return f"arn:aws:ec2:{start}:{EC2_TYPES[identity.rpartition('-')[0]]}/{identity}"


def _associated(start: str, associations: list[str]) -> Iterator[str]:
    """The route tables and subnets that associations join."""
    for table in ec2._route_tables.values():
        for each in table.get("Associations", []):
            if each.get("RouteTableAssociationId") in associations:
                yield ec2_arn(start, table["RouteTableId"])
                if each.get("SubnetId"):
                    yield ec2_arn(start, each["SubnetId"])


def _ec2(name: str, start: str, request: Request) -> Iterator[str]:
    if name.startswith("Describe"):
        return
    if name == "DisassociateRouteTable":
        yield from _associated(start, request.all("AssociationId"))
    if name in _EC2_NEW:
        yield f"arn:aws:ec2:{start}:{_EC2_NEW[name]}/*"
    # Where a route leads is not judged, nor are the groups that a rule names.
    only = {"Route": "rtb-", "SecurityGroup": "sg-"}
    prefix = next((ids for word, ids in only.items() if name.endswith(word) and "Create" not in name), "")
    if name.endswith("Route"):
        prefix = "rtb-"
    ids = request.all("GroupId") if "SecurityGroup" in name and "Create" not in name else request.ids()
    for identity in ids:
        if identity.startswith(prefix):
            yield ec2_arn(start, identity)


def _cluster(request: Request) -> str:
    return str(request.data.get("cluster") or request.data.get("clusterName") or "default").rpartition("/")[2]


def _ecs(name: str, start: str, request: Request) -> Iterator[str]:
    cluster = _cluster(request)
    of = f"arn:aws:ecs:{start}"
    services = [*request.all("service"), *request.all("services"), *request.all("serviceName")]
    if name in ("DescribeTaskDefinition", "DeregisterTaskDefinition", "ListTaskDefinitions", "ListTasks"):
        return
    if name == "RegisterTaskDefinition":
        yield f"{of}:task-definition/{request.data.get('family')}:*"
    elif name == "RunTask":
        yield f"{of}:task-definition/{str(request.data.get('taskDefinition')).rpartition('/')[2]}"
    elif name in ("DescribeTasks", "StopTask"):
        for task in [*request.all("tasks"), *request.all("task")]:
            yield f"{of}:task/{cluster}/{task.rpartition('/')[2]}"
    elif name == "DescribeServiceDeployments":
        yield from request.all("serviceDeploymentArns")
    elif services:
        for service in services:
            yield f"{of}:service/{cluster}/{service.rpartition('/')[2]}"
    else:
        for each in request.all("clusters") or [cluster]:
            yield f"{of}:cluster/{each.rpartition('/')[2]}"


def _elasticloadbalancing(name: str, start: str, request: Request) -> Iterator[str]:
    of = f"arn:aws:elasticloadbalancing:{start}"
    if name.startswith("Describe"):
        return
    if name == "CreateLoadBalancer":
        yield f"{of}:loadbalancer/app/{request.data.get('Name')}/*"
    elif name == "CreateTargetGroup":
        yield f"{of}:targetgroup/{request.data.get('Name')}/*"
    else:
        for key in ("RuleArn", "ListenerArn", "LoadBalancerArn", "TargetGroupArn"):
            if request.all(key):
                yield request.all(key)[0]
                return


def _wafv2(name: str, start: str, request: Request) -> Iterator[str]:
    scope = "global" if request.data.get("Scope") == "CLOUDFRONT" else "regional"
    of = f"arn:aws:wafv2:{start}:{scope}"
    yield from request.all("WebACLArn")
    if request.data.get("Name"):
        yield f"{of}/webacl/{request.data['Name']}/{request.data.get('Id', '*')}"
    if name in ("CreateWebACL", "UpdateWebACL") and "ManagedRuleGroupStatement" in json.dumps(request.data):
        yield f"{of}/managedruleset/*/*"
    if name in ("DisassociateWebACL", "GetWebACLForResource"):
        yield from request.all("ResourceArn")


def _cloudfront(_name: str, start: str, request: Request) -> Iterator[str]:
    kinds = "distribution|origin-access-control|cache-policy|response-headers-policy"
    named = re.search(rf"/\d{{4}}-\d\d-\d\d/({kinds})/([^/]+)", request.path)
    if named:
        yield f"arn:aws:cloudfront::{start.rpartition(':')[2]}:{named[1]}/{named[2]}"


def _cloudwatch(_name: str, start: str, request: Request) -> Iterator[str]:
    for alarm in [*request.all("AlarmName"), *request.all("AlarmNames")]:
        yield f"arn:aws:cloudwatch:{start}:alarm:{alarm}"
    for dashboard in [*request.all("DashboardName"), *request.all("DashboardNames")]:
        yield f"arn:aws:cloudwatch::{start.rpartition(':')[2]}:dashboard/{dashboard}"


def _scaling(name: str, start: str, request: Request) -> Iterator[str]:
    if not name.startswith("Describe"):
        yield (
            request.all("ResourceARN")[0]
            if request.all("ResourceARN")
            else (f"arn:aws:application-autoscaling:{start}:scalable-target/*")
        )
