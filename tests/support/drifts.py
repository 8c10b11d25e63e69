# SPDX-License-Identifier: Apache-2.0
"""Changes that somebody makes by hand behind the roles' back, and where a run names each.

One for each part that a role owns. Each leaves the platform able to serve: it is repaired while it runs.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .aws_state import Aws
from .playbooks import Change


@dataclass(frozen=True)
class Drift:
    """A change made by hand, and the result of a run that must name it."""

    role: str
    what: str
    make: Callable[[Aws, str], Any]  # given the clients and the platform's name, streamify-<environment>
    task: str
    item: str = ""
    shows: str = ""  # what --diff must show of it, where the module shows anything
    rolls_tasks: bool = False  # whether repairing it replaces every task, which takes a minute

    def is_named_by(self, change: Change) -> bool:
        """Whether a run's result is about this."""
        return change.task == f"{self.role} : {self.task}" and self.item in change.item and self.shows in change.diff


DRIFTS: list[Drift] = []


def drift(
    role: str, task: str, item: str = "", shows: str = "", *, rolls_tasks: bool = False
) -> Callable[[Callable[[Aws, str], Any]], Any]:
    """Add a function to the list; its name says what it does."""

    def add(make: Callable[[Aws, str], Any]) -> Callable[[Aws, str], Any]:
        DRIFTS.append(Drift(role, make.__name__.replace("_", " "), make, task, item, shows, rolls_tasks))
        return make

    return add


def _vpc(aws: Aws, name: str) -> str:
    return str(aws("ec2").describe_vpcs(Filters=[{"Name": "tag:Name", "Values": [name]}])["Vpcs"][0]["VpcId"])


def _group(aws: Aws, name: str, kind: str) -> dict[str, Any]:
    filters = [{"Name": "vpc-id", "Values": [_vpc(aws, name)]}, {"Name": "group-name", "Values": [f"{name}-{kind}"]}]
    return dict(aws("ec2").describe_security_groups(Filters=filters)["SecurityGroups"][0])


def _subnet(aws: Aws, name: str, tier: str) -> str:
    filters = [{"Name": "vpc-id", "Values": [_vpc(aws, name)]}, {"Name": "tag:tier", "Values": [tier]}]
    found = aws("ec2").describe_subnets(Filters=filters)["Subnets"]
    return str(min(found, key=lambda each: each["AvailabilityZone"])["SubnetId"])


def _bucket(aws: Aws, name: str, kind: str) -> str:
    return f"{name}-{kind}-{aws('sts').get_caller_identity()['Account']}"


def _target_group(aws: Aws, name: str, kind: str) -> str:
    return str(aws("elbv2").describe_target_groups(Names=[f"{name}-{kind}"])["TargetGroups"][0]["TargetGroupArn"])


def _balancer(aws: Aws, name: str, kind: str) -> str:
    return str(aws("elbv2").describe_load_balancers(Names=[f"{name}-{kind}"])["LoadBalancers"][0]["LoadBalancerArn"])


# ---- network --------------------------------------------------------
@drift("network", "The VPC exists")
def host_names_are_off_in_the_vpc(aws: Aws, name: str) -> None:
    aws("ec2").modify_vpc_attribute(VpcId=_vpc(aws, name), EnableDnsHostnames={"Value": False})


@drift("network", "A public and a private subnet exist in each zone", "private")
def a_private_subnet_gives_public_addresses(aws: Aws, name: str) -> None:
    aws("ec2").modify_subnet_attribute(SubnetId=_subnet(aws, name, "private"), MapPublicIpOnLaunch={"Value": True})


@drift("network", "Routes lead out of every subnet", "public")
def the_public_subnets_have_no_way_out(aws: Aws, name: str) -> None:
    filters = [{"Name": "tag:Name", "Values": [f"{name}-public"]}]
    table = aws("ec2").describe_route_tables(Filters=filters)["RouteTables"][0]["RouteTableId"]
    aws("ec2").delete_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")


@drift("network", "Security groups of the balancers exist", "internal-balancer")
def nobody_reaches_the_internal_balancer(aws: Aws, name: str) -> None:
    group = _group(aws, name, "internal-balancer")
    aws("ec2").revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=group["IpPermissions"])


@drift("network", "The security group of the tasks exists")
def everybody_reaches_the_tasks(aws: Aws, name: str) -> None:
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    aws("ec2").authorize_security_group_ingress(GroupId=_group(aws, name, "tasks")["GroupId"], IpPermissions=[rule])


# ---- storage --------------------------------------------------------
@drift("storage", "The buckets exist, private, encrypted and versioned, and clean up", "-uploads-", "versioning")
def old_versions_of_uploads_are_not_kept(aws: Aws, name: str) -> None:
    status = {"Status": "Suspended"}
    aws("s3").put_bucket_versioning(Bucket=_bucket(aws, name, "uploads"), VersioningConfiguration=status)


@drift("storage", "The buckets exist, private, encrypted and versioned, and clean up", "-uploads-", "cors_rules")
def every_web_site_may_upload(aws: Aws, name: str) -> None:
    rules = {"CORSRules": [{"AllowedOrigins": ["*"], "AllowedMethods": ["PUT"]}]}
    aws("s3").put_bucket_cors(Bucket=_bucket(aws, name, "uploads"), CORSConfiguration=rules)


@drift("storage", "The buckets exist, private, encrypted and versioned, and clean up", "-media-", "public_access_block")
def media_may_be_made_public(aws: Aws, name: str) -> None:
    aws("s3").delete_public_access_block(Bucket=_bucket(aws, name, "media"))


@drift("storage", "The buckets exist, private, encrypted and versioned, and clean up", "-media-", "lifecycle_rules")
def old_media_never_expire(aws: Aws, name: str) -> None:
    aws("s3").delete_bucket_lifecycle(Bucket=_bucket(aws, name, "media"))


@drift("storage", "The table exists", shows="point_in_time_recovery")
def the_table_cannot_be_restored(aws: Aws, name: str) -> None:
    off = {"PointInTimeRecoveryEnabled": False}
    aws("dynamodb").update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=off)


# ---- secrets, image, certificate --------------------------------------------------------
@drift("secrets", "The token issuer's public keys are stored")
def another_key_is_trusted_for_tokens(aws: Aws, name: str) -> None:
    client = aws("secretsmanager")
    text = client.get_secret_value(SecretId=f"{name}-token-jwks")["SecretString"]
    client.put_secret_value(SecretId=f"{name}-token-jwks", SecretString=text + "\n")


@drift("image", "The repository exists", shows="image_tag_mutability")
def a_tag_can_be_given_to_another_image(aws: Aws, name: str) -> None:
    aws("ecr").put_image_tag_mutability(repositoryName=f"{name}-api", imageTagMutability="MUTABLE")


@drift("image", "The repository exists", shows="scan_on_push")
def images_are_not_scanned(aws: Aws, name: str) -> None:
    off = {"scanOnPush": False}
    aws("ecr").put_image_scanning_configuration(repositoryName=f"{name}-api", imageScanningConfiguration=off)


@drift("certificate", "Certificates from files are imported", "public", "tags")
def a_certificate_has_a_tag_of_its_own(aws: Aws, name: str) -> None:
    listener = next(
        each
        for each in aws("elbv2").describe_listeners(LoadBalancerArn=_balancer(aws, name, "public"))["Listeners"]
        if each["Protocol"] == "HTTPS"
    )
    arn = listener["Certificates"][0]["CertificateArn"]
    aws("acm").add_tags_to_certificate(CertificateArn=arn, Tags=[{"Key": "owner", "Value": "somebody"}])


# ---- load_balancer --------------------------------------------------------
@drift("load_balancer", "The HTTP target group exists", shows="health_check_path")
def health_is_asked_for_at_another_path(aws: Aws, name: str) -> None:
    aws("elbv2").modify_target_group(TargetGroupArn=_target_group(aws, name, "http"), HealthCheckPath="/health/live")


@drift("load_balancer", "The gRPC target group exists", shows="deregistration_delay")
def leaving_targets_have_no_time(aws: Aws, name: str) -> None:
    none = [{"Key": "deregistration_delay.timeout_seconds", "Value": "1"}]
    aws("elbv2").modify_target_group_attributes(TargetGroupArn=_target_group(aws, name, "grpc"), Attributes=none)


@drift("load_balancer", "The public balancer serves HTTPS and redirects HTTP")
def viewers_may_use_an_old_tls(aws: Aws, name: str) -> None:
    elb = aws("elbv2")
    for listener in elb.describe_listeners(LoadBalancerArn=_balancer(aws, name, "public"))["Listeners"]:
        if listener["Protocol"] == "HTTPS":
            elb.modify_listener(ListenerArn=listener["ListenerArn"], SslPolicy="ELBSecurityPolicy-2016-08")


@drift("load_balancer", "The internal balancer serves gRPC over TLS")
def the_internal_balancer_forgives_odd_requests(aws: Aws, name: str) -> None:
    loose = [{"Key": "routing.http.desync_mitigation_mode", "Value": "monitor"}]
    aws("elbv2").modify_load_balancer_attributes(LoadBalancerArn=_balancer(aws, name, "internal"), Attributes=loose)


@drift("load_balancer", "The balancers log, and zones can be left", "internal", "zonal_shift")
def no_zone_can_be_left(aws: Aws, name: str) -> None:
    off = [{"Key": "zonal_shift.config.enabled", "Value": "false"}]
    aws("elbv2").modify_load_balancer_attributes(LoadBalancerArn=_balancer(aws, name, "internal"), Attributes=off)


@drift("load_balancer", "WAF stands before the public balancer", shows="resource_arns")
def waf_stands_before_nothing(aws: Aws, name: str) -> None:
    aws("wafv2").disassociate_web_acl(ResourceArn=_balancer(aws, name, "public"))


# ---- cdn --------------------------------------------------------
def _listed(answer: dict[str, Any]) -> Any:
    return next(value for key, value in answer.items() if key.endswith("List"))["Items"]


@drift("cdn", "CloudFront can sign its requests to the bucket", shows="signing_behavior")
def requests_to_the_bucket_are_not_signed(aws: Aws, name: str) -> None:
    client = aws("cloudfront")
    found = next(each for each in _listed(client.list_origin_access_controls()) if each["Name"] == f"{name}-media")
    read = client.get_origin_access_control_config(Id=found["Id"])
    config = read["OriginAccessControlConfig"] | {"SigningBehavior": "never"}
    client.update_origin_access_control(Id=found["Id"], IfMatch=read["ETag"], OriginAccessControlConfig=config)


@drift("cdn", "Cookies and query strings do not split the cache", shows="default_ttl")
def media_are_kept_for_a_minute(aws: Aws, name: str) -> None:
    client = aws("cloudfront")
    found = next(
        each["CachePolicy"]
        for each in _listed(client.list_cache_policies(Type="custom"))
        if each["CachePolicy"]["CachePolicyConfig"]["Name"] == f"{name}-media"
    )
    read = client.get_cache_policy_config(Id=found["Id"])
    config = read["CachePolicyConfig"] | {"DefaultTTL": 60}
    client.update_cache_policy(Id=found["Id"], IfMatch=read["ETag"], CachePolicyConfig=config)


@drift("cdn", "The player's origins may read with cookies", shows="access_control_allow_origins")
def another_web_site_reads_with_cookies(aws: Aws, name: str) -> None:
    client = aws("cloudfront")
    found = next(
        each["ResponseHeadersPolicy"]
        for each in _listed(client.list_response_headers_policies(Type="custom"))
        if each["ResponseHeadersPolicy"]["ResponseHeadersPolicyConfig"]["Name"] == f"{name}-media"
    )
    read = client.get_response_headers_policy_config(Id=found["Id"])
    config = read["ResponseHeadersPolicyConfig"]
    origins = config["CorsConfig"]["AccessControlAllowOrigins"]
    origins["Items"] = [*origins["Items"], "https://other.example"]
    origins["Quantity"] = len(origins["Items"])
    client.update_response_headers_policy(Id=found["Id"], IfMatch=read["ETag"], ResponseHeadersPolicyConfig=config)


@drift("cdn", "The distribution delivers signed requests only", shows="http_version")
def the_distribution_speaks_an_old_http(aws: Aws, name: str) -> None:
    client = aws("cloudfront")
    found = next(each for each in _listed(client.list_distributions()) if each["Comment"] == f"{name}-media")
    read = client.get_distribution_config(Id=found["Id"])
    config = read["DistributionConfig"] | {"HttpVersion": "http1.1"}
    client.update_distribution(Id=found["Id"], IfMatch=read["ETag"], DistributionConfig=config)


@drift("cdn", "The distribution alone reads the bucket", shows="policy")
def another_account_reads_the_media(aws: Aws, name: str) -> None:
    # Not everybody: S3 refuses a public policy as long as the bucket's public access block stands.
    bucket = _bucket(aws, name, "media")
    policy = json.loads(aws("s3").get_bucket_policy(Bucket=bucket)["Policy"])
    other = {"AWS": "arn:aws:iam::999999999999:root"}
    allow = {"Effect": "Allow", "Principal": other, "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    policy["Statement"] = [*policy["Statement"], allow]
    aws("s3").put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))


# ---- ecs_cluster --------------------------------------------------------
@drift("ecs_cluster", "The log group exists")
def logs_are_kept_for_a_day(aws: Aws, name: str) -> None:
    aws("logs").put_retention_policy(logGroupName=f"/{name.replace('-', '/', 1)}", retentionInDays=1)


@drift("ecs_cluster", "The cluster exists", shows="containerInsights")
def the_cluster_is_not_measured(aws: Aws, name: str) -> None:
    off = [{"name": "containerInsights", "value": "disabled"}]
    aws("ecs").update_cluster_settings(cluster=name, settings=off)


# ---- alarms, dns, dashboard --------------------------------------------------------
def _alarm(aws: Aws, name: str) -> dict[str, Any]:
    kept = ("AlarmArn", "Timestamp", "State")
    (alarm,) = aws("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return {key: value for key, value in alarm.items() if not any(word in key for word in kept)}


@drift("alarms", "Alarms on slow answers exist", "http", "threshold")
def a_minute_is_fast_enough(aws: Aws, name: str) -> None:
    aws("cloudwatch").put_metric_alarm(**{**_alarm(aws, f"{name}-http-latency"), "Threshold": 60.0})


@drift("alarms", "Alarms on failed requests and on the error budget exist", "error-budget-fast", "expression")
def the_error_budget_is_larger(aws: Aws, name: str) -> None:
    alarm = _alarm(aws, f"{name}-error-budget-fast")
    for query in alarm["Metrics"]:
        if "Expression" in query:
            query["Expression"] = query["Expression"].replace("0.0005", "0.05")
    aws("cloudwatch").put_metric_alarm(**alarm)


@drift("dns", "The public names lead to the balancer and to the CDN", "api.")
def the_name_of_the_api_leads_elsewhere(aws: Aws, name: str) -> None:
    client = aws("route53")
    for zone in client.list_hosted_zones()["HostedZones"]:
        for record in client.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]:
            if record["Name"].startswith("api."):
                record["AliasTarget"]["DNSName"] = "elsewhere.example.com."
                changes = [{"Action": "UPSERT", "ResourceRecordSet": record}]
                client.change_resource_record_sets(HostedZoneId=zone["Id"], ChangeBatch={"Changes": changes})


@drift("dashboard", "The dashboard shows the golden signals")
def the_dashboard_is_empty(aws: Aws, name: str) -> None:
    aws("cloudwatch").put_dashboard(DashboardName=name, DashboardBody=json.dumps({"widgets": []}))


# ---- api_service --------------------------------------------------------
@drift("api_service", "The task's and ECS's roles may do what they need and nothing else", "-api-task", "s3:*")
def tasks_may_do_anything_to_s3(aws: Aws, name: str) -> None:
    iam, role = aws("iam"), f"{name}-api-task"
    (policy,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
    wide = {"Sid": "Wide", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    document["Statement"] = [*document["Statement"], wide]
    iam.put_role_policy(RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(document))


@drift("api_service", "The task's and ECS's roles may do what they need and nothing else", "-execution", "Extra")
def ecs_has_a_second_policy(aws: Aws, name: str) -> None:
    extra = {"Effect": "Allow", "Action": "ssm:GetParameters", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [extra]})
    aws("iam").put_role_policy(RoleName=f"{name}-api-execution", PolicyName="Extra", PolicyDocument=document)


@drift(
    "api_service", "The janitor's and its schedule's roles may do what they need and nothing else", "-janitor", "Any"
)
def the_janitor_may_delete_anything(aws: Aws, name: str) -> None:
    anything = {"Sid": "Any", "Effect": "Allow", "Action": "s3:DeleteObject", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [anything]})
    aws("iam").put_role_policy(RoleName=f"{name}-api-janitor", PolicyName="Any", PolicyDocument=document)


@drift("api_service", "The janitor comes at its times", shows="schedule_state")
def the_janitor_stays_away(aws: Aws, name: str) -> None:
    client = aws("scheduler")
    kept = ("Name", "GroupName", "ScheduleExpression", "FlexibleTimeWindow", "Target", "Description")
    schedule = client.get_schedule(Name=f"{name}-api-janitor")
    client.update_schedule(**{key: schedule[key] for key in kept}, State="DISABLED")


@drift("api_service", "The service runs it, and its outcome is awaited", shows="health_check_grace_period_seconds")
def new_tasks_have_no_grace(aws: Aws, name: str) -> None:
    aws("ecs").update_service(cluster=name, service=f"{name}-api", healthCheckGracePeriodSeconds=1)


@drift("api_service", "The service runs it, and its outcome is awaited", shows="subnets", rolls_tasks=True)
def the_service_leaves_a_zone(aws: Aws, name: str) -> None:
    ecs = aws("ecs")
    service = ecs.describe_services(cluster=name, services=[f"{name}-api"])["services"][0]
    network = service["networkConfiguration"]
    network["awsvpcConfiguration"]["subnets"] = network["awsvpcConfiguration"]["subnets"][:2]
    ecs.update_service(cluster=name, service=f"{name}-api", networkConfiguration=network)
