# SPDX-License-Identifier: Apache-2.0
"""Certificates: their names and dates, and what requesting one needs."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

CDN_REGION = "us-east-1"
# https://docs.aws.amazon.com/acm/latest/userguide/acm-limits.html and API_RequestCertificate.html
LONGEST_FIRST, LONGEST_NAME, MOST_NAMES = 64, 253, 100
NAMES_QUOTA = "L-FB94F0B0"  # domain names per certificate, of Service Quotas
USUAL_NAMES = 10
Client = Callable[[str, str], Any]  # of a service, in a region
Source = dict[str, Any]


@dataclass(frozen=True)
class Certificate:
    """What matters of a certificate, wherever it comes from."""

    names: list[str]
    not_before: dt.datetime
    not_after: dt.datetime
    problem: str = ""  # what makes it unusable beside names and dates


def requested_names(source: Source) -> list[str]:
    """The names that a certificate is requested for."""
    return [source["domain_name"], *(source.get("subject_alternative_names") or [])]


def reader(client: Client | None) -> Callable[[Source], Certificate | None]:
    """Make what reads a source's certificate; without a client none that is in ACM can be read."""

    def read(source: Source) -> Certificate | None:
        if "domain_name" in source:
            now = dt.datetime.now(dt.UTC)
            return Certificate(requested_names(source), now - dt.timedelta(days=1), now + dt.timedelta(days=1))
        if "arn" in source:
            return _acm_certificate(source["arn"], client) if client else None
        return file_certificate(Path(source["certificate_file"]), Path(source["key_file"]))

    return read


def _acm_certificate(arn: str, client: Client) -> Certificate:
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
    sources: dict[str, Source],
    names: dict[str, list[str]],
    now: dt.datetime,
    read: Callable[[Source], Certificate | None],
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
                found.append(f"{variable}: there is none; give a domain_name, files, or an arn")
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


# ---- requests -------------------------------------------------------------------------------------------------------
def request_findings(sources: dict[str, Source], client: Client | None, region: str) -> Iterator[str]:
    """What ACM would refuse in a request, and names that no hosted zone of the account can show.

    Args:
        sources: where each certificate comes from, as certificate_sources says.
        client: makes a client; None when nothing can be asked.
        region: where the balancers' certificates are requested.
    """
    requests = {use: source for use, source in sources.items() if source.get("domain_name")}
    zones = _public_zones(client) if client and requests else None
    for use, source in requests.items():
        variable, names = f"certificate_sources.{use}", requested_names(source)
        limit = _most_names(client, CDN_REGION if use == "cdn" else region)
        yield from name_findings(variable, names, limit)
        if zones is None or source.get("write_records") is False:
            continue
        if zone_id := source.get("zone_id"):
            if str(zone_id).rpartition("/")[2] not in zones.values():
                yield f"{variable}: there is no public hosted zone {zone_id} in this account; correct zone_id"
            continue
        for name in names:
            if not zone_above(name, zones):
                yield (
                    f"{variable}: no public hosted zone of this account is above {name}, so ACM cannot validate it; "
                    "make the zone and delegate to it first, or give certificate_file and key_file"
                )


def name_findings(variable: str, names: list[str], limit: int) -> Iterator[str]:
    """Names that ACM refuses, and too many of them."""
    if len(names[0]) > LONGEST_FIRST:
        yield (
            f"{variable}: '{names[0]}' has {len(names[0])} characters, a certificate's first name at most "
            f"{LONGEST_FIRST}; begin with a shorter one, this one may be among subject_alternative_names"
        )
    for name in names:
        labels = name.removeprefix("*.").split(".")
        if len(name) > LONGEST_NAME or len(labels) < 2 or not all(0 < len(label) <= 63 for label in labels):
            yield f"{variable}: '{name}' is no public domain name; write one such as api.example.com"
        elif "*" in name.removeprefix("*."):
            yield f"{variable}: '{name}': ACM takes a wildcard as the first label only; move it there"
    if len(set(names)) > limit:
        yield (
            f"quota {NAMES_QUOTA}: {variable} has {len(set(names))} names, {limit} are allowed in a certificate; "
            "leave some out, or ask AWS for more (100 at most)"
        )


def zone_above(name: str, zones: dict[str, str]) -> str:
    """The id of the nearest zone above a name, or an empty string."""
    rest = name.lower().removeprefix("*.").rstrip(".")
    while rest:
        if rest in zones:
            return zones[rest]
        rest = rest.partition(".")[2]
    return ""


def _public_zones(client: Client) -> dict[str, str] | None:
    """The ids of the account's public hosted zones by name; None when Route 53 does not answer."""
    try:
        pages = client("route53", CDN_REGION).get_paginator("list_hosted_zones").paginate()
        return {
            zone["Name"].lower().rstrip("."): zone["Id"].rpartition("/")[2]
            for page in pages
            for zone in page["HostedZones"]
            if not zone.get("Config", {}).get("PrivateZone")
        }
    except (BotoCoreError, ClientError):
        return None


def _most_names(client: Client | None, region: str) -> int:
    try:
        quotas = client("service-quotas", region) if client else None
        answer = quotas.get_service_quota(ServiceCode="acm", QuotaCode=NAMES_QUOTA) if quotas else {}
        return int(answer["Quota"]["Value"])
    except (BotoCoreError, ClientError, KeyError, ValueError):
        return USUAL_NAMES
