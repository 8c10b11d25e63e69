# SPDX-License-Identifier: GPL-3.0-or-later
"""The core: names, comparison, waiting, tags, errors."""

import itertools
from collections.abc import Callable
from typing import Any

import boto3
import pytest

from .conftest import REGION, Clock, FakeAws, refusal


def shape(service: str, operation: str, *, output: bool = False) -> Any:
    client = boto3.client(service, region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x")  # type: ignore[call-overload]
    model = client.meta.service_model.operation_model(operation)
    return model.output_shape if output else model.input_shape


def to_request(service: str, operation: str, value: Any) -> Any:
    from ansible_collections.streamify.aws.plugins.module_utils.core.shapes import to_request as convert

    return convert(shape(service, operation), value)


def from_response(service: str, operation: str, value: Any) -> Any:
    from ansible_collections.streamify.aws.plugins.module_utils.core.shapes import from_response as convert

    return convert(shape(service, operation, output=True), value)


class TestShapes:
    def test_names_change_and_the_keys_and_values_of_people_do_not(self) -> None:
        container = {
            "name": "api",
            "memory": "512",
            "essential": "yes",
            "docker_labels": {"com.example_x": "snake_case", "camelCase": 1},
            "environment": [{"name": "SNAKE_CASE", "value": 5}],
            "log_configuration": {"log_driver": "awslogs", "options": {"awslogs-group": "g", "max_size": "1"}},
            "readonlyRootFilesystem": False,
            "user": None,
        }
        made = to_request("ecs", "RegisterTaskDefinition", {"family": "f", "container_definitions": [container]})
        assert made == {
            "family": "f",
            "containerDefinitions": [
                {
                    "name": "api",
                    "memory": 512,
                    "essential": True,
                    "dockerLabels": {"com.example_x": "snake_case", "camelCase": "1"},
                    "environment": [{"name": "SNAKE_CASE", "value": "5"}],
                    "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "g", "max_size": "1"}},
                    "readonlyRootFilesystem": False,
                }
            ],
        }
        back = from_response("ecs", "RegisterTaskDefinition", {"taskDefinition": made})
        assert back["task_definition"]["container_definitions"][0]["docker_labels"]["com.example_x"] == "snake_case"

    def test_an_unknown_name_is_refused_with_its_place(self) -> None:
        from ansible_collections.streamify.aws.plugins.module_utils.core.errors import ResourceError

        with pytest.raises(ResourceError, match=r"container_definitions\[0\]: unknown name 'portmappings'; AWS has"):
            to_request("ecs", "RegisterTaskDefinition", {"container_definitions": [{"portmappings": []}]})

    @pytest.mark.parametrize(
        ("value", "message"),
        [
            ({"desired_count": "three"}, "desired_count must be a number"),
            ({"desired_count": True}, "desired_count must be a number"),
            ({"load_balancers": {}}, "load_balancers must be a list"),
            ({"enable_execute_command": "maybe"}, "enable_execute_command must be true or false"),
            ({"cluster": ["x"]}, "cluster must be a string"),
            ({"deployment_configuration": "x"}, "deployment_configuration must be a dictionary"),
        ],
    )
    def test_a_value_of_the_wrong_kind_is_refused(self, value: dict[str, Any], message: str) -> None:
        from ansible_collections.streamify.aws.plugins.module_utils.core.errors import ResourceError

        with pytest.raises(ResourceError, match=message):
            to_request("ecs", "CreateService", value)

    def test_counted_lists_of_cloudfront_are_plain(self) -> None:
        config = {
            "aliases": ["a"],
            "origins": [],
            "default_cache_behavior": {
                "trusted_key_groups": ["k"],
                "trusted_signers": [],
                "allowed_methods": {"items": ["GET"], "cached_methods": ["GET"]},
            },
            "restrictions": {"geo_restriction": {"restriction_type": "none", "items": []}},
        }
        made = to_request("cloudfront", "CreateDistribution", {"distribution_config": config})["DistributionConfig"]
        assert made["Aliases"] == {"Quantity": 1, "Items": ["a"]}
        assert made["Origins"] == {"Quantity": 0, "Items": []}
        behaviour = made["DefaultCacheBehavior"]
        assert behaviour["TrustedKeyGroups"] == {"Enabled": True, "Quantity": 1, "Items": ["k"]}
        assert behaviour["TrustedSigners"] == {"Enabled": False, "Quantity": 0}
        assert behaviour["AllowedMethods"]["CachedMethods"] == {"Quantity": 1, "Items": ["GET"]}
        assert made["Restrictions"]["GeoRestriction"] == {"RestrictionType": "none", "Quantity": 0}
        back = from_response("cloudfront", "GetDistributionConfig", {"DistributionConfig": made, "ETag": "e"})
        assert back == {"distribution_config": config, "etag": "e"}


class TestCompare:
    def test_only_what_was_asked_for_counts(self) -> None:
        from ansible_collections.streamify.aws.plugins.module_utils.core.compare import Rules, normal, project

        rules = Rules(unordered=frozenset({"subnets"}), keyed={"origins": "id"})
        desired = normal({"a": {"b": 1}, "subnets": ["2", "1"], "origins": [{"id": "x", "p": 1}], "no": []}, rules)
        actual = normal(
            {"a": {"b": 1, "c": 2}, "subnets": ["1", "2"], "origins": [{"id": "x", "p": 1, "q": 2}], "other": 5}, rules
        )
        assert project(desired, actual, rules) == desired

    @pytest.mark.parametrize(
        ("desired", "actual"),
        [
            ({"a": 1}, {"a": 2}),
            ({"a": 1}, {}),
            ({"a": {"b": 1}}, {}),
            ({"list": ["1", "2"]}, {"list": ["2", "1"]}),
            ({"list": ["1"]}, {"list": ["1", "2"]}),
            ({"origins": [{"id": "x"}]}, {"origins": [{"id": "x"}, {"id": "y"}]}),
            ({"origins": [{"id": "x", "p": 1}]}, {"origins": [{"id": "x", "p": 2}]}),
            ({"tags": {"a": "b"}}, {"tags": {"a": "b", "c": "d"}}),
            ({"a": True}, {"a": False}),
            ({"a": []}, {"a": ["1"]}),
        ],
    )
    def test_a_difference_is_seen(self, desired: dict[str, Any], actual: dict[str, Any]) -> None:
        from ansible_collections.streamify.aws.plugins.module_utils.core.compare import Rules, normal, project

        rules = Rules(keyed={"origins": "id"})
        assert project(normal(desired, rules), normal(actual, rules), rules) != normal(desired, rules)

    @pytest.mark.parametrize("empty", [[], {}, "", False, 0, {"enable": False}])
    def test_nothing_is_the_same_as_not_there(self, empty: Any) -> None:
        from ansible_collections.streamify.aws.plugins.module_utils.core.compare import Rules, project

        assert project({"a": empty}, {}, Rules()) == {"a": empty}


class TestWaiter:
    def test_asks_again_less_and_less_often_until_the_answer_is_there(self) -> None:
        from ansible_collections.streamify.aws.plugins.module_utils.core.waiting import Waiter

        clock = Clock()
        times: list[float] = []

        def probe() -> bool:
            times.append(clock.now)
            return len(times) == 12

        Waiter(600, clock=clock, sleep=clock.sleep).until(probe, "it")
        pauses = [after - before for before, after in itertools.pairwise(times)]
        assert 0.4 <= pauses[0] <= 0.6
        assert 8 <= pauses[-1] <= 12

    def test_gives_up_after_the_timeout_with_a_last_question(self) -> None:
        from ansible_collections.streamify.aws.plugins.module_utils.core.errors import WaitTimeout
        from ansible_collections.streamify.aws.plugins.module_utils.core.waiting import Waiter

        clock = Clock()
        asked: list[float] = []
        with pytest.raises(WaitTimeout, match="it did not happen within 30 seconds"):
            Waiter(30, clock=clock, sleep=clock.sleep).until(lambda: asked.append(clock.now), "it")
        assert asked[-1] == pytest.approx(30)


class TestTags:
    @pytest.mark.parametrize(
        ("asked", "purge", "wanted"),
        [
            (None, True, None),
            ({}, True, {}),
            ({"a": 1}, True, {"a": "1"}),
            ({"a": 1}, False, {"a": "1", "b": "2"}),
        ],
    )
    def test_wanted(self, asked: dict[str, Any] | None, purge: bool, wanted: dict[str, str] | None) -> None:
        from ansible_collections.streamify.aws.plugins.module_utils.core import tags

        assert tags.wanted({"b": "2"}, asked, purge) == wanted

    def test_aws_own_tags_are_nobodys_business(self) -> None:
        from ansible_collections.streamify.aws.plugins.module_utils.core import tags

        assert tags.to_dict([{"key": "aws:x", "value": "1"}, {"key": "a", "value": "2"}]) == {"a": "2"}
        assert tags.difference({"a": "1", "b": "2"}, {"a": "2"}) == ({"a": "2"}, ["b"])


class TestClient:
    def test_what_is_missing_is_none_and_other_refusals_are_raised(self, aws: FakeAws) -> None:
        from botocore.exceptions import ClientError

        aws.fail("DescribeClusters", "Gone")
        assert aws.client("ecs").call("describe_clusters", missing=["Gone"]) is None
        with pytest.raises(ClientError):
            aws.client("ecs").call("describe_clusters", missing=["Other"])

    def test_what_passes_by_itself_is_tried_again(self, aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
        from ansible_collections.streamify.aws.plugins.module_utils.core.client import Client

        monkeypatch.setattr("time.sleep", lambda _: None)
        client = Client(aws.client("ecs").botocore, retries=3)
        aws.answer(
            "DescribeClusters",
            refusal("DescribeClusters", "ThrottlingException"),
            refusal("DescribeClusters", "NotYet"),
            {"clusters": []},
        )
        assert client.call("describe_clusters", retry_on=["NotYet"]) == {"clusters": []}
        assert len(aws.requests("DescribeClusters")) == 3


class TestModule:
    def test_a_refusal_is_one_sentence(self, aws: FakeAws, run: Callable[..., Any]) -> None:
        aws.fail("DescribeClusters", "AccessDeniedException")
        result = run("ecs_cluster", {"name": "main"})
        assert result["failed"]
        assert result["msg"].startswith("AWS refused DescribeClusters for the ECS cluster main: ")
        assert "AccessDeniedException it is" in result["msg"]

    def test_tags_are_set_and_removed_and_nothing_else_is_touched(self, aws: FakeAws, run: Callable[..., Any]) -> None:
        cluster = {"clusterArn": "arn:c", "clusterName": "main", "status": "ACTIVE"}
        now = {**cluster, "tags": [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}]}
        aws.answer("DescribeClusters", {"clusters": [now]})
        result = run("ecs_cluster", {"name": "main", "tags": {"a": "3"}})
        assert result["diff"] == {"before": {"tags": {"a": "1", "b": "2"}}, "after": {"tags": {"a": "3"}}}
        assert aws.changes() == ["UntagResource", "TagResource"]
        assert aws.requests("UntagResource")[0]["tagKeys"] == ["b"]
        assert aws.requests("TagResource")[0]["tags"] == [{"key": "a", "value": "3"}]
