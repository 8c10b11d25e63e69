# SPDX-License-Identifier: Apache-2.0
"""What is deployed, read through AWS's public APIs (elasticloadbalancing v2 and ACM) and nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


@dataclass(frozen=True)
class Certificate:
    """A listener's certificate with the file that holds its private key."""

    arn: str
    chain: str
    key_file: str


@dataclass(frozen=True)
class Listener:
    """A listener with its load balancer's attributes; `rules` as DescribeRules gives them."""

    description: dict[str, Any]
    attributes: dict[str, str]
    load_balancer: dict[str, str]
    rules: list[dict[str, Any]]
    certificate: Certificate | None


@dataclass(frozen=True)
class TargetGroup:
    """A target group that some listener forwards to."""

    description: dict[str, Any]
    attributes: dict[str, str]


@dataclass(frozen=True)
class Deployed:
    """The configuration of every load balancer of the account."""

    listeners: list[Listener]
    groups: dict[str, TargetGroup]


class Reader:
    """Reads the configuration and the targets' health; AWS's errors are raised as botocore's exceptions."""

    def __init__(self, key_files: Sequence[Path]) -> None:
        config = Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=10)
        self._elb = boto3.client("elbv2", config=config)
        self._acm = boto3.client("acm", config=config)
        self._key_files = key_files

    def configuration(self) -> Deployed:
        """All listeners and the target groups they use."""
        listeners = []
        for balancer in self._all("describe_load_balancers", "LoadBalancers"):
            arn = balancer["LoadBalancerArn"]
            attributes = self._elb.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]
            described = self._all("describe_listeners", "Listeners", LoadBalancerArn=arn)
            listeners += [self._listener(listener, _values(attributes)) for listener in described]
        groups = {}
        for group in self._all("describe_target_groups", "TargetGroups"):
            if group["LoadBalancerArns"]:
                arn = group["TargetGroupArn"]
                attributes = self._elb.describe_target_group_attributes(TargetGroupArn=arn)["Attributes"]
                groups[arn] = TargetGroup(group, _values(attributes))
        return Deployed(listeners, groups)

    def health(self, group_arn: str) -> list[dict[str, Any]]:
        """DescribeTargetHealth's descriptions."""
        found = self._elb.describe_target_health(TargetGroupArn=group_arn)["TargetHealthDescriptions"]
        return [dict(description) for description in found]

    def _listener(self, listener: dict[str, Any], load_balancer: dict[str, str]) -> Listener:
        arn = listener["ListenerArn"]
        certificates = listener.get("Certificates", [])
        return Listener(
            description=listener,
            attributes=_values(self._elb.describe_listener_attributes(ListenerArn=arn)["Attributes"]),
            load_balancer=load_balancer,
            rules=self._all("describe_rules", "Rules", ListenerArn=arn),
            certificate=self._certificate(certificates[0]["CertificateArn"]) if certificates else None,
        )

    def _certificate(self, arn: str) -> Certificate | None:
        """The certificate's body as ACM gives it, and the local file with its private key, which ACM never gives."""
        body = self._acm.get_certificate(CertificateArn=arn)
        wanted = _public_bytes(x509.load_pem_x509_certificate(body["Certificate"].encode()).public_key())
        for file in self._key_files:
            if file.exists():
                key = serialization.load_pem_private_key(file.read_bytes(), None)
                if _public_bytes(key.public_key()) == wanted:
                    chain = "\n".join(part.strip() for part in (body["Certificate"], body.get("CertificateChain", "")))
                    return Certificate(arn, chain.strip() + "\n", str(file))
        return None

    def _all(self, operation: str, field: str, **request: str) -> list[dict[str, Any]]:
        pages = self._elb.get_paginator(operation).paginate(**request)
        return [item for page in pages for item in page[field]]


def _values(attributes: Any) -> dict[str, str]:
    return {attribute["Key"]: attribute.get("Value", "") for attribute in attributes}


def _public_bytes(key: Any) -> bytes:
    encoded: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return encoded
