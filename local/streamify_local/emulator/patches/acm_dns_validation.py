# SPDX-License-Identifier: Apache-2.0
"""ACM issues a requested certificate when its validation records stand in Route 53, and not before.

https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html. ministack issues at once whatever was asked, tells
RSA_2048 of every key and nothing of a certificate's type in lists. Here a record counts when a public hosted zone of
the account holds it; whether a registrar delegates to that zone only AWS can show.
"""

import hashlib
import json
from typing import Any

from ministack.core.responses import error_response_json, json_response
from ministack.services import acm, route53

KEPT = ("KeyAlgorithm", "Options")


def record(domain: str) -> dict[str, str]:
    """The record that shows whose a name is; a wildcard's is that of the name under it, in every region."""
    base = domain.removeprefix("*.").rstrip(".").lower()
    digest = hashlib.sha256(base.encode()).hexdigest()
    return {
        "Name": f"_{digest[:32]}.{base}.",
        "Type": "CNAME",
        "Value": f"_{digest[32:]}.validations.acm-validations.aws.",
    }


def stands(wanted: dict[str, str]) -> bool:
    """Whether a public hosted zone of the account holds a record."""
    held = [
        found
        for zone_id, zone in route53._zones.items()
        if not zone.get("private")
        for found in route53._records.get(zone_id) or []
    ]
    return any(_plain(found["Name"]) == _plain(wanted["Name"]) and _holds(found, wanted["Value"]) for found in held)


def _holds(found: dict[str, Any], value: str) -> bool:
    return found["Type"] == "CNAME" and [_plain(each) for each in found.get("ResourceRecords") or []] == [_plain(value)]


def _plain(name: str) -> str:
    return name.lower().rstrip(".")


def refresh(certificate: dict[str, Any]) -> None:
    """Issue a certificate whose names are all shown."""
    if certificate["Status"] != "PENDING_VALIDATION":
        return
    for option in certificate["DomainValidationOptions"]:
        option["ValidationStatus"] = "SUCCESS" if stands(option["ResourceRecord"]) else "PENDING_VALIDATION"
    if all(option["ValidationStatus"] == "SUCCESS" for option in certificate["DomainValidationOptions"]):
        certificate["Status"] = "ISSUED"
        certificate["IssuedAt"] = acm.now_iso()


def apply() -> None:
    """Hold a request back until its records stand."""
    request, describe, listing, shape = (
        acm._request_certificate, acm._describe_certificate, acm._list_certificates, acm._cert_shape,
    )  # fmt: skip

    def request_certificate(data: dict[str, Any]) -> Any:
        if len(data.get("DomainName", "")) > 64:
            text = f"1 validation error: the first domain name can be no longer than 64 octets: {data['DomainName']}"
            return error_response_json("InvalidDomainValidationOptionsException", text, 400)
        answer = request(data)
        if answer[0] == 200:
            made = acm._certificates[json.loads(answer[2])["CertificateArn"]]
            made.update({field: data[field] for field in KEPT if field in data})
            if data.get("ValidationMethod", "DNS") == "DNS":
                made["Status"] = "PENDING_VALIDATION"
                for option in made["DomainValidationOptions"]:
                    option |= {
                        "ValidationStatus": "PENDING_VALIDATION",
                        "ResourceRecord": record(option["DomainName"]),
                    }
        return answer

    def describe_certificate(data: dict[str, Any]) -> Any:
        if found := acm._get_local_certificate(data.get("CertificateArn", "")):
            refresh(found)
        return describe(data)

    def list_certificates(data: dict[str, Any]) -> Any:
        for found in acm._certificates.values():
            refresh(found)
        status, headers, body = listing(data)
        told = json.loads(body)
        for summary in told.get("CertificateSummaryList", []):
            found = acm._certificates[summary["CertificateArn"]]
            summary |= {
                "Type": found.get("Type", "AMAZON_ISSUED"),
                "KeyAlgorithm": found.get("KeyAlgorithm", "RSA_2048"),
            }
        return json_response(told) if status == 200 else (status, headers, body)

    def cert_shape(certificate: dict[str, Any]) -> Any:
        made = shape(certificate)
        # DescribeCertificate writes RSA-2048 where requests write RSA_2048.
        made["KeyAlgorithm"] = str(certificate.get("KeyAlgorithm", "RSA_2048")).replace("RSA_", "RSA-")
        if certificate["Status"] == "PENDING_VALIDATION":
            for field in ("IssuedAt", "NotBefore", "NotAfter"):
                made.pop(field, None)
        return made

    acm._request_certificate, acm._describe_certificate = request_certificate, describe_certificate
    acm._list_certificates, acm._cert_shape = list_certificates, cert_shape
