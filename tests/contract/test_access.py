# SPDX-License-Identifier: Apache-2.0
"""Who may call what over gRPC, and what needs no token."""

import itertools
import json
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import grpc
import jwt
import pytest
from contract.callers import Service, create_request, reason
from contract.platform_state import Issuer, jwks
from contract.processes import Api, run_api, wait_for
from cryptography.hazmat.primitives.asymmetric import ec
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from streamify.catalog.v1 import catalog_service_pb2 as catalog
from streamify.health.v1 import health_service_pb2 as health
from streamify.health.v1 import health_service_pb2_grpc as health_grpc
from streamify.upload.v1 import upload_service_pb2 as upload_pb

METHODS = [
    (f"/{service.full_name}/{method.name}", GetMessageClass(method.input_type)())
    for file in (upload_pb.DESCRIPTOR, catalog.DESCRIPTOR)
    for service in file.services_by_name.values()
    for method in service.methods
]


class Site:
    """Answers every GET over TLS with `body`, and remembers when."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self.certificate, self.body, self.status, self.reads = certificate, "", 200, list[float]()
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.reads.append(time.monotonic())
                self.send_response(site.status)
                self.send_header("Location", "http://localhost:1/jwks.json")
                self.send_header("Content-Length", str(len(site.body)))
                self.end_headers()
                self.wfile.write(site.body.encode())

            def log_message(self, *_: Any) -> None:
                """Nobody reads it."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate, key)
        self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://localhost:{self._server.server_port}/jwks.json"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()


async def raw_call(channel: grpc.aio.Channel, method: str, body: bytes, token: str | None) -> grpc.aio.AioRpcError:
    metadata = (("authorization", f"Bearer {token}"),) if token else ()
    call = channel.unary_unary(method, request_serializer=bytes, response_deserializer=bytes)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(body, metadata=metadata, timeout=10)
    return caught.value


@pytest.mark.parametrize(("method", "message"), METHODS, ids=[method for method, _ in METHODS])
async def test_no_method_answers_without_a_token(channel: grpc.aio.Channel, method: str, message: Any) -> None:
    error = await raw_call(channel, method, message.SerializeToString(), None)
    assert error.code() is grpc.StatusCode.UNAUTHENTICATED
    assert reason(error).reason == "TOKEN_MISSING"


@pytest.mark.parametrize(("method", "message"), METHODS, ids=[method for method, _ in METHODS])
async def test_no_method_answers_without_its_scope(
    channel: grpc.aio.Channel, issuer: Issuer, method: str, message: Any
) -> None:
    error = await raw_call(channel, method, message.SerializeToString(), issuer.token(scope="something:else"))
    assert error.code() is grpc.StatusCode.PERMISSION_DENIED
    assert reason(error).reason == "SCOPE_MISSING"


@pytest.mark.parametrize(("method", "message"), METHODS, ids=[method for method, _ in METHODS])
async def test_an_undecodable_message_is_an_invalid_argument(
    channel: grpc.aio.Channel, issuer: Issuer, method: str, message: Any
) -> None:
    error = await raw_call(channel, method, b"\xff\xff\xff", issuer.token())
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert reason(error).reason == "UNDECODABLE"


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"lifetime": timedelta(minutes=-5)}, "TOKEN_EXPIRED"),
        ({"aud": "somebody-else"}, "TOKEN_INVALID"),
        ({"iss": "https://elsewhere.example.com"}, "TOKEN_INVALID"),
        ({"tenant": ""}, "TOKEN_INVALID"),
        ({"scope": ["uploads:write"]}, "TOKEN_INVALID"),
    ],
)
async def test_a_token_that_does_not_fit_is_refused(
    as_tenant: Callable[..., Service], claims: dict[str, Any], expected: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await as_tenant(**claims).create()
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert reason(caught.value).reason == expected


@pytest.mark.parametrize("forgery", ["other key", "no signature", "symmetric", "garbage"])
async def test_a_forged_token_is_refused(channel: grpc.aio.Channel, issuer: Issuer, forgery: str) -> None:
    claims = jwt.decode(issuer.token(), options={"verify_signature": False})
    token = {
        "other key": Issuer(ec.generate_private_key(ec.SECP256R1())).token(),
        "no signature": jwt.encode(claims, "", algorithm="none", headers={"kid": "test"}),
        "symmetric": jwt.encode(claims, "x" * 32, algorithm="HS256", headers={"kid": "test"}),
        "garbage": "abc.def.ghi",
    }[forgery]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await Service(channel, token).upload("CreateUpload", create_request())
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_the_issuers_keys_rotate_without_a_new_task(
    environment: dict[str, str], issuer: Issuer, tmp_path: Path
) -> None:
    successor = Issuer(ec.generate_private_key(ec.SECP256R1()), "successor")
    first, second = (json.loads(jwks(one.key, one.key_id))["keys"] for one in (issuer, successor))
    file = tmp_path / "jwks.json"

    def publish(text: str) -> None:
        (tmp_path / "new").write_text(text)
        (tmp_path / "new").replace(file)

    publish(json.dumps({"keys": first}))
    settings = {"STREAMIFY_TOKEN_JWKS_URL": file.as_uri(), "STREAMIFY_TOKEN_JWKS_SECONDS": "0.1"}
    with run_api(environment | settings) as task:
        async with grpc.aio.insecure_channel(task.grpc_target) as channel:

            async def believed(who: Issuer) -> bool:
                try:
                    await Service(channel, who.token()).video("ListVideos", catalog.ListVideosRequest())
                except grpc.aio.AioRpcError as error:
                    if error.code() is not grpc.StatusCode.UNAUTHENTICATED:
                        raise
                    return False
                return True

            assert (await believed(issuer), await believed(successor)) == (True, False)
            publish(json.dumps({"keys": first + second}))
            while not await believed(successor):
                pass
            assert await believed(issuer)
            publish("nonsense")
            wait_for("the mistake is logged", lambda: any("cannot be read" in line for line in list(task.lines)))
            assert (await believed(issuer), await believed(successor)) == (True, True)
            publish(json.dumps({"keys": second}))
            while await believed(issuer):
                pass
            assert await believed(successor)


@pytest.fixture
def jwks_site(tmp_path: Path) -> Iterator[Site]:
    """A site of https with an authority of its own."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "ca.pem"],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    site = Site(tmp_path / "ca.pem", tmp_path / "key.pem")
    yield site
    site.close()


async def test_a_key_that_is_not_known_has_the_keys_read_again_but_not_for_each_token(
    environment: dict[str, str], issuer: Issuer, jwks_site: Site
) -> None:
    successor = Issuer(ec.generate_private_key(ec.SECP256R1()), "successor")
    nobody = Issuer(ec.generate_private_key(ec.SECP256R1()), "nobody")
    first, second = (json.loads(jwks(one.key, one.key_id))["keys"] for one in (issuer, successor))
    jwks_site.body = json.dumps({"keys": first})
    settings = {
        "STREAMIFY_TOKEN_JWKS_URL": jwks_site.url,
        "STREAMIFY_TOKEN_JWKS_SECONDS": "86400",
        "STREAMIFY_TOKEN_JWKS_SOONEST_SECONDS": "2",
        "SSL_CERT_FILE": str(jwks_site.certificate),
    }
    with run_api(environment | settings) as task:
        async with grpc.aio.insecure_channel(task.grpc_target) as channel:

            async def believed(who: Issuer) -> bool:
                try:
                    await Service(channel, who.token()).video("ListVideos", catalog.ListVideosRequest())
                except grpc.aio.AioRpcError as error:
                    if error.code() is not grpc.StatusCode.UNAUTHENTICATED:
                        raise
                    return False
                return True

            wait_for("the keys are read when the task starts", lambda: jwks_site.reads)
            assert await believed(issuer)
            jwks_site.body = json.dumps({"keys": first + second})
            tokens = 0
            while not await believed(successor):
                tokens += 1
            assert jwks_site.reads[1] - jwks_site.reads[0] >= 2
            known = len(jwks_site.reads)
            for _ in range(50):
                assert not await believed(nobody)
            reads = jwks_site.reads
            assert all(later - earlier >= 2 for earlier, later in itertools.pairwise(reads))
            wait_for("an unknown key is looked for", lambda: len(reads) > known)
            assert await believed(successor)


async def test_keys_are_not_read_where_a_redirect_leads(
    environment: dict[str, str], issuer: Issuer, jwks_site: Site
) -> None:
    jwks_site.body, jwks_site.status = json.dumps({"keys": []}), 302
    settings = {"STREAMIFY_TOKEN_JWKS_URL": jwks_site.url, "SSL_CERT_FILE": str(jwks_site.certificate)}
    with run_api(environment | settings) as task:
        wait_for("the redirect is refused", lambda: any("cannot be read" in line for line in list(task.lines)))
        async with grpc.aio.insecure_channel(task.grpc_target) as channel:
            await Service(channel, issuer.token()).video("ListVideos", catalog.ListVideosRequest())


async def test_readiness_health_and_reflection_need_no_token(channel: grpc.aio.Channel) -> None:
    await health_grpc.ReadinessServiceStub(channel).CheckReadiness(health.CheckReadinessRequest())
    for name in ("", "streamify.upload.v1.UploadService"):
        answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=name))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    ask = reflection_pb2.ServerReflectionRequest(list_services="")
    listed = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(iter([ask]))
    names = {item.name async for answer in listed for item in answer.list_services_response.service}
    assert {"streamify.upload.v1.UploadService", "streamify.catalog.v1.VideoService"} <= names


async def test_an_unknown_method_is_unimplemented(channel: grpc.aio.Channel, issuer: Issuer) -> None:
    error = await raw_call(channel, "/streamify.upload.v1.UploadService/Nothing", b"", issuer.token())
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED
    assert reason(error).reason == "METHOD_UNKNOWN"


async def test_an_oversized_message_is_refused(service: Service) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await service.create(title="x" * 3_000_000)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_the_log_holds_calls_and_no_tokens(api: Api, service: Service) -> None:
    await service.create()
    assert service.token is not None
    text = "".join(api.lines)
    assert "/streamify.upload.v1.UploadService/CreateUpload" in text
    assert service.token not in text
    assert "PRIVATE KEY" not in text
    assert all(event["level"] and event["timestamp"] for event in api.events())
