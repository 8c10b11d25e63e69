# SPDX-License-Identifier: Apache-2.0
"""Spans as a collector receives them, and traces through HTTP and gRPC to AWS. Off, nobody is asked for anything."""

import json
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
import httpx
import pytest
from contract.callers import Service, new_id
from contract.platform_state import Issuer
from contract.processes import ROOT, Api, clean_environment, run_api, wait_for
from contract.stoppable import Mode, stoppable
from contract.test_http import UNKNOWN_VIDEO
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as otlp
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as otlp_grpc
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from streamify.catalog.v1 import catalog_service_pb2 as catalog

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAMPLED = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "vendor=opaque"}


@dataclass
class Received:
    """One span, and what its task says of itself."""

    span: Span
    resource: dict[str, str]

    @property
    def attributes(self) -> dict[str, Any]:
        return {
            item.key: item.value.int_value if item.value.HasField("int_value") else item.value.string_value
            for item in self.span.attributes
        }


@dataclass
class Collector(otlp_grpc.TraceServiceServicer):
    """An OTLP receiver."""

    target: str = ""
    spans: list[Received] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)

    def Export(self, request: otlp.ExportTraceServiceRequest, context: Any) -> otlp.ExportTraceServiceResponse:  # noqa: N802
        self.raw.append(request.SerializeToString())
        for group in request.resource_spans:
            resource = {item.key: item.value.string_value for item in group.resource.attributes}
            self.spans += (Received(span, resource) for scope in group.scope_spans for span in scope.spans)
        return otlp.ExportTraceServiceResponse()

    def found(self, **attributes: Any) -> list[Received]:
        """Spans with these attributes; two underscores stand for a dot."""
        wanted = {name.replace("__", "."): value for name, value in attributes.items()}
        return [one for one in list(self.spans) if wanted.items() <= one.attributes.items()]

    def awaited(self, **attributes: Any) -> Received:
        wait_for(f"a span with {attributes}", lambda: self.found(**attributes))
        return self.found(**attributes)[0]


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    server = grpc.server(ThreadPoolExecutor(2))
    servicer = Collector()
    otlp_grpc.add_TraceServiceServicer_to_server(servicer, server)  # type: ignore[no-untyped-call]
    servicer.target = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    yield servicer
    server.stop(0)


@pytest.fixture(scope="module")
def traced(environment: dict[str, str], collector: Collector) -> dict[str, str]:
    return environment | {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.target, "OTEL_BSP_SCHEDULE_DELAY": "50"}


@pytest.fixture(scope="module")
def task(traced: dict[str, str]) -> Iterator[Api]:
    with run_api(traced) as running:
        yield running


@pytest.fixture
async def viewer(task: Api) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=task.http_url, timeout=20) as client:
        yield client


def under(collector: Collector, parent: Span) -> list[Received]:
    return [one for one in list(collector.spans) if one.span.parent_span_id == parent.span_id]


async def test_a_request_is_a_span_below_its_callers_with_the_calls_out_below_it(
    viewer: httpx.AsyncClient, service: Service, collector: Collector, task: Api
) -> None:
    video_id = (await service.published()).video_id
    headers = SAMPLED | {"X-Request-Id": "traced-http"}
    response = await viewer.get(f"/v1/videos/{video_id}/playback?delivery=query", headers=headers)
    assert response.status_code == 200
    served = collector.awaited(streamify__request_id="traced-http")
    assert served.resource["service.name"] == "streamify-api"
    assert served.resource["service.version"]
    assert served.resource["deployment.environment.name"] == "test"
    span = served.span
    assert (span.name, span.kind) == ("GET /v1/videos/<video_id>/playback", Span.SPAN_KIND_SERVER)
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, PARENT)
    assert span.trace_state == "vendor=opaque"
    assert served.attributes == {
        "http.request.method": "GET",
        "http.route": "/v1/videos/<video_id>/playback",
        "http.response.status_code": 200,
        "streamify.request_id": "traced-http",
    }
    assert span.status.code == Status.STATUS_CODE_UNSET
    wait_for("the read of the video", lambda: under(collector, span))
    (read,) = under(collector, span)
    assert (read.span.name, read.span.kind) == ("DynamoDB.GetItem", Span.SPAN_KIND_CLIENT)
    assert read.span.trace_id.hex() == TRACE
    line = next(event for event in task.events() if event.get("request_id") == "traced-http")
    assert (line["trace_id"], line["span_id"]) == (TRACE, span.span_id.hex())


async def test_a_caller_without_a_trace_begins_one_that_the_log_names(
    viewer: httpx.AsyncClient, collector: Collector, task: Api
) -> None:
    await viewer.get(f"/v1/videos/{UNKNOWN_VIDEO}", headers={"X-Request-Id": "untraced-http"})
    served = collector.awaited(streamify__request_id="untraced-http").span
    assert served.parent_span_id == b""
    line = next(event for event in task.events() if event.get("request_id") == "untraced-http")
    assert line["trace_id"] == served.trace_id.hex()


async def test_a_call_is_a_span_too(task: Api, service: Service, issuer: Issuer, collector: Collector) -> None:
    video_id = (await service.published()).video_id
    request = catalog.UnpublishVideoRequest(video_id=video_id, request_id=new_id())
    async with grpc.aio.insecure_channel(task.grpc_target) as channel:
        call = channel.unary_unary(
            "/streamify.catalog.v1.VideoService/UnpublishVideo",
            request_serializer=catalog.UnpublishVideoRequest.SerializeToString,
            response_deserializer=catalog.UnpublishVideoResponse.FromString,
        )
        metadata = (*SAMPLED.items(), ("x-request-id", "traced-grpc"), ("authorization", f"Bearer {issuer.token()}"))
        await call(request, metadata=metadata, timeout=20)
        with pytest.raises(grpc.aio.AioRpcError):
            await call(request, metadata=(("x-request-id", "refused-grpc"),), timeout=20)
    served = collector.awaited(streamify__request_id="traced-grpc")
    span = served.span
    assert (span.name, span.kind) == ("streamify.catalog.v1.VideoService/UnpublishVideo", Span.SPAN_KIND_SERVER)
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, PARENT)
    assert served.attributes["rpc.grpc.status_code"] == 0
    calls = {"DynamoDB.GetItem", "DynamoDB.TransactWriteItems", "S3.DeleteObject"}
    wait_for("its calls out", lambda: {one.span.name for one in under(collector, span)} == calls)
    refused = collector.awaited(streamify__request_id="refused-grpc")
    assert refused.attributes["rpc.grpc.status_code"] == grpc.StatusCode.UNAUTHENTICATED.value[0]
    assert refused.span.status.code == Status.STATUS_CODE_UNSET, "the caller's doing is no failure of ours"


async def test_what_we_could_not_do_is_a_failure(emulator: str, traced: dict[str, str], collector: Collector) -> None:
    with stoppable(emulator) as dynamodb, run_api(traced | {"AWS_ENDPOINT_URL_DYNAMODB": dynamodb.url}) as task:
        dynamodb.set(Mode.CLOSED)
        async with httpx.AsyncClient(base_url=task.http_url, timeout=20) as http:
            assert (await http.get("/v1/videos", headers={"X-Request-Id": "failed-http"})).status_code == 503
        served = collector.awaited(streamify__request_id="failed-http")
    assert served.span.status.code == Status.STATUS_CODE_ERROR
    assert served.span.status.message == ""
    assert served.attributes["error.type"] == "503"
    attempts = under(collector, served.span)
    assert attempts
    assert {one.span.status.code for one in attempts} == {Status.STATUS_CODE_ERROR}
    assert all(one.attributes["error.type"] for one in attempts)


async def test_no_token_and_no_signature_leaves_in_a_span(
    viewer: httpx.AsyncClient, service: Service, issuer: Issuer, collector: Collector
) -> None:
    video_id = (await service.published(playback_policy=catalog.PLAYBACK_POLICY_PRIVATE)).video_id
    token = issuer.token(scope="videos:watch")
    opened = await viewer.get(
        f"/v1/videos/{video_id}/playback",
        params={"delivery": "query", "token": "in-the-query"},
        headers={"Authorization": f"Bearer {token}", "Cookie": "secret=in-a-cookie"},
    )
    assert opened.status_code == 200
    renewal = {"session_token": opened.json()["session_token"]}
    await viewer.post("/v1/playback/renew", json=renewal, headers={"X-Request-Id": "secretive"})
    collector.awaited(streamify__request_id="secretive")
    sent = b"".join(collector.raw)
    signature = dict(part.split("=", 1) for part in opened.json()["query"].split("&"))["Signature"]
    for secret in (token, renewal["session_token"], signature, "in-the-query", "in-a-cookie", video_id):
        assert secret.encode() not in sent
    names = {name for one in collector.spans for name in one.attributes}
    assert names <= {
        "http.request.method",
        "http.route",
        "http.response.status_code",
        "rpc.system",
        "rpc.service",
        "rpc.method",
        "rpc.grpc.status_code",
        "error.type",
        "streamify.request_id",
    }


async def test_health_checks_are_no_spans(viewer: httpx.AsyncClient, collector: Collector) -> None:
    await viewer.get("/health/ready")
    await viewer.get("/nowhere", headers={"X-Request-Id": "after-health"})
    collector.awaited(streamify__request_id="after-health")
    assert not [one for one in collector.spans if "health" in one.span.name]


async def test_a_caller_who_does_not_sample_is_heeded(
    viewer: httpx.AsyncClient, collector: Collector, task: Api
) -> None:
    other = "11111111111111111111111111111111"
    headers = {"traceparent": f"00-{other}-{PARENT}-00", "X-Request-Id": "unsampled"}
    await viewer.get("/nowhere", headers=headers)
    await viewer.get("/nowhere", headers={"X-Request-Id": "after-unsampled"})
    collector.awaited(streamify__request_id="after-unsampled")
    assert not collector.found(streamify__request_id="unsampled")
    line = next(event for event in task.events() if event.get("request_id") == "unsampled")
    assert line["trace_id"] == other


@pytest.mark.parametrize("exporting", [True, False])
async def test_aws_is_told_the_trace_whether_or_not_spans_are_sent(
    environment: dict[str, str], traced: dict[str, str], collector: Collector, exporting: bool
) -> None:
    heard: list[dict[str, str]] = []

    class DynamoDB(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append({name.lower(): value for name, value in self.headers.items()})
            self.rfile.read(int(self.headers["Content-Length"]))
            body = json.dumps({}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), DynamoDB)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings = (traced if exporting else environment) | {
        "AWS_ENDPOINT_URL_DYNAMODB": f"http://127.0.0.1:{server.server_port}"
    }
    try:
        with run_api(settings) as task:
            async with httpx.AsyncClient(base_url=task.http_url, timeout=20) as http:
                headers = SAMPLED | {"X-Request-Id": f"aws-{exporting}-1"}
                assert (await http.get(f"/v1/videos/{UNKNOWN_VIDEO}", headers=headers)).status_code == 404
                told = heard[-1]
                if exporting:  # before the task is gone: what it has not sent is lost with it
                    served = collector.awaited(streamify__request_id="aws-True-1").span
                    wait_for("the attempt", lambda: under(collector, served))
    finally:
        server.shutdown()
        server.server_close()
    version, trace_id, span_id, flags = told["traceparent"].split("-")
    assert (version, trace_id, flags, told["tracestate"]) == ("00", TRACE, "01", "vendor=opaque")
    assert span_id != PARENT
    if exporting:
        assert span_id in {one.span.span_id.hex() for one in under(collector, served)}


async def test_a_task_ends_with_zero_and_its_last_spans_also_when_nobody_collects_them(
    traced: dict[str, str], collector: Collector
) -> None:
    with run_api(traced | {"OTEL_BSP_SCHEDULE_DELAY": "3600000", "STREAMIFY_DRAIN_SECONDS": "0"}) as task:
        async with httpx.AsyncClient(base_url=task.http_url, timeout=20) as http:
            await http.get("/nowhere", headers={"X-Request-Id": "the-last-one"})
        task.terminate()
        assert task.process.wait(30) == 0
    assert collector.found(streamify__request_id="the-last-one")
    with stoppable(collector.target) as silent:
        silent.set(Mode.STALLED)
        with run_api(traced | {"OTEL_EXPORTER_OTLP_ENDPOINT": silent.url, "STREAMIFY_DRAIN_SECONDS": "0"}) as task:
            async with httpx.AsyncClient(base_url=task.http_url, timeout=20) as http:
                assert (await http.get("/health/ready")).status_code == 200
                assert (await http.get("/nowhere")).status_code == 404
            task.terminate()
            assert task.process.wait(30) == 0


def test_off_nothing_of_opentelemetry_is_loaded() -> None:
    code = "import sys, streamify_api.main; print(sorted(name for name in sys.modules if 'opentelemetry' in name))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=clean_environment() | {"PYTHONPATH": str(ROOT / "api/src")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
