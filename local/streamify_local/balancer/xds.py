# SPDX-License-Identifier: Apache-2.0
"""Envoy's configuration from what is deployed: pure functions, one a kind of xDS resource.

https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol#filesystem-subscriptions
Two modes. "alb" does what an Application Load Balancer does: no retries. "tuned" is kinder than AWS; each place is
marked `tuned:`.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from .deployed import Certificate, Deployed, Listener, TargetGroup
from .routes import cluster_name, routes, set_header

type Json = dict[str, Any]

_TYPE = "type.googleapis.com/envoy."
_RESPONSE_HEADER = ("routing.http.response.", ".header_value")


def bootstrap(directory: Path, admin: str) -> Json:
    """What Envoy starts with: where the files lie, and an administration socket named `admin` (abstract)."""
    return {
        "node": {"id": "balancer", "cluster": "balancer"},
        "admin": {"address": {"pipe": {"path": f"@{admin}"}}},
        "dynamic_resources": {
            "lds_config": file_source(directory / "lds.json"),
            "cds_config": file_source(directory / "cds.json"),
        },
    }


def file_source(path: Path) -> Json:
    """A configuration source that Envoy watches for renames."""
    return {"resource_api_version": "V3", "path_config_source": {"path": str(path)}}


def discovery_response(resources: list[Json]) -> str:
    """A file's content."""
    body = json.dumps(resources, sort_keys=True, indent=1)
    return f'{{"version_info": "{hashlib.sha256(body.encode()).hexdigest()[:16]}",\n"resources": {body}}}\n'


def files(directory: Path, deployed: Deployed, health: dict[str, list[Json]], mode: str) -> dict[str, str]:
    """All files by name, in the order they must be written: what is referred to comes first.

    Args:
        health: each target group's DescribeTargetHealth, by ARN.
        mode: "tuned" or "alb".
    """
    tuned = mode == "tuned"
    usable = _usable(deployed.listeners)
    written: dict[str, str] = {}
    for listener in usable:
        if listener.certificate:
            written[f"sds_{name_of(listener)}.json"] = discovery_response([secret(listener, listener.certificate)])
    for arn in deployed.groups:
        written[f"eds_{cluster_name(arn)}.json"] = discovery_response([endpoints(arn, health.get(arn, []))])
    clusters = [cluster(directory, arn, group, tuned=tuned) for arn, group in sorted(deployed.groups.items())]
    written["cds.json"] = discovery_response(clusters)
    for listener in usable:
        written[f"rds_{name_of(listener)}.json"] = discovery_response([route_configuration(listener, tuned=tuned)])
    written["lds.json"] = discovery_response([listener_resource(directory, listener) for listener in usable])
    return written


def name_of(listener: Listener) -> str:
    """The stable name of a listener (and of its files)."""
    return str(listener.description["ListenerArn"]).rsplit(":", 1)[-1].replace("/", "_")


def _usable(listeners: list[Listener]) -> list[Listener]:
    """One listener a port, HTTPS only with its certificate: Envoy would refuse the others together with these."""
    by_port: dict[int, Listener] = {}
    for listener in sorted(listeners, key=name_of):
        if listener.certificate or listener.description["Protocol"] != "HTTPS":
            by_port.setdefault(int(listener.description["Port"]), listener)
    return [by_port[port] for port in sorted(by_port)]


def tls_versions(policy: str) -> tuple[str, str]:
    """The least and greatest TLS version of a security policy, as Envoy names them.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html
    """
    rest = policy.removeprefix("ELBSecurityPolicy-")
    for prefix, greatest in (("TLS13-1-", "3"), ("TLS-1-", "2"), ("FS-1-", "2")):
        if rest.startswith(prefix):
            return f"TLSv1_{rest[len(prefix)]}", f"TLSv1_{greatest}"
    return "TLSv1_0", "TLSv1_2"


def secret(listener: Listener, certificate: Certificate) -> Json:
    """SDS: the certificate chain as ACM gives it, and where its key lies."""
    chain, key = {"inline_string": certificate.chain}, {"filename": certificate.key_file}
    body = {"certificate_chain": chain, "private_key": key}
    return {
        "@type": f"{_TYPE}extensions.transport_sockets.tls.v3.Secret",
        "name": name_of(listener),
        "tls_certificate": body,
    }


def endpoints(arn: str, descriptions: list[Json]) -> Json:
    """EDS: healthy targets, and draining ones that get nothing new; when none is healthy all unhealthy ones (ALB fails
    open). A target in its initial state is never there: it gets traffic after its first passed health check.
    """
    by_state: dict[str, list[Json]] = {}
    for description in descriptions:
        by_state.setdefault(description["TargetHealth"]["State"], []).append(description["Target"])
    serving = by_state.get("healthy") or by_state.get("unhealthy") or []
    states = [(target, "HEALTHY") for target in serving]
    states += [(target, "DRAINING") for target in by_state.get("draining", [])]
    found = [
        {"health_status": state, "endpoint": {"address": _address(target["Id"], target["Port"])}}
        for target, state in sorted(states, key=lambda pair: (pair[0]["Id"], pair[0]["Port"]))
    ]
    return {
        "@type": f"{_TYPE}config.endpoint.v3.ClusterLoadAssignment",
        "cluster_name": cluster_name(arn),
        "endpoints": [{"lb_endpoints": found}],
    }


def _address(host: str, port: int) -> Json:
    return {"socket_address": {"address": host, "port_value": port}}


def cluster(directory: Path, arn: str, group: TargetGroup, *, tuned: bool) -> Json:
    """CDS: one target group."""
    name = cluster_name(arn)
    least = group.attributes.get("load_balancing.algorithm.type") == "least_outstanding_requests"
    slow_start = int(group.attributes.get("slow_start.duration_seconds", 0))
    limits = {"max_connections": 65535, "max_pending_requests": 65535, "max_requests": 65535, "max_retries": 100}
    http2: Json = {}
    if tuned:  # tuned: a host that vanished without closing its connections is noticed
        http2["connection_keepalive"] = {"interval": "2s", "timeout": "1s"}
    multiplexed = group.description.get("ProtocolVersion") in ("GRPC", "HTTP2")
    protocol = {"http2_protocol_options": http2} if multiplexed else {"http_protocol_options": {}}
    found: Json = {
        "@type": f"{_TYPE}config.cluster.v3.Cluster",
        "name": name,
        "type": "EDS",
        "eds_cluster_config": {"eds_config": file_source(directory / f"eds_{name}.json"), "service_name": name},
        "connect_timeout": "0.5s" if tuned else "10s",  # tuned: ALB's is 10 s
        "lb_policy": "LEAST_REQUEST" if least else "ROUND_ROBIN",
        "ignore_health_on_host_removal": True,
        # tuned: with nothing healthy left, hosts that drain are better than none. ALB fails open to unhealthy targets
        # only, which `endpoints` does.
        "common_lb_config": {"healthy_panic_threshold": {"value": 1 if tuned else 0}},
        "circuit_breakers": {"thresholds": [{**limits, "priority": "DEFAULT"}]},
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": f"{_TYPE}extensions.upstreams.http.v3.HttpProtocolOptions",
                "common_http_protocol_options": {"idle_timeout": "60s"},
                "explicit_http_config": protocol,
            }
        },
    }
    if slow_start:
        key = "least_request_lb_config" if least else "round_robin_lb_config"
        found[key] = {"slow_start_config": {"slow_start_window": f"{slow_start}s"}}
    if tuned:  # tuned: a host that refuses connections is left out for a while, before its health check fails
        found["outlier_detection"] = {
            "split_external_local_origin_errors": True,
            "consecutive_local_origin_failure": 2,
            "enforcing_consecutive_local_origin_failure": 100,
            "enforcing_consecutive_5xx": 0,
            "enforcing_consecutive_gateway_failure": 0,
            "enforcing_success_rate": 0,
            "enforcing_local_origin_success_rate": 0,
            "interval": "1s",
            "base_ejection_time": "2s",
            "max_ejection_percent": 67,
        }
    return found


def route_configuration(listener: Listener, *, tuned: bool) -> Json:
    """RDS: a listener's rules."""
    idle = f"{listener.load_balancer.get('idle_timeout.timeout_seconds', '60')}s"
    common: Json = {"timeout": "0s", "idle_timeout": idle, "cluster_not_found_response_code": "SERVICE_UNAVAILABLE"}
    if tuned:  # tuned: ALB never repeats a request. Only what no target has seen is repeated, at another target.
        common["retry_policy"] = {
            "retry_on": "connect-failure,refused-stream,reset-before-request",
            "num_retries": 2,
            "retry_back_off": {"base_interval": "0.025s", "max_interval": "0.1s"},
            "host_selection_retry_max_attempts": 5,
            "retry_host_predicate": [
                {
                    "name": "envoy.retry_host_predicates.previous_hosts",
                    "typed_config": {
                        "@type": f"{_TYPE}extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
                    },
                }
            ],
        }
    prefix, suffix = _RESPONSE_HEADER
    added = [
        set_header(key.removeprefix(prefix).removesuffix(suffix).replace("_", "-"), value)
        for key, value in sorted(listener.attributes.items())
        if key.startswith(prefix) and key.endswith(suffix) and value
    ]
    return {
        "@type": f"{_TYPE}config.route.v3.RouteConfiguration",
        "name": name_of(listener),
        "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes(listener.rules, common)}],
        "request_headers_to_add": [set_header("x-forwarded-port", str(listener.description["Port"]))],
        "request_headers_to_remove": ["x-envoy-external-address"],
        "response_headers_to_add": added,
    }


def listener_resource(directory: Path, listener: Listener) -> Json:
    """LDS: a listener on 127.0.0.1, whatever addresses the load balancer would have in AWS."""
    name, port = name_of(listener), int(listener.description["Port"])
    chain: Json = {"filters": [_named("network.http_connection_manager", _manager(directory, listener))]}
    if listener.description["Protocol"] == "HTTPS":
        least, greatest = tls_versions(listener.description.get("SslPolicy", ""))
        http2 = listener.load_balancer.get("routing.http2.enabled", "true") == "true"
        sds = {"name": name, "sds_config": file_source(directory / f"sds_{name}.json")}
        tls = {
            "@type": f"{_TYPE}extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            "common_tls_context": {
                "tls_params": {"tls_minimum_protocol_version": least, "tls_maximum_protocol_version": greatest},
                "tls_certificate_sds_secret_configs": [sds],
                "alpn_protocols": ["h2", "http/1.1"] if http2 else ["http/1.1"],
            },
        }
        chain["transport_socket"] = {"name": "envoy.transport_sockets.tls", "typed_config": tls}
    return {
        "@type": f"{_TYPE}config.listener.v3.Listener",
        "name": name,
        "address": _address("127.0.0.1", port),
        "filter_chains": [chain],
    }


def _named(name: str, typed_config: Json) -> Json:
    return {"name": f"envoy.filters.{name}", "typed_config": typed_config}


def _manager(directory: Path, listener: Listener) -> Json:
    attributes = listener.load_balancer
    idle = f"{attributes.get('idle_timeout.timeout_seconds', '60')}s"
    connection: Json = {
        "idle_timeout": idle,
        "max_connection_duration": f"{attributes.get('client_keep_alive.seconds', '3600')}s",
    }
    if attributes.get("routing.http.drop_invalid_header_fields.enabled") == "true":
        connection["headers_with_underscores_action"] = "DROP_HEADER"
    prefix = f"{_TYPE}extensions.filters.http"
    named = listener.attributes.get("routing.http.response.server.enabled", "true") == "true"
    return {
        "@type": f"{_TYPE}extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "balancer",
        "rds": {
            "route_config_name": name_of(listener),
            "config_source": file_source(directory / f"rds_{name_of(listener)}.json"),
        },
        "use_remote_address": True,  # appends to X-Forwarded-For, sets X-Forwarded-Proto
        "generate_request_id": False,
        "server_name": "awselb/2.0",
        "server_header_transformation": "APPEND_IF_ABSENT" if named else "PASS_THROUGH",
        "common_http_protocol_options": connection,
        "stream_idle_timeout": idle,
        "http_filters": [
            _named("http.router", {"@type": f"{prefix}.router.v3.Router", "suppress_envoy_headers": True}),
        ],
        "local_reply_config": {"mappers": [_reply(["UF", "UC", "UR", "LR", "UPE"], 502), _reply(["SI", "UT"], 504)]},
        "access_log": [_errors_to_stdout()],
    }


def _reply(flags: list[str], status: int) -> Json:
    """Envoy says 503 or 408 where ALB says 502 or 504.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html
    """
    return {"filter": {"response_flag_filter": {"flags": flags}}, "status_code": status}


def _errors_to_stdout() -> Json:
    line = (
        "%START_TIME% %REQ(:METHOD)% %REQ(:PATH)% %RESPONSE_CODE% grpc=%GRPC_STATUS% %RESPONSE_FLAGS% "
        "%UPSTREAM_HOST% %DURATION%ms %RESPONSE_CODE_DETAILS%\n"
    )
    log = {
        "@type": f"{_TYPE}extensions.access_loggers.stream.v3.StdoutAccessLog",
        "log_format": {"text_format_source": {"inline_string": line}},
    }
    at_least = {"op": "GE", "value": {"default_value": 500, "runtime_key": "access_log.least_status"}}
    errors = {"status_code_filter": {"comparison": at_least}}
    return {"name": "envoy.access_loggers.stdout", "filter": errors, "typed_config": log}
