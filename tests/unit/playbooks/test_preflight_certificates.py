# SPDX-License-Identifier: Apache-2.0
"""What preflight finds in certificates that are there, and in those that are to be requested."""

import datetime as dt
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ClientError

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


@pytest.mark.parametrize(
    ("pattern", "host", "covered"),
    [
        ("api.example.com", "API.example.com", True),
        ("*.example.com", "api.example.com", True),
        ("*.example.com", "a.api.example.com", False),
        ("*.example.com", "example.com", False),
    ],
)
def test_a_wildcard_stands_for_one_label(
    preflight_certificates: ModuleType, pattern: str, host: str, covered: bool
) -> None:
    assert preflight_certificates.covers(pattern, host) is covered


def test_certificates_are_judged_by_names_dates_and_region(preflight_certificates: ModuleType) -> None:
    kept = {
        "arn:aws:acm:eu-central-1:1:certificate/1": preflight_certificates.Certificate(
            ["api.example.com"], NOW - DAY, NOW + DAY
        ),
        "arn:aws:acm:eu-central-1:1:certificate/2": preflight_certificates.Certificate(
            ["*.example.com"], NOW - DAY, NOW
        ),
        "arn:aws:acm:us-east-1:1:certificate/3": preflight_certificates.Certificate(
            ["media.example.com"], NOW - DAY, NOW + DAY
        ),
    }
    first, second, third = ({"arn": arn} for arn in kept)
    names = {"public": ["api.example.com"], "internal": ["grpc.example.com"], "cdn": ["media.example.com"]}

    def findings(sources: dict[str, dict[str, str]]) -> list[str]:
        found: list[str] = preflight_certificates.certificate_findings(
            sources, names, NOW, lambda source: kept[source["arn"]]
        )
        return found

    assert findings({"public": first, "internal": first, "cdn": third}) == [
        "certificate_sources.internal: it covers api.example.com, not grpc.example.com; request one with that name"
    ]
    assert findings({"public": first, "internal": second, "cdn": third}) == [
        "certificate_sources.internal: it expired on 2026-01-01; renew it"
    ]
    wrong = findings({"public": first, "internal": first, "cdn": first})
    assert any("is not of us-east-1" in finding for finding in wrong)
    assert any("certificate_sources.public: there is none" in each for each in findings({"internal": first}))
    assert any("certificate_sources.cdn: there is none" in each for each in findings({"public": first}))


class Aws:
    """Route 53 with two zones, and a Service Quotas that allows so many names."""

    def __init__(self, names: int | None = None) -> None:
        self._names = names

    def __call__(self, service: str, region: str) -> Any:
        return self

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_hosted_zones"
        return self

    def paginate(self) -> list[dict[str, Any]]:
        private = {"Id": "/hostedzone/Z2", "Name": "internal.example.org.", "Config": {"PrivateZone": True}}
        return [{"HostedZones": [{"Id": "/hostedzone/Z1", "Name": "example.com."}, private]}]

    def get_service_quota(self, **_: Any) -> dict[str, Any]:
        if self._names is None:
            raise ClientError({"Error": {"Code": "AccessDenied"}}, "GetServiceQuota")
        return {"Quota": {"Value": float(self._names)}}


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"domain_name": "grpc.internal.example.com"}, None),
        ({"domain_name": "*.example.com", "subject_alternative_names": ["example.com"]}, None),
        ({"domain_name": "api.example.org", "write_records": False}, None),
        ({"domain_name": "api.example.com", "zone_id": "Z1"}, None),
        ({"domain_name": "api.internal.example.org"}, "no public hosted zone of this account is above api.internal"),
        ({"domain_name": "api.example.com", "zone_id": "Z2"}, "there is no public hosted zone Z2"),
        ({"domain_name": "x" * 60 + ".example.com"}, "72 characters, a certificate's first name at most 64"),
        ({"domain_name": "localhost"}, "is no public domain name"),
        ({"domain_name": "a.*.example.com"}, "a wildcard as the first label only"),
        (
            {"domain_name": "api.example.com", "subject_alternative_names": [f"{n}.example.com" for n in range(10)]},
            "has 11 names, 10 are allowed",
        ),
    ],
)
def test_what_acm_would_not_issue_is_named(
    preflight_certificates: ModuleType, source: dict[str, Any], said: str | None
) -> None:
    found = list(preflight_certificates.request_findings({"public": source}, Aws(), "eu-central-1"))
    if said is None:
        assert found == []
    else:
        assert any(said in finding for finding in found), found
        assert all("certificate_sources.public" in finding for finding in found)


def test_the_accounts_own_quota_of_names_counts(preflight_certificates: ModuleType) -> None:
    names = [f"{n}.example.com" for n in range(10)]
    source = {"public": {"domain_name": "api.example.com", "subject_alternative_names": names}}
    assert list(preflight_certificates.request_findings(source, Aws(names=100), "eu-central-1")) == []


def test_a_requested_certificate_is_judged_by_the_names_that_are_asked_for(preflight_certificates: ModuleType) -> None:
    read = preflight_certificates.reader(None)
    sources = {"public": {"domain_name": "*.example.com"}, "internal": {"domain_name": "api.example.com"}}
    names = {"public": ["api.example.com"], "internal": ["grpc.example.com"], "cdn": []}
    found = preflight_certificates.certificate_findings(sources, names, dt.datetime.now(dt.UTC), read)
    assert found == [
        "certificate_sources.internal: it covers api.example.com, not grpc.example.com; request one with that name"
    ]
