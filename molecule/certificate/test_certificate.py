# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: S101
"""Certificates: what AWS reports, without any of the role's variables. Run by verify.yml."""

import datetime

from cryptography import x509
from reported import NAME, aws, tags_of


def test_certificates_are_imported_and_cover_their_names() -> None:
    client = aws("acm")
    found = {}
    for summary in client.list_certificates()["CertificateSummaryList"]:
        arn = summary["CertificateArn"]
        name = tags_of(client.list_tags_for_certificate(CertificateArn=arn)).get("Name", "")
        found[name] = client.get_certificate(CertificateArn=arn)["Certificate"]
    for kind in ("public", "internal"):
        certificate = x509.load_pem_x509_certificate(found[f"{NAME}-{kind}"].encode())
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        assert names.get_values_for_type(x509.DNSName)
        assert certificate.not_valid_after_utc > datetime.datetime.now(datetime.UTC)
