# SPDX-License-Identifier: Apache-2.0
"""The balancer in front of real targets: everything it does comes from what ELBv2 says."""

import http.client
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from .platform import GrpcTarget, HttpTarget, Platform, eventually, free_port, running

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning"),  # they outlive who starts them
]
_numbers = itertools.count()


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    with running() as platform:
        yield platform


class Service:
    """A load balancer with one listener and a target group, and HTTP targets behind it."""

    def __init__(self, platform: Platform, path: str = "/ready") -> None:
        number = next(_numbers)
        self.platform, self.port, self.target_port = platform, free_port(), free_port()
        self.group = platform.group(f"web-{number}", HealthCheckPath=path)
        lb = platform.elb.create_load_balancer(Name=f"web-{number}", Subnets=["subnet-1"])["LoadBalancers"][0]
        self.load_balancer = lb["LoadBalancerArn"]
        self.targets: dict[str, HttpTarget] = {}

    def listen(self, **settings: Any) -> str:
        defaults = {
            "Port": self.port,
            "Protocol": "HTTP",
            "DefaultActions": [{"Type": "forward", "TargetGroupArn": self.group}],
        }
        listener = self.platform.elb.create_listener(LoadBalancerArn=self.load_balancer, **{**defaults, **settings})
        return str(listener["Listeners"][0]["ListenerArn"])

    def add(self, *addresses: str) -> None:
        for address in addresses:
            self.targets[address] = HttpTarget(address, self.target_port)
        self.platform.elb.register_targets(TargetGroupArn=self.group, Targets=self.named(*addresses))

    def named(self, *addresses: str) -> list[dict[str, Any]]:
        return [{"Id": address, "Port": self.target_port} for address in addresses]

    def get(self, path: str = "/", *, tls: bool = False, **headers: str) -> tuple[int, str, http.client.HTTPMessage]:
        connection: http.client.HTTPConnection
        if tls:
            connection = http.client.HTTPSConnection("localhost", self.port, timeout=5, context=self.platform.tls)
        else:
            connection = http.client.HTTPConnection("localhost", self.port, timeout=5)
        try:
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            return response.status, response.read().decode(), response.headers
        finally:
            connection.close()

    def answering(self, count: int = 12) -> set[str]:
        """Who answers requests now."""
        return {self.get()[1] for _ in range(count)}

    def close(self) -> None:
        self.platform.elb.delete_load_balancer(LoadBalancerArn=self.load_balancer)
        for target in self.targets.values():
            target.close()


@pytest.fixture
def service(platform: Platform) -> Iterator[Service]:
    service = Service(platform)
    yield service
    service.close()


def test_https_listener_serves_the_certificate_that_acm_holds_and_tells_targets_who_asked(service: Service) -> None:
    service.listen(
        Protocol="HTTPS",
        SslPolicy="ELBSecurityPolicy-TLS13-1-2-2021-06",
        Certificates=[{"CertificateArn": service.platform.import_certificate("public")}],
    )
    service.add("127.0.0.11")
    assert eventually(lambda: service.get(tls=True)[0] == 200)
    assert service.get(tls=True, **{"X-Forwarded-For": "192.0.2.1"})[1] == "127.0.0.11"
    seen = service.targets["127.0.0.11"].headers
    assert seen["x-forwarded-for"].startswith("192.0.2.1,")
    assert (seen["x-forwarded-proto"], seen["x-forwarded-port"]) == ("https", str(service.port))
    assert not [name for name in seen if name.startswith("x-envoy")]


def test_http_is_redirected_and_rules_are_evaluated_by_priority(service: Service) -> None:
    redirect = {"Protocol": "HTTPS", "Port": "8443", "StatusCode": "HTTP_301"}
    listener = service.listen(DefaultActions=[{"Type": "redirect", "RedirectConfig": redirect}])

    def fixed(code: str) -> list[dict[str, Any]]:
        answer = {"StatusCode": code, "ContentType": "text/plain", "MessageBody": "fixed"}
        return [{"Type": "fixed-response", "FixedResponseConfig": answer}]

    for priority, path, code in ((20, "/a/*", "404"), (10, "/a/b?", "410")):
        service.platform.elb.create_rule(
            ListenerArn=listener,
            Priority=priority,
            Conditions=[{"Field": "path-pattern", "Values": [path]}],
            Actions=fixed(code),
        )
    assert eventually(lambda: service.get("/a/bc")[0] == 410)
    assert service.get("/a/bcd")[0] == 404
    status, _, headers = service.get("/x?y=1")
    assert (status, headers["Location"]) == (301, "https://localhost:8443/x?y=1")


def test_a_target_gets_traffic_after_its_first_passed_check_and_none_while_draining(service: Service) -> None:
    service.listen()
    service.targets["127.0.0.12"] = HttpTarget("127.0.0.12", service.target_port)
    service.targets["127.0.0.12"].ready = 503
    service.add("127.0.0.11")
    service.platform.elb.register_targets(TargetGroupArn=service.group, Targets=service.named("127.0.0.12"))
    assert eventually(lambda: service.get()[0] == 200)
    assert service.platform.states(service.group)["127.0.0.12"] == "initial"
    assert service.answering() == {"127.0.0.11"}
    service.targets["127.0.0.12"].ready = 200
    assert eventually(lambda: service.answering() == {"127.0.0.11", "127.0.0.12"})
    service.platform.elb.deregister_targets(TargetGroupArn=service.group, Targets=service.named("127.0.0.11"))
    assert service.platform.states(service.group)["127.0.0.11"] == "draining"
    assert eventually(lambda: service.answering() == {"127.0.0.12"})
    assert eventually(lambda: "127.0.0.11" not in service.platform.states(service.group))


def test_a_wrong_health_check_path_gives_no_traffic_then_fails_open(platform: Platform) -> None:
    service = Service(platform, path="/wrong")
    try:
        service.listen()
        service.add("127.0.0.11")
        assert eventually(lambda: service.get()[0] == 503)
        assert platform.states(service.group) == {"127.0.0.11": "initial"}
        assert eventually(lambda: platform.states(service.group) == {"127.0.0.11": "unhealthy"})
        described = platform.elb.describe_target_health(TargetGroupArn=service.group)["TargetHealthDescriptions"][0]
        assert described["TargetHealth"]["Reason"] == "Target.ResponseCodeMismatch"
        assert described["TargetHealth"]["Description"] == "Health checks failed with these codes: [404]"
        assert eventually(lambda: service.get()[0] == 200)
        platform.elb.modify_target_group(TargetGroupArn=service.group, HealthCheckPath="/ready")
        assert eventually(lambda: platform.states(service.group) == {"127.0.0.11": "healthy"}, 40)
    finally:
        service.close()


def test_a_target_that_dies_under_load_costs_no_request_two_attempts(service: Service) -> None:
    service.listen()
    service.add("127.0.0.11", "127.0.0.12", "127.0.0.13")
    assert eventually(lambda: len(service.answering()) == 3)
    service.targets.pop("127.0.0.12").close()
    failed = 0
    for _ in range(100):
        if service.get()[0] != 200:
            failed += 1
            assert service.get()[0] == 200
    assert failed <= 3


def test_grpc_is_routed_over_tls_and_judged_by_the_status_alone(platform: Platform) -> None:
    port, target_port = free_port(), free_port()
    targets = {address: GrpcTarget(address, target_port) for address in ("127.0.0.11", "127.0.0.12")}
    group = platform.group("grpc", ProtocolVersion="GRPC", HealthCheckPath="/t.Health/Check", Matcher={"GrpcCode": "0"})
    lb = platform.elb.create_load_balancer(Name="grpc", Scheme="internal", Subnets=["subnet-1"])["LoadBalancers"][0]
    platform.elb.create_listener(
        LoadBalancerArn=lb["LoadBalancerArn"],
        Port=port,
        Protocol="HTTPS",
        Certificates=[{"CertificateArn": platform.import_certificate("internal")}],
        DefaultActions=[{"Type": "forward", "TargetGroupArn": group}],
    )
    platform.elb.register_targets(
        TargetGroupArn=group, Targets=[{"Id": address, "Port": target_port} for address in targets]
    )
    credentials = grpc.ssl_channel_credentials(Path(platform.env.cloud()["ca_file"]).read_bytes())
    try:
        with grpc.secure_channel(f"localhost:{port}", credentials) as channel:
            who: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary("/t.Echo/Who")

            def answering() -> set[bytes]:
                try:
                    return {who(b"", timeout=5, wait_for_ready=True) for _ in range(8)}
                except grpc.RpcError:
                    return set()

            assert eventually(lambda: answering() == {b"127.0.0.11", b"127.0.0.12"})
            targets["127.0.0.11"].ready = grpc.StatusCode.UNAVAILABLE
            assert eventually(lambda: answering() == {b"127.0.0.12"}, 40)
            nothing: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary("/t.Echo/Nothing")
            with pytest.raises(grpc.RpcError) as unknown:
                nothing(b"", timeout=5)
            assert unknown.value.code() is grpc.StatusCode.UNIMPLEMENTED
    finally:
        platform.elb.delete_load_balancer(LoadBalancerArn=lb["LoadBalancerArn"])
        for target in targets.values():
            target.close()
