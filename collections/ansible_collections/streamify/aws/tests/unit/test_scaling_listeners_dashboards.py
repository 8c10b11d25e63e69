# SPDX-License-Identifier: GPL-3.0-or-later
"""Scaling, listener attributes and dashboards: what counts as a difference, and what AWS is asked."""

from collections.abc import Callable
from typing import Any

import pytest

from .conftest import FakeAws

Run = Callable[..., dict[str, Any]]
PLACE = {"ServiceNamespace": "ecs", "ResourceId": "service/c/s", "ScalableDimension": "ecs:service:DesiredCount"}
TARGET = {
    **PLACE,
    "MinCapacity": 3,
    "MaxCapacity": 9,
    "RoleARN": "arn:role",
    "CreationTime": 0,
    "SuspendedState": {"DynamicScalingInSuspended": False},
    "ScalableTargetARN": "arn:target",
}
METRIC = {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}
BALANCER = "arn:aws:elasticloadbalancing:eu-central-1:1:loadbalancer/app/b/1"
SERVER = "routing.http.response.server.enabled"


class TestScalableTarget:
    def test_bounds_are_compared_and_only_what_differs_is_said(self, aws: FakeAws, run: Run) -> None:
        aws.answer("DescribeScalableTargets", {"ScalableTargets": [TARGET]})
        asked = {"resource_id": "service/c/s", "min_capacity": 3, "max_capacity": 9}
        assert not run("scalable_target", asked)["changed"]
        result = run("scalable_target", {**asked, "min_capacity": 4})
        assert result["diff"] == {"before": {"min_capacity": 3}, "after": {"min_capacity": 4}}
        assert aws.requests("RegisterScalableTarget") == [{**PLACE, "MinCapacity": 4}]

    def test_a_target_without_an_arn_has_no_tags(self, aws: FakeAws, run: Run) -> None:
        old = {key: value for key, value in TARGET.items() if key != "ScalableTargetARN"}
        aws.answer("DescribeScalableTargets", {"ScalableTargets": [old]})
        assert not run("scalable_target", {"resource_id": "service/c/s", "min_capacity": 3, "max_capacity": 9})[
            "changed"
        ]
        assert aws.requests("ListTagsForResource") == []

    def test_bounds_are_required(self, run: Run) -> None:
        assert "max_capacity" in run("scalable_target", {"resource_id": "service/c/s", "min_capacity": 3})["msg"]


class TestScalingPolicy:
    def policy(self, **configuration: Any) -> dict[str, Any]:
        whole = {"TargetValue": 50.0, "PredefinedMetricSpecification": METRIC, **configuration}
        return {
            **PLACE,
            "PolicyARN": "arn:policy",
            "PolicyName": "cpu",
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": whole,
            "CreationTime": 0,
        }

    def asked(self, **configuration: Any) -> dict[str, Any]:
        metric = {"predefined_metric_type": METRIC["PredefinedMetricType"]}
        whole = {"target_value": 50, "predefined_metric_specification": metric, **configuration}
        return {
            "name": "cpu",
            "resource_id": "service/c/s",
            "target_tracking_scaling_policy_configuration": whole,
        }

    @pytest.mark.parametrize(
        "told", [{}, {"DisableScaleIn": False}, {"ScaleInCooldown": 300, "ScaleOutCooldown": 300}], ids=str
    )
    def test_defaults_are_the_same_told_or_not(self, aws: FakeAws, run: Run, told: dict[str, Any]) -> None:
        aws.answer("DescribeScalingPolicies", {"ScalingPolicies": [self.policy(**told)]})
        assert run("scaling_policy", self.asked())["changed"] is False
        assert aws.changes() == []

    @pytest.mark.parametrize(
        "drift",
        [
            {"TargetValue": 80.0},
            {"DisableScaleIn": True},
            {"ScaleOutCooldown": 900},
            {"PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageMemoryUtilization"}},
        ],
        ids=str,
    )
    def test_every_drift_is_repaired_with_the_whole_policy(self, aws: FakeAws, run: Run, drift: dict[str, Any]) -> None:
        aws.answer("DescribeScalingPolicies", {"ScalingPolicies": [self.policy(**drift)]})
        aws.answer("PutScalingPolicy", {"PolicyARN": "arn:policy"})
        assert run("scaling_policy", self.asked(), check=True)["changed"]
        assert aws.changes() == []
        assert run("scaling_policy", self.asked())["changed"]
        (request,) = aws.requests("PutScalingPolicy")
        assert request["TargetTrackingScalingPolicyConfiguration"] == {
            "TargetValue": 50.0,
            "PredefinedMetricSpecification": METRIC,
            "DisableScaleIn": False,
            "ScaleInCooldown": 300,
            "ScaleOutCooldown": 300,
        }

    def test_a_policy_follows_one_metric(self, run: Run) -> None:
        asked = self.asked(customized_metric_specification={"metric_name": "x"})
        assert "say one of predefined_metric_specification and" in run("scaling_policy", asked)["msg"]
        assert "say one of" in run("scaling_policy", self.asked(predefined_metric_specification=None))["msg"]


class TestListenerAttributes:
    @pytest.fixture(autouse=True)
    def _listeners(self, aws: FakeAws) -> None:
        aws.answer("DescribeLoadBalancers", {"LoadBalancers": [{"LoadBalancerArn": BALANCER}]})
        listener = {"LoadBalancerArn": BALANCER, "DefaultActions": []}
        secure = {**listener, "ListenerArn": "arn:443", "Port": 443, "Protocol": "HTTPS"}
        plain = {**listener, "ListenerArn": "arn:80", "Port": 80, "Protocol": "HTTP"}
        verify = {"Mode": "verify", "TrustStoreArn": "arn:t", "IgnoreClientCertificateExpiry": False}
        aws.answer("DescribeListeners", {"Listeners": [plain, {**secure, "MutualAuthentication": verify}]})
        aws.answer("DescribeListenerAttributes", {"Attributes": [{"Key": SERVER, "Value": "true"}]})

    def test_only_what_differs_is_changed(self, aws: FakeAws, run: Run) -> None:
        asked = {"load_balancer": BALANCER, "port": 443, "attributes": {SERVER: False}}
        assert run("elb_listener_attributes", asked)["changed"]
        (request,) = aws.requests("ModifyListenerAttributes")
        assert request == {"ListenerArn": "arn:443", "Attributes": [{"Key": SERVER, "Value": "false"}]}
        assert aws.changes() == ["ModifyListenerAttributes"]

    def test_verification_is_the_same_with_and_without_its_defaults(self, aws: FakeAws, run: Run) -> None:
        verify = {"mode": "verify", "trust_store_arn": "arn:t"}
        asked = {"load_balancer": "b", "port": 443, "mutual_authentication": verify}
        result = run("elb_listener_attributes", asked)
        assert result["changed"] is False, result
        verify["ignore_client_certificate_expiry"] = True  # type: ignore[assignment]
        assert run("elb_listener_attributes", asked)["changed"]
        assert aws.requests("ModifyListener")[0]["MutualAuthentication"]["IgnoreClientCertificateExpiry"] is True

    def test_it_can_be_turned_off(self, aws: FakeAws, run: Run) -> None:
        asked = {"load_balancer": "b", "port": 443, "mutual_authentication": {"mode": "off"}}
        assert run("elb_listener_attributes", asked)["changed"]
        assert aws.requests("ModifyListener") == [{"ListenerArn": "arn:443", "MutualAuthentication": {"Mode": "off"}}]

    @pytest.mark.parametrize(
        ("asked", "message"),
        [
            (
                {"port": 443, "attributes": {"routing.http.server": "x"}},
                "AWS has no attribute named routing.http.server",
            ),
            ({"port": 80, "mutual_authentication": {"mode": "passthrough"}}, "mutual authentication needs HTTPS"),
            ({"port": 443, "mutual_authentication": {"mode": "verify"}}, "trust_store_arn"),
            (
                {"port": 443, "mutual_authentication": {"mode": "off", "trust_store_arn": "arn:t"}},
                "trust_store_arn needs mutual authentication in mode verify",
            ),
        ],
    )
    def test_mistakes_are_told(self, aws: FakeAws, run: Run, asked: dict[str, Any], message: str) -> None:
        assert message in run("elb_listener_attributes", {"load_balancer": "b", **asked})["msg"]
        assert aws.changes() == []


class TestDashboard:
    def test_spaces_order_and_nulls_of_the_body_mean_nothing(self, aws: FakeAws, run: Run) -> None:
        text = '{ "widgets": [ {"type":"text", "width": 6.0, "title": null} ] }'
        aws.answer("GetDashboard", {"DashboardArn": "arn:d", "DashboardName": "d", "DashboardBody": text})
        body = {"widgets": [{"width": 6, "type": "text"}]}
        assert run("cloudwatch_dashboard", {"name": "d", "dashboard_body": body})["changed"] is False
        body["widgets"].append({"width": 6, "type": "text"})
        assert run("cloudwatch_dashboard", {"name": "d", "dashboard_body": body})["changed"]
        assert aws.changes() == ["PutDashboard"]

    def test_what_cloudwatch_finds_questionable_is_a_warning(self, aws: FakeAws, run: Run) -> None:
        from ansible.module_utils.common.warnings import get_warning_messages

        aws.fail("GetDashboard", "ResourceNotFound")
        message = {"DataPath": "/widgets/0", "Message": "Should have property region"}
        aws.answer("PutDashboard", {"DashboardValidationMessages": [message]})
        run("cloudwatch_dashboard", {"name": "d", "dashboard_body": {"widgets": []}})
        assert "the dashboard d: /widgets/0: Should have property region" in get_warning_messages()

    @pytest.mark.parametrize("body", ["[1]", "{"])
    def test_a_body_that_is_no_object_is_refused(self, run: Run, body: str) -> None:
        assert "dashboard's body" in run("cloudwatch_dashboard", {"name": "d", "dashboard_body": body})["msg"]
