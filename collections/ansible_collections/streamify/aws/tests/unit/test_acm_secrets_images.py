# SPDX-License-Identifier: GPL-3.0-or-later
"""Imported certificates, secrets and images: what is asked of AWS, and what nobody is shown."""

import base64
import datetime
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import FakeAws, refusal
from .test_iam_acm_secrets import pair

Run = Callable[..., dict[str, Any]]
ARN = "arn:aws:acm:eu-central-1:123456789012:certificate/1"
SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:s-AbCdEf"
CERTIFICATE, KEY = pair()


class TestCertificate:
    asked = {"name": "public", "certificate": CERTIFICATE, "private_key": KEY}  # noqa: RUF012 - never changed

    @pytest.fixture(autouse=True)
    def _imported(self, aws: FakeAws) -> None:
        summary = {"CertificateArn": ARN, "DomainName": "localhost"}
        aws.answer("ListCertificates", {"CertificateSummaryList": [summary]})
        aws.answer("ListTagsForCertificate", {"Tags": [{"Key": "Name", "Value": "public"}]})
        aws.answer("GetCertificate", {"Certificate": CERTIFICATE.replace("\n", "\r\n")})

    def test_the_same_certificate_is_left_alone(self, aws: FakeAws, run: Run) -> None:
        result = run("acm_certificate", self.asked)
        assert result["changed"] is False, result
        assert aws.changes() == []
        assert "EC_prime256v1" in aws.requests("ListCertificates")[0]["Includes"]["keyTypes"]

    def test_a_renewed_one_keeps_its_arn_and_its_key_is_not_shown(self, aws: FakeAws, run: Run) -> None:
        certificate, key = pair()
        result = run("acm_certificate", {**self.asked, "certificate": certificate, "private_key": key})
        assert result["changed"]
        (request,) = aws.requests("ImportCertificate")
        assert request["CertificateArn"] == ARN
        assert request["PrivateKey"] == key.encode()
        result.pop("invocation", None)
        assert "PRIVATE" not in repr(result)

    def test_two_of_one_name_are_refused(self, aws: FakeAws, run: Run) -> None:
        summary = {"CertificateArn": ARN, "DomainName": "localhost"}
        aws.answer("ListCertificates", {"CertificateSummaryList": [summary, summary]})
        assert "more than one certificate is named public" in run("acm_certificate", self.asked)["msg"]

    @pytest.mark.parametrize(
        ("text", "message"), [("nonsense", "holds 0 certificates"), (CERTIFICATE + CERTIFICATE, "holds 2 certificates")]
    )
    def test_a_text_that_is_not_one_certificate_is_refused(self, run: Run, text: str, message: str) -> None:
        assert message in run("acm_certificate", {**self.asked, "certificate": text})["msg"]

    def test_a_removal_waits_for_what_uses_it(self, aws: FakeAws, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("time.sleep", lambda _seconds: None)
        aws.answer("DeleteCertificate", refusal("DeleteCertificate", "ResourceInUseException"), {})
        assert run("acm_certificate", {"name": "public", "state": "absent"})["changed"]
        assert len(aws.requests("DeleteCertificate")) == 2


class TestSecret:
    asked = {"name": "s", "secret_string": "first-value"}  # noqa: RUF012 - never changed

    @pytest.fixture(autouse=True)
    def _stored(self, aws: FakeAws) -> None:
        aws.answer("DescribeSecret", {"ARN": SECRET, "Name": "s"})
        aws.answer("GetSecretValue", {"ARN": SECRET, "Name": "s", "SecretString": "first-value", "VersionId": "v" * 32})

    def test_only_another_value_is_stored_and_none_is_shown(self, aws: FakeAws, run: Run) -> None:
        assert run("secretsmanager_secret", self.asked)["changed"] is False
        result = run("secretsmanager_secret", {**self.asked, "secret_string": "second-value"})
        assert result["changed"]
        assert aws.requests("UpdateSecret") == [{"SecretId": SECRET, "SecretString": "second-value"}]
        assert "first-value" not in repr(result)
        assert "second-value" not in repr(result)

    def test_one_that_awaits_deletion_is_not_brought_back_silently(self, aws: FakeAws, run: Run) -> None:
        gone = {"ARN": SECRET, "Name": "s", "DeletedDate": datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)}
        aws.answer("DescribeSecret", gone)
        assert "awaits its deletion" in run("secretsmanager_secret", self.asked)["msg"]
        absent = {"name": "s", "state": "absent"}
        assert run("secretsmanager_secret", absent)["changed"] is False
        assert run("secretsmanager_secret", {**absent, "recovery_window": 0})["changed"]
        assert aws.requests("DeleteSecret") == [{"SecretId": SECRET, "ForceDeleteWithoutRecovery": True}]

    def test_a_removal_can_be_taken_back_for_30_days(self, aws: FakeAws, run: Run) -> None:
        run("secretsmanager_secret", {"name": "s", "state": "absent"})
        assert aws.requests("DeleteSecret") == [{"SecretId": SECRET, "RecoveryWindowInDays": 30}]

    def test_a_key_of_another_type_is_not_overwritten(self, aws: FakeAws, run: Run) -> None:
        aws.answer("GetSecretValue", {"ARN": SECRET, "Name": "s", "SecretString": KEY, "VersionId": "v" * 32})
        refused = run("secretsmanager_key_pair", {"name": "s", "key_type": "RSA_2048"})
        assert refused["replacement_needed"] == ["key_type"]
        assert aws.changes() == []


class TestImage:
    def test_a_login_is_asked_for_only_when_something_is_to_be_pushed(self, aws: FakeAws, run: Run) -> None:
        token = base64.b64encode(b"AWS:pass:word").decode()
        data = {"authorizationToken": token, "proxyEndpoint": "https://registry"}
        aws.answer("GetAuthorizationToken", {"authorizationData": [data]})
        aws.answer("DescribeImages", {"imageDetails": [{"imageDigest": "sha256:1", "imageTags": ["v1"]}]})
        asked = {"repository": "api", "image_tag": "v1", "login": True}
        assert run("ecr_image_info", asked)["login"] == {}
        aws.fail("DescribeImages", "ImageNotFoundException")
        found = run("ecr_image_info", asked)
        assert found["images"] == []
        assert found["login"] == {"registry": "https://registry", "username": "AWS", "password": "pass:word"}
        assert len(aws.requests("GetAuthorizationToken")) == 1

    def test_a_refusal_is_told(self, aws: FakeAws, run: Run) -> None:
        aws.fail("DescribeImages", "AccessDeniedException")
        assert (
            "ECR could not be asked about api" in run("ecr_image_info", {"repository": "api", "image_tag": "v1"})["msg"]
        )

    def test_a_name_that_no_repository_can_have_is_one_sentence(self, run: Run) -> None:
        refused = run("ecr_image_info", {"repository": "r", "image_tag": "v1"})
        assert refused["failed"]
        assert "AWS's DescribeImages does not take this request" in refused["msg"]
