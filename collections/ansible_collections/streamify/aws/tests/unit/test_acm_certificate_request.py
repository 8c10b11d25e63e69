# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates that ACM issues: what is asked of ACM and Route 53, what is waited for, and what a failure says."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest

from .conftest import FakeAws, refusal

Run = Callable[..., dict[str, Any]]
ARN = "arn:aws:acm:eu-central-1:123456789012:certificate/1"
OTHER = "arn:aws:acm:eu-central-1:123456789012:certificate/2"
VALUE = "_v.validations.acm-validations.aws."
ZONES = {
    "HostedZones": [
        {"Id": "/hostedzone/ZTOP", "Name": "example.com.", "CallerReference": "1"},
        {"Id": "/hostedzone/ZINNER", "Name": "eu.example.com.", "CallerReference": "2"},
        {
            "Id": "/hostedzone/ZPRIVATE",
            "Name": "api.example.com.",
            "CallerReference": "3",
            "Config": {"PrivateZone": True},
        },
    ],
    "Marker": "",
    "IsTruncated": False,
    "MaxItems": "100",
}
ASKED = {"name": "public", "domain_name": "api.example.com"}


def detail(status: str = "ISSUED", *names: str, arn: str = ARN, records: bool = True, **fields: Any) -> dict[str, Any]:
    """Return what DescribeCertificate answers."""
    every = list(names or ("api.example.com",))
    options = []
    for name in every:
        record = {"Name": f"_n.{name.removeprefix('*.')}.", "Type": "CNAME", "Value": VALUE}
        shown = "SUCCESS" if status == "ISSUED" else "PENDING_VALIDATION"
        options.append(
            {"DomainName": name, "ValidationStatus": shown} | ({"ResourceRecord": record} if records else {})
        )
    return {
        "Certificate": {
            "CertificateArn": arn,
            "DomainName": every[0],
            "SubjectAlternativeNames": every,
            "Status": status,
            "Type": "AMAZON_ISSUED",
            "KeyAlgorithm": "RSA-2048",
            "DomainValidationOptions": options,
            **fields,
        }
    }


def listed(*arns: str) -> dict[str, Any]:
    return {"CertificateSummaryList": [{"CertificateArn": arn, "DomainName": "api.example.com"} for arn in arns]}


def record_sets(*names: str) -> dict[str, Any]:
    return {
        "ResourceRecordSets": [
            {"Name": f"_n.{name}.", "Type": "CNAME", "TTL": 300, "ResourceRecords": [{"Value": VALUE}]}
            for name in names
        ],
        "IsTruncated": False,
        "MaxItems": "1",
    }


@pytest.fixture(autouse=True)
def _nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("time.sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    from ansible_collections.streamify.aws.plugins.module_utils.core import waiting

    monkeypatch.setattr(waiting.Waiter.__init__, "__defaults__", (0.5, 10.0, lambda: now[0], waiting.time.sleep))


@pytest.fixture
def empty(aws: FakeAws) -> FakeAws:
    """An account with zones and no certificate; one that is requested is issued when it is asked for the third time."""
    aws.answer("ListCertificates", listed(), listed(ARN))
    aws.answer("ListTagsForCertificate", {"Tags": [{"Key": "Name", "Value": "public"}]})
    aws.answer("ListHostedZones", ZONES)
    aws.answer("ListResourceRecordSets", record_sets())
    aws.answer("RequestCertificate", {"CertificateArn": ARN})
    changed = {"ChangeInfo": {"Id": "C1", "Status": "PENDING", "SubmittedAt": "2026-01-01T00:00:00Z"}}
    aws.answer("ChangeResourceRecordSets", changed)
    aws.answer(
        "DescribeCertificate", detail("PENDING_VALIDATION", records=False), detail("PENDING_VALIDATION"), detail()
    )
    return aws


def test_a_certificate_is_requested_its_record_written_and_its_issue_awaited(empty: FakeAws, run: Run) -> None:
    result = run("acm_certificate_request", {**ASKED, "tags": {"a": "b"}})
    assert result["changed"], result
    assert result["certificate"]["status"] == "ISSUED"
    (request,) = empty.requests("RequestCertificate")
    assert request == {
        "DomainName": "api.example.com",
        "ValidationMethod": "DNS",
        "KeyAlgorithm": "RSA_2048",
        "Options": {"CertificateTransparencyLoggingPreference": "ENABLED"},
        "Tags": [{"Key": "Name", "Value": "public"}, {"Key": "a", "Value": "b"}],
    }
    (change,) = empty.requests("ChangeResourceRecordSets")
    assert change["HostedZoneId"] == "ZTOP", "a private zone of the same name shows nothing"
    assert change["ChangeBatch"]["Changes"] == [
        {
            "Action": "UPSERT",
            "ResourceRecordSet": {
                "Name": "_n.api.example.com.",
                "Type": "CNAME",
                "TTL": 300,
                "ResourceRecords": [{"Value": VALUE}],
            },
        }
    ]


def test_each_name_is_shown_in_the_nearest_zone_above_it_and_a_wildcard_shares_its_record(
    empty: FakeAws, run: Run
) -> None:
    names = ("a.eu.example.com", "*.a.eu.example.com", "media.example.com")
    empty.answer("DescribeCertificate", detail("PENDING_VALIDATION", *names), detail("ISSUED", *names))
    asked = {"name": "public", "domain_name": names[0], "subject_alternative_names": [*names[1:], names[0].upper()]}
    assert run("acm_certificate_request", asked)["changed"]
    assert empty.requests("RequestCertificate")[0]["SubjectAlternativeNames"] == list(names[1:])
    written = {
        request["HostedZoneId"]: [change["ResourceRecordSet"]["Name"] for change in request["ChangeBatch"]["Changes"]]
        for request in empty.requests("ChangeResourceRecordSets")
    }
    assert written == {"ZINNER": ["_n.a.eu.example.com."], "ZTOP": ["_n.media.example.com."]}


def test_check_mode_foretells_a_request_and_asks_for_nothing(empty: FakeAws, run: Run) -> None:
    result = run("acm_certificate_request", ASKED, check=True)
    assert result["changed"]
    assert result["certificate"]["certificate_arn"].endswith(":certificate/(known after apply)")
    assert result["diff"]["after"]["names"] == ["api.example.com"]
    assert empty.changes() == []


@pytest.mark.parametrize("check", [True, False])
def test_a_name_without_a_zone_is_refused_before_anything_is_requested(empty: FakeAws, run: Run, check: bool) -> None:
    asked = {**ASKED, "subject_alternative_names": ["api.elsewhere.org"]}
    result = run("acm_certificate_request", asked, check=check)
    assert result["failed"]
    assert "no public hosted zone of this account is above api.elsewhere.org" in result["msg"]
    assert "write_records: false" in result["msg"]
    assert empty.changes() == []


def test_two_public_zones_of_one_name_ask_which(empty: FakeAws, run: Run) -> None:
    twice = [*ZONES["HostedZones"], {"Id": "/hostedzone/ZAGAIN", "Name": "example.com.", "CallerReference": "4"}]  # type: ignore[misc]
    empty.answer("ListHostedZones", {**ZONES, "HostedZones": twice})
    assert "say which with zone_id" in run("acm_certificate_request", ASKED)["msg"]
    assert run("acm_certificate_request", {**ASKED, "zone_id": "/hostedzone/ZAGAIN"})["changed"]
    assert empty.requests("ChangeResourceRecordSets")[0]["HostedZoneId"] == "ZAGAIN"


def test_a_validation_that_takes_too_long_names_domain_record_zone_and_name_servers(empty: FakeAws, run: Run) -> None:
    empty.answer("DescribeCertificate", detail("PENDING_VALIDATION"))
    zone = {"HostedZone": ZONES["HostedZones"][0], "DelegationSet": {"NameServers": ["ns-1.awsdns.com"]}}  # type: ignore[index]
    empty.answer("GetHostedZone", zone)
    result = run("acm_certificate_request", {**ASKED, "wait_timeout": 60})
    assert result["failed"]
    for part in (
        "public of api.example.com was not issued within 60 seconds",
        f"for api.example.com _n.api.example.com. CNAME {VALUE}",
        "hosted zone example.com (ZTOP; ns-1.awsdns.com)",
        "does the domain's registrar delegate to these name servers",
        "run again to go on waiting",
    ):
        assert part in result["msg"]
    assert result["validation_records"][0]["name"] == "_n.api.example.com."


def test_a_run_after_that_goes_on_waiting_for_the_same_request(empty: FakeAws, run: Run) -> None:
    empty.answer("ListCertificates", listed(ARN))
    empty.answer("ListResourceRecordSets", record_sets("api.example.com"))
    pending = detail("PENDING_VALIDATION")
    empty.answer("DescribeCertificate", pending, pending, pending, detail())
    result = run("acm_certificate_request", ASKED)
    assert result["changed"]
    assert result["diff"] == {"before": {"status": "PENDING_VALIDATION"}, "after": {"status": "ISSUED"}}
    assert empty.changes() == [], "the record stands already"


def test_what_acm_refuses_to_issue_is_told_with_its_reason(empty: FakeAws, run: Run) -> None:
    empty.answer("DescribeCertificate", detail("PENDING_VALIDATION"), detail("FAILED", FailureReason="CAA_ERROR"))
    message = run("acm_certificate_request", ASKED)["msg"]
    assert "did not issue the certificate public of api.example.com: it is FAILED, CAA_ERROR: a CAA record" in message


def test_an_issued_certificate_is_left_alone_and_one_without_its_record_gets_it_back(empty: FakeAws, run: Run) -> None:
    empty.answer("ListCertificates", listed(ARN))
    empty.answer("DescribeCertificate", detail())
    empty.answer("ListResourceRecordSets", record_sets("api.example.com"))
    for check in (True, False):
        assert run("acm_certificate_request", ASKED, check=check)["changed"] is False
    empty.answer("ListResourceRecordSets", record_sets("other.example.com"))
    foretold = run("acm_certificate_request", ASKED, check=True)
    assert foretold["diff"] == {
        "before": {"validation_records": []},
        "after": {"validation_records": [f"_n.api.example.com. CNAME {VALUE}"]},
    }
    assert empty.changes() == []
    assert run("acm_certificate_request", ASKED)["changed"]
    assert empty.changes() == ["ChangeResourceRecordSets"]


@pytest.mark.parametrize(
    "there",
    [
        detail("ISSUED", "old.example.com", arn=OTHER),
        detail("ISSUED", arn=OTHER, KeyAlgorithm="EC-prime256v1"),
        detail("EXPIRED", arn=OTHER),
        detail("VALIDATION_TIMED_OUT", arn=OTHER),
    ],
    ids=["other name", "other key", "expired", "timed out"],
)
def test_other_names_make_another_certificate_and_the_one_before_stays(
    empty: FakeAws, run: Run, there: dict[str, Any]
) -> None:
    def describe(request: dict[str, Any]) -> dict[str, Any]:
        return there if request["CertificateArn"] == OTHER else detail()

    empty.answer("ListCertificates", listed(OTHER), listed(OTHER, ARN))
    empty.answer("DescribeCertificate", describe)
    result = run("acm_certificate_request", ASKED)
    assert result["changed"], result
    assert result["certificate"]["certificate_arn"] == ARN
    assert result["certificate"]["superseded"] == [OTHER]
    assert "DeleteCertificate" not in empty.changes()


def test_an_imported_certificate_of_the_name_is_none_of_ours(empty: FakeAws, run: Run) -> None:
    imported = detail(Type="IMPORTED", arn=OTHER)
    empty.answer("ListCertificates", listed(OTHER))
    empty.answer("DescribeCertificate", imported)
    assert run("acm_certificate_request", ASKED, check=True)["changed"]
    assert run("acm_certificate_request", {"name": "public", "state": "absent"})["changed"] is False


def test_records_of_a_domain_that_is_served_elsewhere_are_returned(empty: FakeAws, run: Run) -> None:
    elsewhere = {"name": "public", "domain_name": "api.elsewhere.org", "write_records": False, "wait": False}
    empty.answer("DescribeCertificate", detail("PENDING_VALIDATION", "api.elsewhere.org"))
    result = run("acm_certificate_request", elsewhere)
    assert result["certificate"]["domain_validation_options"][0]["resource_record"]["value"] == VALUE
    assert empty.changes() == ["RequestCertificate"]


def test_a_removal_keeps_the_records_that_another_certificate_is_renewed_by(empty: FakeAws, run: Run) -> None:
    names = ("api.example.com", "media.example.com")
    elsewhere = detail("ISSUED", "media.example.com", arn=OTHER)
    empty.answer("ListCertificates", listed(ARN), listed(OTHER))
    empty.answer(
        "DescribeCertificate", lambda asked: elsewhere if asked["CertificateArn"] == OTHER else detail("ISSUED", *names)
    )
    empty.answer("ListResourceRecordSets", lambda asked: record_sets(asked["StartRecordName"][3:-1]))
    empty.answer("DeleteCertificate", refusal("DeleteCertificate", "ResourceInUseException"), {})
    gone = {"name": "public", "state": "absent", "delete_records": True}
    assert run("acm_certificate_request", gone)["changed"]
    assert [request["CertificateArn"] for request in empty.requests("DeleteCertificate")] == [ARN, ARN]
    (request,) = empty.requests("ChangeResourceRecordSets")
    (change,) = request["ChangeBatch"]["Changes"]
    assert (change["Action"], change["ResourceRecordSet"]["Name"]) == ("DELETE", "_n.api.example.com.")


@pytest.mark.integration
class TestAgainstTheEmulator:
    """The whole way: the emulator issues a certificate when the record stands, and not before."""

    asked = {"name": "coll-public", "domain_name": "api.cert.example", "wait_timeout": 30}  # noqa: RUF012 - never changed

    @pytest.fixture
    def route53(self, patched_emulator: str) -> Any:
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        client = boto3.client("route53", endpoint_url=patched_emulator, region_name="eu-central-1", **keys)  # type: ignore[call-overload]
        if not any(zone["Name"] == "cert.example." for zone in client.list_hosted_zones()["HostedZones"]):
            client.create_hosted_zone(Name="cert.example", CallerReference="cert")
        return client

    @staticmethod
    def records(route53: Any) -> list[str]:
        (zone,) = [each for each in route53.list_hosted_zones()["HostedZones"] if each["Name"] == "cert.example."]
        listing = route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
        return [each["Name"] for each in listing if each["Type"] == "CNAME"]

    def test_request_check_change_and_remove(self, module: Run, route53: Any) -> None:
        assert module("acm_certificate_request", self.asked, check=True)["changed"]
        assert self.records(route53) == []
        made = module("acm_certificate_request", {**self.asked, "tags": {"a": "b"}})
        assert made["certificate"]["status"] == "ISSUED", made
        assert len(self.records(route53)) == 1
        for check in (True, False):
            again = module("acm_certificate_request", {**self.asked, "tags": {"a": "b"}}, check=check)
            assert again["changed"] is False, again
        tagged = module("acm_certificate_request", {**self.asked, "tags": {"a": "c"}})
        assert tagged["certificate"]["tags"] == {"a": "c"}
        wider = {**self.asked, "subject_alternative_names": ["*.cert.example"]}
        other = module("acm_certificate_request", wider)["certificate"]
        assert other["superseded"] == [made["certificate"]["certificate_arn"]]
        cdn = {**self.asked, "region": "us-east-1"}
        assert module("acm_certificate_request", cdn)["certificate"]["certificate_arn"].split(":")[3] == "us-east-1"
        gone = {"name": "coll-public", "state": "absent", "delete_records": True}
        assert module("acm_certificate_request", gone)["changed"]
        assert len(self.records(route53)) == 1, "us-east-1's certificate is renewed by one of the two"
        assert module("acm_certificate_request", {**gone, "region": "us-east-1"})["changed"]
        assert self.records(route53) == []
        assert module("acm_certificate_request", gone)["changed"] is False

    def test_what_nobody_shows_is_not_issued(self, module: Run, route53: Any) -> None:
        asked = {**self.asked, "name": "coll-unshown", "domain_name": "unshown.cert.example", "write_records": False}
        result = module("acm_certificate_request", {**asked, "wait_timeout": 1})
        assert "unshown.cert.example" in result["msg"]
        assert "Write these records where the domain is served" in result["msg"]
        assert module("acm_certificate_request", {**asked, "state": "absent"})["changed"]
