# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: S101
"""What AWS reports after `site.yml`: asked with boto3, without any of the roles' variables. Run by verify.yml."""

import json
import os
from typing import Any

import boto3
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

NAME = os.environ["DEPLOYED_NAME"]


def aws(service: Any) -> Any:
    return boto3.client(service)


def tags_of(item: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in item.get("Tags", [])}


@pytest.fixture(scope="module")
def vpc() -> str:
    found = aws("ec2").describe_vpcs(Filters=[{"Name": "tag:Name", "Values": [NAME]}])["Vpcs"]
    assert len(found) == 1
    return str(found[0]["VpcId"])


@pytest.fixture(scope="module")
def subnets(vpc: str) -> dict[str, dict[str, Any]]:
    found = aws("ec2").describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
    return {subnet["SubnetId"]: subnet for subnet in found}


@pytest.fixture(scope="module")
def balancers() -> dict[str, dict[str, Any]]:
    names = {"public": f"{NAME}-public", "internal": f"{NAME}-internal"}
    found = aws("elbv2").describe_load_balancers(Names=list(names.values()))["LoadBalancers"]
    by_name = {each["LoadBalancerName"]: each for each in found}
    return {kind: by_name[name] for kind, name in names.items()}


@pytest.fixture(scope="module")
def service() -> dict[str, Any]:
    found = aws("ecs").describe_services(cluster=NAME, services=[f"{NAME}-api"])["services"]
    assert len(found) == 1
    return dict(found[0])


@pytest.fixture(scope="module")
def distribution() -> dict[str, Any]:
    client = aws("cloudfront")
    items = client.list_distributions()["DistributionList"].get("Items", [])
    assert len(items) == 1
    return dict(client.get_distribution(Id=items[0]["Id"])["Distribution"])


def test_each_of_three_zones_has_a_public_and_a_private_subnet(subnets: dict[str, dict[str, Any]]) -> None:
    seen = sorted((tags_of(subnet)["tier"], subnet["AvailabilityZone"][-1]) for subnet in subnets.values())
    assert seen == [(tier, zone) for tier in ("private", "public") for zone in "abc"]
    assert not any(subnet["MapPublicIpOnLaunch"] for subnet in subnets.values())


def test_each_private_subnet_leaves_through_a_nat_gateway_of_its_own_zone(
    vpc: str, subnets: dict[str, dict[str, Any]]
) -> None:
    client = aws("ec2")
    filters = [{"Name": "vpc-id", "Values": [vpc]}]
    gateways = {
        each["NatGatewayId"]: subnets[each["SubnetId"]]
        for each in client.describe_nat_gateways(Filters=filters)["NatGateways"]
        if each["State"] == "available"
    }
    assert len(gateways) == 3
    ways = {}
    for table in client.describe_route_tables(Filters=filters)["RouteTables"]:
        for association in table["Associations"]:
            subnet = subnets.get(association.get("SubnetId", ""))
            if subnet and tags_of(subnet)["tier"] == "private":
                out = [each for each in table["Routes"] if each.get("DestinationCidrBlock") == "0.0.0.0/0"]
                ways[subnet["AvailabilityZone"]] = gateways[out[0]["NatGatewayId"]]["AvailabilityZone"]
    assert len(ways) == 3
    assert all(zone == gateway_zone for zone, gateway_zone in ways.items())


def test_tasks_are_reached_through_the_balancers_only(vpc: str) -> None:
    groups = aws("ec2").describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["SecurityGroups"]
    by_name = {group["GroupName"]: group for group in groups}
    sources = {by_name[f"{NAME}-{kind}-balancer"]["GroupId"] for kind in ("public", "internal")}
    rules = by_name[f"{NAME}-tasks"]["IpPermissions"]
    assert {pair["GroupId"] for rule in rules for pair in rule["UserIdGroupPairs"]} == sources
    assert not any(rule["IpRanges"] or rule.get("Ipv6Ranges") for rule in rules)


@pytest.mark.parametrize("kind", ["uploads", "media"])
def test_buckets_are_private_encrypted_and_versioned_and_clean_up(kind: str) -> None:
    client = aws("s3")
    bucket = f"{NAME}-{kind}-{aws('sts').get_caller_identity()['Account']}"
    blocked = client.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert all(blocked.values())
    assert len(blocked) == 4
    assert client.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    rules = client.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    lifecycle = client.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert [rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] for rule in lifecycle] == [2]


def test_table_is_on_demand_expires_items_and_can_be_restored() -> None:
    client = aws("dynamodb")
    table = client.describe_table(TableName=NAME)["Table"]
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert [(key["AttributeName"], key["KeyType"]) for key in table["KeySchema"]] == [("pk", "HASH"), ("sk", "RANGE")]
    assert [index["IndexName"] for index in table["GlobalSecondaryIndexes"]] == ["gsi1"]
    expiry = client.describe_time_to_live(TableName=NAME)["TimeToLiveDescription"]
    assert (expiry["TimeToLiveStatus"], expiry["AttributeName"]) == ("ENABLED", "expires_at")
    backups = client.describe_continuous_backups(TableName=NAME)["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


def test_cdn_trusts_the_public_half_of_the_key_in_secrets_manager(distribution: dict[str, Any]) -> None:
    text = aws("secretsmanager").get_secret_value(SecretId=f"{NAME}-signing-key")["SecretString"]
    key = serialization.load_pem_private_key(text.encode(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    behaviour = distribution["DistributionConfig"]["DefaultCacheBehavior"]
    client = aws("cloudfront")
    assert behaviour["TrustedKeyGroups"]["Enabled"]
    (group,) = behaviour["TrustedKeyGroups"]["Items"]
    (public_key,) = client.get_key_group(Id=group)["KeyGroup"]["KeyGroupConfig"]["Items"]
    encoded = client.get_public_key(Id=public_key)["PublicKey"]["PublicKeyConfig"]["EncodedKey"]
    trusted = serialization.load_pem_public_key(encoded.encode())
    assert isinstance(trusted, ec.EllipticCurvePublicKey)
    assert trusted.public_numbers() == key.public_key().public_numbers()


def test_only_the_distribution_reads_the_media_bucket(distribution: dict[str, Any]) -> None:
    (origin,) = distribution["DistributionConfig"]["Origins"]["Items"]
    assert origin["OriginAccessControlId"]
    bucket = origin["DomainName"].split(".")[0]
    assert bucket.startswith(f"{NAME}-media-")
    policy = json.loads(aws("s3").get_bucket_policy(Bucket=bucket)["Policy"])
    allowed = [statement for statement in policy["Statement"] if statement["Effect"] == "Allow"]
    assert [statement["Principal"] for statement in allowed] == [{"Service": "cloudfront.amazonaws.com"}]
    assert allowed[0]["Condition"] == {"StringEquals": {"AWS:SourceArn": distribution["ARN"]}}


def test_cdn_names_exact_origins_for_requests_with_cookies(distribution: dict[str, Any]) -> None:
    behaviour = distribution["DistributionConfig"]["DefaultCacheBehavior"]
    assert behaviour["ViewerProtocolPolicy"] == "https-only"
    policy = aws("cloudfront").get_response_headers_policy(Id=behaviour["ResponseHeadersPolicyId"])
    cors = policy["ResponseHeadersPolicy"]["ResponseHeadersPolicyConfig"]["CorsConfig"]
    assert cors["AccessControlAllowCredentials"]
    assert all(
        origin.startswith("https://") and "*" not in origin for origin in cors["AccessControlAllowOrigins"]["Items"]
    )


@pytest.mark.parametrize("kind", ["public", "internal"])
def test_balancers_stand_in_three_zones_and_refuse_what_is_odd(
    balancers: dict[str, dict[str, Any]], subnets: dict[str, dict[str, Any]], kind: str
) -> None:
    balancer = balancers[kind]
    assert balancer["Scheme"] == {"public": "internet-facing", "internal": "internal"}[kind]
    assert len({subnets[zone["SubnetId"]]["AvailabilityZone"] for zone in balancer["AvailabilityZones"]}) == 3
    read = aws("elbv2").describe_load_balancer_attributes(LoadBalancerArn=balancer["LoadBalancerArn"])["Attributes"]
    attributes = {each["Key"]: each["Value"] for each in read}
    assert attributes["routing.http.drop_invalid_header_fields.enabled"] == "true"
    assert attributes["routing.http.desync_mitigation_mode"] == "strictest"


def test_listeners_speak_modern_tls_and_http_is_redirected(balancers: dict[str, dict[str, Any]]) -> None:
    seen = {}
    for kind, balancer in balancers.items():
        for listener in aws("elbv2").describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]:
            action = listener["DefaultActions"][0]
            seen[kind, listener["Protocol"]] = action["Type"]
            if listener["Protocol"] == "HTTPS":
                assert listener["SslPolicy"] == "ELBSecurityPolicy-TLS13-1-2-2021-06"
                certificate = listener["Certificates"][0]["CertificateArn"]
                assert aws("acm").describe_certificate(CertificateArn=certificate)["Certificate"]["Type"] == "IMPORTED"
            else:
                assert action["RedirectConfig"]["Protocol"] == "HTTPS"
    assert seen == {("public", "HTTPS"): "forward", ("public", "HTTP"): "redirect", ("internal", "HTTPS"): "forward"}


def test_every_task_is_healthy_in_both_target_groups(service: dict[str, Any]) -> None:
    client = aws("elbv2")
    groups = client.describe_target_groups(Names=[f"{NAME}-http", f"{NAME}-grpc"])["TargetGroups"]
    assert {(group["ProtocolVersion"], next(iter(group["Matcher"].values()))) for group in groups} == {
        ("HTTP1", "200"),
        ("GRPC", "0"),
    }
    for group in groups:
        health = client.describe_target_health(TargetGroupArn=group["TargetGroupArn"])["TargetHealthDescriptions"]
        assert [each["TargetHealth"]["State"] for each in health] == ["healthy"] * service["desiredCount"]


def test_service_runs_one_task_a_zone_and_rolls_back(service: dict[str, Any]) -> None:
    assert (service["desiredCount"], service["runningCount"], service["pendingCount"]) == (3, 3, 0)
    assert service["deploymentConfiguration"]["deploymentCircuitBreaker"]["rollback"]
    assert service["deploymentConfiguration"]["deploymentCircuitBreaker"]["enable"]
    assert service["availabilityZoneRebalancing"] == "ENABLED"
    client = aws("ecs")
    arns = client.list_tasks(cluster=NAME, serviceName=f"{NAME}-api")["taskArns"]
    tasks = client.describe_tasks(cluster=NAME, tasks=arns)["tasks"]
    assert len({task["availabilityZone"] for task in tasks}) == 3


def test_container_is_locked_down_and_deployed_by_digest(service: dict[str, Any]) -> None:
    read = aws("ecs").describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    (container,) = read["containerDefinitions"]
    assert container["readonlyRootFilesystem"]
    assert container["user"] == "10001:10001"
    environment = {each["name"]: each["value"] for each in container["environment"]}
    promised = int(environment["STREAMIFY_DRAIN_SECONDS"]) + int(environment["STREAMIFY_SHUTDOWN_GRACE_SECONDS"])
    assert container["stopTimeout"] > promised
    assert {each["name"] for each in container["secrets"]} == {"STREAMIFY_SIGNING_KEY", "STREAMIFY_TOKEN_JWKS"}
    digest = container["image"].partition("@")[2]
    images = aws("ecr").describe_images(repositoryName=f"{NAME}-api")["imageDetails"]
    assert digest in [image["imageDigest"] for image in images]


@pytest.mark.parametrize("kind", ["task", "execution"])
def test_roles_may_do_named_things_to_our_things_only(kind: str) -> None:
    client = aws("iam")
    role = f"{NAME}-api-{kind}"
    assert not client.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    (name,) = client.list_role_policies(RoleName=role)["PolicyNames"]
    document = client.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    for statement in document["Statement"]:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        resources = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
        assert not any("*" in action for action in actions)
        # Logging in to the registry knows no resource.
        assert actions == ["ecr:GetAuthorizationToken"] or all(
            NAME in resource.replace("/", "-") for resource in resources
        )


def test_tasks_log_where_logs_are_kept_for_a_time() -> None:
    client = aws("logs")
    (group,) = client.describe_log_groups(logGroupNamePrefix=f"/{NAME.replace('-', '/', 1)}")["logGroups"]
    assert group["retentionInDays"] == 90
    assert client.describe_log_streams(logGroupName=group["logGroupName"])["logStreams"]
