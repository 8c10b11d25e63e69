# SPDX-License-Identifier: Apache-2.0
"""Start, drain and stop of a task."""

import asyncio
import subprocess
import sys
import time

import grpc
import httpx
import pytest
from contract.callers import Service
from contract.platform_state import Issuer
from contract.processes import ROOT, clean_environment, free_port, run_api
from grpc_health.v1 import health_pb2, health_pb2_grpc
from streamify.catalog.v1 import catalog_service_pb2 as catalog
from streamify.health.v1 import health_service_pb2 as health
from streamify.health.v1 import health_service_pb2_grpc as health_grpc


async def test_sigterm_says_no_at_once_goes_on_serving_and_ends_with_0(
    environment: dict[str, str], issuer: Issuer
) -> None:
    with run_api(environment) as api:
        async with (
            grpc.aio.insecure_channel(api.grpc_target) as channel,
            httpx.AsyncClient(base_url=api.http_url) as http,
        ):
            service = Service(channel, issuer.token())
            readiness = health_grpc.ReadinessServiceStub(channel)
            await readiness.CheckReadiness(health.CheckReadinessRequest())
            assert (await http.get("/health/ready")).status_code == 200

            served = {"http": 0, "grpc": 0}
            failed: list[object] = []
            asking = True

            async def ask() -> None:
                while asking:
                    response = await http.get("/v1/videos")
                    await service.video("ListVideos", catalog.ListVideosRequest())
                    if response.status_code != 200:
                        failed.append(response.status_code)
                    served["http"] += 1
                    served["grpc"] += 1

            load = [asyncio.create_task(ask()) for _ in range(4)]
            begin = time.monotonic()
            api.terminate()
            while (ready := await http.get("/health/ready")).status_code == 200:
                assert time.monotonic() - begin < 1
            assert (ready.status_code, ready.json()["code"]) == (503, "NOT_READY")
            assert ready.headers["Retry-After"]
            assert ready.headers["Connection"] == "close"
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await readiness.CheckReadiness(health.CheckReadinessRequest())
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
            for name in ("", "streamify.upload.v1.UploadService"):
                answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=name))
                assert answer.status == health_pb2.HealthCheckResponse.NOT_SERVING
            assert (await http.get("/health/live")).status_code == 200

            before = dict(served)
            await asyncio.sleep(max(0.0, 1.0 - (time.monotonic() - begin)))  # still inside the drain of 1.5 s
            asking = False
            await asyncio.gather(*load)
            assert not failed
            assert served["http"] > before["http"]
            assert served["grpc"] > before["grpc"]

        code = await asyncio.to_thread(api.process.wait, 10)
        assert code == 0, api.lines
        assert 1.4 < time.monotonic() - begin < 5
        assert api.event("stopped")


async def test_what_runs_when_the_listeners_close_is_finished(environment: dict[str, str]) -> None:
    with run_api(environment | {"STREAMIFY_DRAIN_SECONDS": "0"}) as api:
        host, port = api.http_url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        # The store stalls, so that the request is under way when the signal comes.
        writer.write(b"GET /v1/videos HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0)
        api.terminate()
        status = await asyncio.wait_for(reader.readline(), 10)
        assert status == b"HTTP/1.1 200 \r\n"
        writer.close()
        assert await asyncio.to_thread(api.process.wait, 10) == 0


async def test_a_task_starts_and_is_ready_while_the_store_is_down(environment: dict[str, str], issuer: Issuer) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    broken = environment | {"AWS_ENDPOINT_URL_DYNAMODB": nobody, "STREAMIFY_DRAIN_SECONDS": "0"}
    with run_api(broken) as api:
        async with (
            httpx.AsyncClient(base_url=api.http_url, timeout=20) as http,
            grpc.aio.insecure_channel(api.grpc_target) as channel,
        ):
            assert (await http.get("/health/ready")).status_code == 200
            answer = await http.get("/v1/videos")
            assert (answer.status_code, answer.json()["code"]) == (503, "DEPENDENCY_UNAVAILABLE")
            assert answer.headers["Retry-After"]
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await Service(channel, issuer.token()).create()
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
            assert (await http.get("/health/ready")).status_code == 200


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"STREAMIFY_TABLE_NAME": ""}, "STREAMIFY_TABLE_NAME is missing"),
        ({"STREAMIFY_CDN_URL": "ftp://x"}, "STREAMIFY_CDN_URL must be an origin"),
        ({"STREAMIFY_SIGNING_KEY": "secret-nonsense"}, "STREAMIFY_SIGNING_KEY does not fit"),
        ({"STREAMIFY_TOKEN_JWKS": "{}"}, "STREAMIFY_TOKEN_JWKS does not fit"),
        ({"AWS_REGION": "not a region"}, "AWS_REGION"),
    ],
)
def test_a_bad_setting_ends_the_start_with_one_sentence(
    environment: dict[str, str], change: dict[str, str], sentence: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "streamify_api"],
        env=clean_environment() | {"PYTHONPATH": str(ROOT / "api/src")} | environment | change,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
    assert "secret-nonsense" not in done.stderr


def test_a_port_that_is_taken_ends_the_start_with_one_sentence(environment: dict[str, str]) -> None:
    with run_api(environment) as api:
        for name, address in (("HTTP", api.http_url), ("GRPC", api.grpc_target)):
            port = address.rpartition(":")[2]
            done = subprocess.run(
                [sys.executable, "-m", "streamify_api"],
                env=clean_environment()
                | {"PYTHONPATH": str(ROOT / "api/src")}
                | environment
                | {f"STREAMIFY_{name}_PORT": port},
                capture_output=True,
                text=True,
                timeout=30,
                check=False,
            )
            assert done.returncode == 1
            assert f"port {port}" in done.stderr.splitlines()[-1]
