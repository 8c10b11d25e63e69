# SPDX-License-Identifier: Apache-2.0
"""What only AWS and the certificates can tell: credentials, account, region, zones, quotas, names and dates."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

CONFIG = Config(connect_timeout=5, read_timeout=15, retries={"max_attempts": 3, "mode": "standard"})
CDN_REGION = "us-east-1"
FARGATE_VCPUS, ELASTIC_ADDRESSES, VPCS = ("fargate", "L-3032A538"), ("ec2", "L-0263D0A3"), ("vpc", "L-F678F1CE")


@dataclass(frozen=True)
class Certificate:
    """What matters of a certificate, wherever it comes from."""

    names: list[str]
    not_before: dt.datetime
    not_after: dt.datetime
    problem: str = ""  # what makes it unusable beside names and dates


def client(service: str, region: str) -> Any:
    """A boto3 client that gives up within seconds."""
    return boto3.client(service, region_name=region, config=CONFIG)


def findings(inputs: dict[str, Any], names: dict[str, list[str]]) -> list[str]:
    """Everything that is wrong. Without credentials nothing else can be asked, but certificate files can be read."""
    region = inputs["aws_region"]
    found = list(_identity_findings(inputs, region))
    reachable = not any(finding.startswith("credentials:") for finding in found)
    found += certificate_findings(inputs["certificate_sources"], names, dt.datetime.now(dt.UTC), _reader(reachable))
    for ask in (_zone_findings, _quota_findings) if reachable else ():
        found += ask(inputs, region)
    return found


def _identity_findings(inputs: dict[str, Any], region: str) -> Iterator[str]:
    if region not in boto3.session.Session().get_available_regions("ec2"):
        yield f"aws_region: '{region}' is no region that AWS has; choose one such as eu-central-1"
    try:
        account = client("sts", region).get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as error:
        yield f"credentials: AWS does not take them ({error}); log in (aws sso login), or set AWS_PROFILE"
        return
    if account != inputs["aws_account_id"]:
        wanted = inputs["aws_account_id"]
        yield f"aws_account_id: the credentials are of account {account}, the inventory is for {wanted}; use its own"


def _zone_findings(inputs: dict[str, Any], region: str) -> Iterator[str]:
    try:
        answer = client("ec2", region).describe_availability_zones()["AvailabilityZones"]
    except (BotoCoreError, ClientError) as error:
        yield f"aws_region: the zones of {region} cannot be listed ({error}); is the region enabled for the account?"
        return
    yield from zone_findings(inputs["network_zones"], {zone["ZoneName"]: zone["State"] for zone in answer}, region)


def zone_findings(wanted: Iterable[str], states: dict[str, str], region: str) -> Iterator[str]:
    """Zones that the region does not have, or that are not available now."""
    available = sorted(name for name, state in states.items() if state == "available")
    for zone in wanted:
        if zone not in states:
            yield f"network_zones: {region} has no zone {zone} for this account; it has {', '.join(available)}"
        elif zone not in available:
            yield f"network_zones: {zone} is {states[zone]}; choose among {', '.join(available)}"


# ---- quotas ---------------------------------------------------------------------------------------------------------
def _quota_findings(inputs: dict[str, Any], region: str) -> Iterator[str]:
    """Quotas that a first deployment would hit. Where the API does not answer, nothing is said."""
    quotas, ec2 = client("service-quotas", region), client("ec2", region)
    for (service, code), what, count in _needs(inputs, ec2):
        try:
            limit = quotas.get_service_quota(ServiceCode=service, QuotaCode=code)["Quota"]["Value"]
            used, needed = count()
        except (BotoCoreError, ClientError, KeyError, ValueError):
            continue
        yield from quota_findings(what, code, limit, used, needed)


def quota_findings(what: str, code: str, limit: float, used: float, needed: float) -> Iterator[str]:
    """Whether as much as is needed is left of a quota."""
    if used + needed > limit:
        yield f"quota {code}: {what}: {limit:g} allowed, {used:g} used, {needed:g} more needed; ask AWS for more"


Need = tuple[tuple[str, str], str, Callable[[], tuple[float, float]]]


def _needs(inputs: dict[str, Any], ec2: Any) -> list[Need]:
    def stands() -> bool:
        filters = [{"Name": "tag:Name", "Values": [inputs["network_name"]]}]
        return bool(ec2.describe_vpcs(Filters=filters)["Vpcs"])

    def vpcs() -> tuple[float, float]:
        return len(ec2.describe_vpcs()["Vpcs"]), 0 if stands() else 1

    def addresses() -> tuple[float, float]:
        gateways = {"per_zone": len(inputs["network_zones"]), "single": 1}.get(inputs["network_nat"], 0)
        return len(ec2.describe_addresses()["Addresses"]), 0 if stands() else gateways

    def vcpus() -> tuple[float, float]:
        # A deployment runs the old and the new tasks side by side.
        share = int(inputs["api_service_maximum_percent"]) / 100
        return 0, int(inputs["api_service_desired_count"]) * share * int(inputs["api_service_cpu"]) / 1024

    return [
        (VPCS, "VPCs in the region", vpcs),
        (ELASTIC_ADDRESSES, "elastic addresses (one a NAT gateway)", addresses),
        (FARGATE_VCPUS, "Fargate vCPUs on demand (old and new tasks of a deployment)", vcpus),
    ]


# ---- certificates ---------------------------------------------------------------------------------------------------
def _reader(reachable: bool) -> Callable[[dict[str, str]], Certificate | None]:
    def read(source: dict[str, str]) -> Certificate | None:
        if "arn" in source:
            return _acm_certificate(source["arn"]) if reachable else None
        return file_certificate(Path(source["certificate_file"]), Path(source["key_file"]))

    return read


def _acm_certificate(arn: str) -> Certificate:
    answer = client("acm", arn.split(":")[3]).describe_certificate(CertificateArn=arn)["Certificate"]
    names = [answer.get("DomainName", ""), *answer.get("SubjectAlternativeNames", [])]
    status = answer.get("Status", "ISSUED")
    now = dt.datetime.now(dt.UTC)
    return Certificate(
        names=sorted({name for name in names if name}),
        not_before=answer.get("NotBefore", now),
        not_after=answer.get("NotAfter", now + dt.timedelta(days=1)),
        problem="" if status == "ISSUED" else f"ACM says {status}; finish its validation",
    )


def file_certificate(certificate: Path, key: Path) -> Certificate:
    """Reads a certificate to be imported, and whether the key is its own.

    Raises:
        OSError: a file cannot be read.
        ValueError: a file is no PEM certificate or unencrypted key.
    """
    parsed = x509.load_pem_x509_certificate(certificate.read_bytes())
    private = load_pem_private_key(key.read_bytes(), password=None)
    try:
        alternative = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        names: list[str] = []
    else:
        names = alternative.get_values_for_type(x509.DNSName)
        names += [str(address) for address in alternative.get_values_for_type(x509.IPAddress)]
    same = private.public_key() == parsed.public_key()
    problem = "" if same else f"{key.name} is not the key of {certificate.name}; give the pair"
    return Certificate(names, parsed.not_valid_before_utc, parsed.not_valid_after_utc, problem)


def covers(pattern: str, host: str) -> bool:
    """Whether a certificate's name stands for the host; a wildcard stands for one label (RFC 9525)."""
    pattern, host = pattern.lower(), host.lower()
    if pattern.startswith("*."):
        return host.partition(".")[2] == pattern[2:] and bool(host.partition(".")[0])
    return pattern == host


def certificate_findings(
    sources: dict[str, dict[str, str]],
    names: dict[str, list[str]],
    now: dt.datetime,
    read: Callable[[dict[str, str]], Certificate | None],
) -> list[str]:
    """Certificates that are missing, cannot be read, are expired, or do not cover the names they are to serve.

    Args:
        sources: where each certificate comes from, as certificate_sources says.
        names: the host names that each must cover.
        now: the time that its dates are judged by.
        read: gives a source's certificate, None when it cannot be asked for now.
    """
    found = []
    for use, hosts in names.items():
        variable = f"certificate_sources.{use}"
        source = sources.get(use)
        if source is None:
            if use != "cdn":
                found.append(f"{variable}: there is none; give an arn, or certificate_file and key_file")
            continue
        if use == "cdn" and "arn" in source and source["arn"].split(":")[3] != CDN_REGION:
            found.append(
                f"{variable}: {source['arn']} is not of {CDN_REGION}, CloudFront takes no other; request one there"
            )
        try:
            certificate = read(source)
        except (BotoCoreError, ClientError, OSError, ValueError, KeyError, IndexError) as error:
            found.append(f"{variable}: it cannot be read ({error}); correct its arn or files")
            continue
        if certificate is not None:
            found += [f"{variable}: {problem}" for problem in _judge(certificate, hosts, now)]
    if names.get("cdn") and "cdn" not in sources and any("." in name for name in names["cdn"]):
        found.append(
            f"certificate_sources.cdn: there is none for {', '.join(names['cdn'])}; request one in {CDN_REGION}"
        )
    return found


def _judge(certificate: Certificate, hosts: list[str], now: dt.datetime) -> Iterator[str]:
    if certificate.problem:
        yield certificate.problem
    if now >= certificate.not_after:
        yield f"it expired on {certificate.not_after:%Y-%m-%d}; renew it"
    if now < certificate.not_before:
        yield f"it is not valid before {certificate.not_before:%Y-%m-%d}; give one that is"
    for host in hosts:
        if not any(covers(name, host) for name in certificate.names):
            yield f"it covers {', '.join(certificate.names) or 'no name'}, not {host}; request one with that name"
