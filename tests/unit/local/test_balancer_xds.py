# SPDX-License-Identifier: Apache-2.0
"""Tests of streamify_local.balancer.xds and .routes."""

import json
from pathlib import Path
from typing import Any

import pytest
from streamify_local.balancer.deployed import Certificate, Deployed, Listener, TargetGroup
from streamify_local.balancer.routes import NotEmulatedError, _redirect, cluster_name, routes, wildcard
from streamify_local.balancer.xds import cluster, endpoints, files, route_configuration, tls_versions

PREFIX = "arn:aws:elasticloadbalancing:eu-central-1:000000000000"
GROUP = f"{PREFIX}:targetgroup/web/1"
FORWARD = {"Type": "forward", "TargetGroupArn": GROUP}
DIRECTORY = Path("/state")


def target(address: str, state: str) -> dict[str, Any]:
    return {"Target": {"Id": address, "Port": 8080}, "TargetHealth": {"State": state}}


def rule(priority: str, action: dict[str, Any], **conditions: list[str]) -> dict[str, Any]:
    fields = [{"Field": name.replace("_", "-"), "Values": values} for name, values in conditions.items()]
    return {"Priority": priority, "IsDefault": priority == "default", "Conditions": fields, "Actions": [action]}


def listener(
    port: int = 443, protocol: str = "HTTPS", certificate: bool = True, name: str = "l", **attributes: str
) -> Listener:
    return Listener(
        description={"ListenerArn": f"{PREFIX}:listener/app/web/1/{name}", "Port": port, "Protocol": protocol},
        attributes={},
        load_balancer=attributes,
        rules=[rule("default", FORWARD)],
        certificate=Certificate("arn", "PEM", "/key") if certificate else None,
    )


def statuses(*targets: dict[str, Any]) -> dict[str, str]:
    found = endpoints(GROUP, list(targets))["endpoints"][0]["lb_endpoints"]
    return {each["endpoint"]["address"]["socket_address"]["address"]: each["health_status"] for each in found}


def test_only_healthy_targets_get_new_requests() -> None:
    states = {"h": "healthy", "u": "unhealthy", "i": "initial", "d": "draining", "n": "unused"}
    assert statuses(*(target(*pair) for pair in states.items())) == {"h": "HEALTHY", "d": "DRAINING"}


def test_it_fails_open_to_unhealthy_targets_and_never_to_initial_ones() -> None:
    assert statuses(target("u", "unhealthy"), target("i", "initial")) == {"u": "HEALTHY"}
    assert statuses(target("i", "initial")) == {}


def test_the_order_in_which_targets_are_described_changes_nothing() -> None:
    one, two = target("a", "healthy"), target("b", "healthy")
    assert endpoints(GROUP, [one, two]) == endpoints(GROUP, [two, one])


def test_alb_mode_does_not_repeat_requests_or_eject_hosts() -> None:
    group = TargetGroup({"ProtocolVersion": "GRPC"}, {})
    for tuned in (True, False):
        written = json.dumps(
            [cluster(DIRECTORY, GROUP, group, tuned=tuned), route_configuration(listener(), tuned=tuned)]
        )
        for kinder in ("retry_policy", "outlier_detection", "connection_keepalive", '"0.5s"'):
            assert (kinder in written) is tuned


def test_protocol_version_and_algorithm_come_from_the_target_group() -> None:
    def of(version: str, algorithm: str, slow_start: str = "0") -> str:
        attributes = {"load_balancing.algorithm.type": algorithm, "slow_start.duration_seconds": slow_start}
        return json.dumps(cluster(DIRECTORY, GROUP, TargetGroup({"ProtocolVersion": version}, attributes), tuned=False))

    assert "http2_protocol_options" in of("GRPC", "round_robin")
    assert "http2_protocol_options" not in of("HTTP1", "round_robin")
    assert "LEAST_REQUEST" in of("HTTP1", "least_outstanding_requests")
    assert '"slow_start_window": "30s"' in of("HTTP1", "round_robin", "30")


@pytest.mark.parametrize(
    ("policy", "versions"),
    [
        ("ELBSecurityPolicy-TLS13-1-2-2021-06", ("TLSv1_2", "TLSv1_3")),
        ("ELBSecurityPolicy-TLS13-1-3-2021-06", ("TLSv1_3", "TLSv1_3")),
        ("ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09", ("TLSv1_2", "TLSv1_3")),
        ("ELBSecurityPolicy-FS-1-2-Res-2020-10", ("TLSv1_2", "TLSv1_2")),
        ("ELBSecurityPolicy-TLS-1-1-2017-01", ("TLSv1_1", "TLSv1_2")),
        ("ELBSecurityPolicy-2016-08", ("TLSv1_0", "TLSv1_2")),
    ],
)
def test_security_policies_give_the_range_of_tls_versions(policy: str, versions: tuple[str, str]) -> None:
    assert tls_versions(policy) == versions


def test_rules_are_in_order_of_priority_with_the_default_last() -> None:
    rules = [
        rule("default", FORWARD),
        rule("20", FORWARD, path_pattern=["/b"]),
        rule("3", FORWARD, path_pattern=["/a"]),
    ]
    found = [route["match"] for route in routes(rules, {})]
    assert [match.get("safe_regex", {}).get("regex") for match in found] == ["(?:/a)", "(?:/b)", None]
    assert found[-1] == {"prefix": "/"}


def test_conditions_become_matches() -> None:
    (route,) = routes([rule("1", FORWARD, host_header=["*.example.com"], http_request_method=["GET"])], {})
    headers = {each["name"]: each["string_match"]["safe_regex"]["regex"] for each in route["match"]["headers"]}
    assert headers == {":authority": r"(?i)(?:(?:.*\.example\.com))(?::\d+)?", ":method": "(?:GET)"}
    assert wildcard("/a?b*.c") == r"/a.b.*\.c"


def test_what_cannot_be_emulated_is_answered_501_and_never_passed() -> None:
    unknown = [rule("1", FORWARD, source_ip=["10.0.0.0/8"]), rule("2", {"Type": "authenticate-oidc"})]
    assert [route["direct_response"]["status"] for route in routes(unknown, {})] == [501, 501]


def test_weighted_groups_and_fixed_responses() -> None:
    other = f"{PREFIX}:targetgroup/web/2"
    weighted = {"TargetGroups": [{"TargetGroupArn": GROUP, "Weight": 9}, {"TargetGroupArn": other, "Weight": 1}]}
    fixed = {"StatusCode": "404", "ContentType": "text/plain", "MessageBody": "no"}
    first, second = routes(
        [
            rule("1", {"Type": "forward", "ForwardConfig": weighted}),
            rule("default", {"Type": "fixed-response", "FixedResponseConfig": fixed}),
        ],
        {"timeout": "0s"},
    )
    clusters = first["route"]["weighted_clusters"]["clusters"]
    assert clusters == [{"name": "targetgroup_web_1", "weight": 9}, {"name": "targetgroup_web_2", "weight": 1}]
    assert first["route"]["timeout"] == "0s"
    assert second["direct_response"] == {"status": 404, "body": {"inline_string": "no"}}


def test_redirects() -> None:
    same = {"Protocol": "#{protocol}", "Port": "#{port}", "Host": "#{host}", "Path": "/#{path}", "Query": "#{query}"}
    https = {**same, "Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}
    expected = {"response_code": "MOVED_PERMANENTLY", "scheme_redirect": "https", "port_redirect": 443}
    assert _redirect(https) == expected
    assert _redirect({**https, "Path": "/new", "Query": "a=1"})["path_redirect"] == "/new?a=1"
    with pytest.raises(NotEmulatedError):
        _redirect({**https, "Path": "/new/#{path}"})


def test_files_are_named_stably_and_what_is_referred_to_comes_first() -> None:
    deployed = Deployed([listener()], {GROUP: TargetGroup({}, {})})
    health = {GROUP: [target("h", "healthy")]}
    before = files(DIRECTORY, deployed, health, "tuned")
    assert list(before) == [
        "sds_listener_app_web_1_l.json", f"eds_{cluster_name(GROUP)}.json", "cds.json",
        "rds_listener_app_web_1_l.json", "lds.json",
    ]  # fmt: skip
    after = files(DIRECTORY, deployed, {GROUP: []}, "tuned")
    assert [name for name in before if before[name] != after[name]] == [f"eds_{cluster_name(GROUP)}.json"]


def test_a_listener_without_its_key_and_a_second_one_on_a_port_are_left_out() -> None:
    def names(*listeners: Listener) -> list[str]:
        written = files(DIRECTORY, Deployed(list(listeners), {}), {}, "tuned")["lds.json"]
        return [resource["name"] for resource in json.loads(written)["resources"]]

    assert names(listener(certificate=False)) == []
    assert names(listener(name="b"), listener(name="a")) == ["listener_app_web_1_a"]
    assert names(listener(80, "HTTP", certificate=False)) == ["listener_app_web_1_l"]


def test_load_balancer_attributes_reach_envoy() -> None:
    wanted: dict[str, Any] = {
        "idle_timeout.timeout_seconds": "75",
        "routing.http.drop_invalid_header_fields.enabled": "true",
    }
    chosen = listener(**wanted)
    written = files(DIRECTORY, Deployed([chosen], {}), {}, "alb")["lds.json"]
    assert '"stream_idle_timeout": "75s"' in written
    assert '"headers_with_underscores_action": "DROP_HEADER"' in written
