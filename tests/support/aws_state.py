# SPDX-License-Identifier: Apache-2.0
"""All that AWS reports of what the roles make, as one dictionary that two moments can be compared by.

Left out is what passes by itself: times, counts of running tasks, versions that only tell that something was written.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import ClientError

Aws = Callable[[str], Any]
State = dict[str, Any]

_PASSING = {
    "ResponseMetadata", "CreateDate", "CreatedAt", "CreatedTime", "CreationTime", "CreationDateTime", "createdAt",
    "registeredAt", "LastModifiedTime", "LastModified", "LastUpdateToPayPerRequestDateTime", "creationTime",
    "storedBytes", "ItemCount", "TableSizeBytes", "IndexSizeBytes", "EarliestRestorableDateTime",
    "LatestRestorableDateTime", "RoleLastUsed", "runningTasksCount", "pendingTasksCount", "RequestId", "imagePushedAt",
    "lastRecordedPullTime", "CallerReference", "AvailableIpAddressCount", "LastIncreaseDateTime",
    "AlarmConfigurationUpdatedTimestamp", "StateReason", "StateReasonData", "StateValue", "StateTransitionedTimestamp",
    "StateUpdatedTimestamp", "InUseBy", "SubmittedAt", "LockToken", "taskDefinition", "lastEvaluatedAt", "CreationDate",
    "LastModificationDate",
}  # fmt: skip
_SERVICE = (
    "serviceName", "status", "desiredCount", "launchType", "capacityProviderStrategy", "platformVersion",
    "networkConfiguration", "loadBalancers", "deploymentConfiguration", "healthCheckGracePeriodSeconds",
    "availabilityZoneRebalancing", "enableExecuteCommand", "enableECSManagedTags", "propagateTags", "taskDefinition",
)  # fmt: skip


def plain(value: Any) -> Any:
    """Return an answer without what passes, its lists sorted: AWS promises no order."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in sorted(value.items()) if key not in _PASSING}
    if isinstance(value, list):
        return sorted((plain(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True, default=str))
    return value


def snapshot(aws: Aws) -> State:
    """Return what AWS reports now, by a name that a person understands.

    :param aws: makes the boto3 client of a service.
    """
    made = {}
    for part in (
        _network,
        _buckets,
        _tables,
        _secrets,
        _images,
        _certificates,
        _balancers,
        _cdn,
        _ecs,
        _schedules,
        _roles,
        _alarms,
        _names,
        _scaling,
        _waf,
    ):
        for name, value in part(aws):
            made[name] = json.loads(json.dumps(plain(value), sort_keys=True, default=str))
    return made


def differences(before: State, after: State) -> list[str]:
    """Return the names of what differs, each with what it was and what it is."""
    return [
        f"{name}: {_said(before.get(name))} -> {_said(after.get(name))}"
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]


def _said(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _asked(call: Callable[..., Any], **arguments: Any) -> Any:
    """Return an answer; the refusal's code where AWS says that there is none."""
    try:
        return call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]


def _network(aws: Aws) -> Iterator[tuple[str, Any]]:
    ec2 = aws("ec2")
    for vpc in ec2.describe_vpcs()["Vpcs"]:
        yield f"VPC {vpc['VpcId']}", vpc
        for attribute in ("enableDnsSupport", "enableDnsHostnames"):
            yield f"VPC {vpc['VpcId']} {attribute}", ec2.describe_vpc_attribute(VpcId=vpc["VpcId"], Attribute=attribute)
    kinds = {
        "subnet": (ec2.describe_subnets, "Subnets", "SubnetId"),
        "internet gateway": (ec2.describe_internet_gateways, "InternetGateways", "InternetGatewayId"),
        "NAT gateway": (ec2.describe_nat_gateways, "NatGateways", "NatGatewayId"),
        "route table": (ec2.describe_route_tables, "RouteTables", "RouteTableId"),
        "VPC endpoint": (ec2.describe_vpc_endpoints, "VpcEndpoints", "VpcEndpointId"),
        "security group": (ec2.describe_security_groups, "SecurityGroups", "GroupId"),
        "flow log": (ec2.describe_flow_logs, "FlowLogs", "FlowLogId"),
    }
    for kind, (describe, key, identifier) in kinds.items():
        for found in describe()[key]:
            yield f"{kind} {found[identifier]}", found


def _buckets(aws: Aws) -> Iterator[tuple[str, Any]]:
    s3 = aws("s3")
    parts = {
        "versioning": s3.get_bucket_versioning,
        "encryption": s3.get_bucket_encryption,
        "public access": s3.get_public_access_block,
        "ownership": s3.get_bucket_ownership_controls,
        "lifecycle": s3.get_bucket_lifecycle_configuration,
        "CORS": s3.get_bucket_cors,
        "tags": s3.get_bucket_tagging,
    }
    for name in (bucket["Name"] for bucket in s3.list_buckets()["Buckets"]):
        for part, call in parts.items():
            yield f"bucket {name} {part}", _asked(call, Bucket=name)
        policy = _asked(s3.get_bucket_policy, Bucket=name)
        yield f"bucket {name} policy", policy if isinstance(policy, str) else json.loads(policy["Policy"])


def _tables(aws: Aws) -> Iterator[tuple[str, Any]]:
    dynamodb = aws("dynamodb")
    for name in dynamodb.list_tables()["TableNames"]:
        table = dynamodb.describe_table(TableName=name)["Table"]
        yield f"table {name}", table
        yield f"table {name} expiry", dynamodb.describe_time_to_live(TableName=name)
        yield f"table {name} backups", dynamodb.describe_continuous_backups(TableName=name)
        yield f"table {name} tags", dynamodb.list_tags_of_resource(ResourceArn=table["TableArn"])


def _secrets(aws: Aws) -> Iterator[tuple[str, Any]]:
    client = aws("secretsmanager")
    for secret in client.list_secrets()["SecretList"]:
        text = client.get_secret_value(SecretId=secret["ARN"]).get("SecretString", "")
        told = {key: secret.get(key) for key in ("ARN", "Description", "Tags", "KmsKeyId")}
        yield f"secret {secret['Name']}", told | {"sha256": hashlib.sha256(text.encode()).hexdigest()}


def _images(aws: Aws) -> Iterator[tuple[str, Any]]:
    ecr = aws("ecr")
    for repository in ecr.describe_repositories()["repositories"]:
        name = repository["repositoryName"]
        yield f"repository {name}", repository
        yield f"repository {name} lifecycle", _asked(ecr.get_lifecycle_policy, repositoryName=name)
        yield f"repository {name} images", ecr.describe_images(repositoryName=name)["imageDetails"]
        yield f"repository {name} tags", ecr.list_tags_for_resource(resourceArn=repository["repositoryArn"])


def _certificates(aws: Aws) -> Iterator[tuple[str, Any]]:
    acm = aws("acm")
    for arn in (each["CertificateArn"] for each in acm.list_certificates()["CertificateSummaryList"]):
        yield f"certificate {arn}", acm.describe_certificate(CertificateArn=arn)
        yield f"certificate {arn} tags", acm.list_tags_for_certificate(CertificateArn=arn)


def _balancers(aws: Aws) -> Iterator[tuple[str, Any]]:
    elb = aws("elbv2")
    for balancer in elb.describe_load_balancers()["LoadBalancers"]:
        arn, name = balancer["LoadBalancerArn"], balancer["LoadBalancerName"]
        yield f"balancer {name}", balancer
        yield f"balancer {name} attributes", elb.describe_load_balancer_attributes(LoadBalancerArn=arn)
        yield f"balancer {name} tags", elb.describe_tags(ResourceArns=[arn])
        for listener in elb.describe_listeners(LoadBalancerArn=arn)["Listeners"]:
            place, listener_arn = f"balancer {name} listener {listener['Port']}", listener["ListenerArn"]
            yield place, listener
            yield f"{place} attributes", elb.describe_listener_attributes(ListenerArn=listener_arn)
            yield f"{place} rules", elb.describe_rules(ListenerArn=listener_arn)["Rules"]
            yield f"{place} tags", elb.describe_tags(ResourceArns=[listener_arn])
    for group in elb.describe_target_groups()["TargetGroups"]:
        arn, name = group["TargetGroupArn"], group["TargetGroupName"]
        yield f"target group {name}", group
        yield f"target group {name} attributes", elb.describe_target_group_attributes(TargetGroupArn=arn)
        yield f"target group {name} tags", elb.describe_tags(ResourceArns=[arn])


def _cdn(aws: Aws) -> Iterator[tuple[str, Any]]:
    client = aws("cloudfront")

    def items(answer: dict[str, Any]) -> Any:
        return next(value for key, value in answer.items() if key.endswith("List")).get("Items", [])

    for found in items(client.list_distributions()):
        told = client.get_distribution_config(Id=found["Id"])["DistributionConfig"]
        yield f"distribution {found['Id']}", told
        yield f"distribution {found['Id']} tags", client.list_tags_for_resource(Resource=found["ARN"])
    for found in items(client.list_origin_access_controls()):
        yield (
            f"origin access control {found['Id']}",
            client.get_origin_access_control_config(Id=found["Id"])["OriginAccessControlConfig"],
        )
    for found in items(client.list_public_keys()):
        yield f"public key {found['Id']}", client.get_public_key_config(Id=found["Id"])["PublicKeyConfig"]
    for found in items(client.list_key_groups()):
        yield f"key group {found['KeyGroup']['Id']}", found["KeyGroup"]["KeyGroupConfig"]
    for found in items(client.list_cache_policies(Type="custom")):
        yield f"cache policy {found['CachePolicy']['Id']}", found["CachePolicy"]["CachePolicyConfig"]
    for found in items(client.list_response_headers_policies(Type="custom")):
        policy = found["ResponseHeadersPolicy"]
        yield f"response headers policy {policy['Id']}", policy["ResponseHeadersPolicyConfig"]


def _ecs(aws: Aws) -> Iterator[tuple[str, Any]]:
    ecs = aws("ecs")
    for arn in ecs.list_clusters()["clusterArns"]:
        cluster = ecs.describe_clusters(clusters=[arn], include=["SETTINGS", "TAGS"])["clusters"][0]
        yield (
            f"cluster {cluster['clusterName']}",
            {key: cluster.get(key) for key in ("status", "settings", "capacityProviders", "tags")},
        )
        services = ecs.list_services(cluster=arn)["serviceArns"]
        for service in ecs.describe_services(cluster=arn, services=services)["services"] if services else []:
            told = {key: service.get(key) for key in _SERVICE}
            yield f"service {service['serviceName']}", told | {"runs": told.pop("taskDefinition")}
            yield (
                f"service {service['serviceName']} tags",
                ecs.list_tags_for_resource(resourceArn=service["serviceArn"])["tags"],
            )
    for arn in ecs.list_task_definitions()["taskDefinitionArns"]:
        yield f"task definition {arn}", ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
        yield f"task definition {arn} tags", ecs.list_tags_for_resource(resourceArn=arn)["tags"]
    logs = aws("logs")
    for group in logs.describe_log_groups()["logGroups"]:
        yield f"log group {group['logGroupName']}", group
        arn = group["arn"].removesuffix(":*")
        yield f"log group {group['logGroupName']} tags", logs.list_tags_for_resource(resourceArn=arn)["tags"]


def _schedules(aws: Aws) -> Iterator[tuple[str, Any]]:
    scheduler = aws("scheduler")
    for found in scheduler.list_schedules()["Schedules"]:
        schedule = scheduler.get_schedule(Name=found["Name"], GroupName=found["GroupName"])
        yield f"schedule {found['Name']}", schedule


def _roles(aws: Aws) -> Iterator[tuple[str, Any]]:
    iam = aws("iam")
    for role in iam.list_roles()["Roles"]:
        name = role["RoleName"]
        yield f"role {name}", role
        yield f"role {name} tags", iam.list_role_tags(RoleName=name)["Tags"]
        yield f"role {name} attached", iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            told = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
            yield f"role {name} policy {policy}", told


def _alarms(aws: Aws) -> Iterator[tuple[str, Any]]:
    cloudwatch = aws("cloudwatch")
    for alarm in cloudwatch.describe_alarms()["MetricAlarms"]:
        yield f"alarm {alarm['AlarmName']}", alarm
        yield (
            f"alarm {alarm['AlarmName']} tags",
            cloudwatch.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"],
        )
    for dashboard in cloudwatch.list_dashboards().get("DashboardEntries", []):
        name = dashboard["DashboardName"]
        yield f"dashboard {name}", json.loads(cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"])
    sns = aws("sns")
    for arn in (topic["TopicArn"] for topic in sns.list_topics()["Topics"]):
        yield f"topic {arn}", sns.get_topic_attributes(TopicArn=arn)
        yield f"topic {arn} subscriptions", sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
        yield f"topic {arn} tags", sns.list_tags_for_resource(ResourceArn=arn)["Tags"]


def _names(aws: Aws) -> Iterator[tuple[str, Any]]:
    route53 = aws("route53")
    for zone in route53.list_hosted_zones()["HostedZones"]:
        yield f"zone {zone['Id']}", route53.get_hosted_zone(Id=zone["Id"])
        yield (
            f"zone {zone['Id']} tags",
            route53.list_tags_for_resource(ResourceType="hostedzone", ResourceId=zone["Id"].rpartition("/")[2]),
        )
        for record in route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]:
            yield f"record {record['Name']} {record['Type']} in {zone['Id']}", record


def _scaling(aws: Aws) -> Iterator[tuple[str, Any]]:
    client = aws("application-autoscaling")
    for target in client.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]:
        yield f"scalable target {target['ResourceId']}", target
        arn = target["ScalableTargetARN"]
        yield f"scalable target {target['ResourceId']} tags", client.list_tags_for_resource(ResourceARN=arn)["Tags"]
    for policy in client.describe_scaling_policies(ServiceNamespace="ecs")["ScalingPolicies"]:
        yield f"scaling policy {policy['PolicyName']}", policy


def _waf(aws: Aws) -> Iterator[tuple[str, Any]]:
    waf = aws("wafv2")
    for each in waf.list_web_acls(Scope="REGIONAL")["WebACLs"]:
        acl = waf.get_web_acl(Name=each["Name"], Scope="REGIONAL", Id=each["Id"])["WebACL"]
        yield f"web ACL {each['Name']}", acl
        yield (
            f"web ACL {each['Name']} stands before",
            waf.list_resources_for_web_acl(WebACLArn=each["ARN"])["ResourceArns"],
        )
        yield f"web ACL {each['Name']} tags", waf.list_tags_for_resource(ResourceARN=each["ARN"])["TagInfoForResource"]
