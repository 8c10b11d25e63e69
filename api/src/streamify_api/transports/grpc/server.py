# SPDX-License-Identifier: Apache-2.0
"""The gRPC server: our services, health, reflection, and readiness for the balancer."""

import asyncio
from collections.abc import Mapping

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from streamify.catalog.v1 import catalog_service_pb2, catalog_service_pb2_grpc
from streamify.health.v1 import health_service_pb2, health_service_pb2_grpc
from streamify.upload.v1 import upload_service_pb2, upload_service_pb2_grpc

from streamify_api.domain.errors import UnavailableError
from streamify_api.services.ports import TokenVerifier
from streamify_api.services.readiness import Readiness
from streamify_api.services.upload_parts import UploadParts
from streamify_api.services.upload_watch import UploadWatch
from streamify_api.services.uploads import Uploads
from streamify_api.services.video_changes import VideoChanges
from streamify_api.services.videos import Videos
from streamify_api.telemetry_lag import LoopLag
from streamify_api.transports.grpc.hand_over import HandOverInterceptor, LoopThread
from streamify_api.transports.grpc.handlers import Context
from streamify_api.transports.grpc.interceptors import (
    CallInterceptor,
    DecodeInterceptor,
    LimitInterceptor,
    TokenInterceptor,
)
from streamify_api.transports.grpc.methods import Work
from streamify_api.transports.grpc.upload_servicer import UploadServicer
from streamify_api.transports.grpc.video_servicer import VideoServicer

SERVICES = (
    catalog_service_pb2.DESCRIPTOR.services_by_name["VideoService"].full_name,
    upload_service_pb2.DESCRIPTOR.services_by_name["UploadService"].full_name,
    health_service_pb2.DESCRIPTOR.services_by_name["ReadinessService"].full_name,
)
_MAX_MESSAGE_BYTES = 2 * 1024**2  # CompleteUpload with 10,000 parts, their etags and checksums is 1 MB
# https://grpc.github.io/grpc/core/group__grpc__arg__keys.html
_OPTIONS = (
    ("grpc.max_receive_message_length", _MAX_MESSAGE_BYTES),
    ("grpc.max_metadata_size", 16 * 1024),
    ("grpc.so_reuseport", 0),  # a port that is taken is an error
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
)


class ReadinessServicer(health_service_pb2_grpc.ReadinessServiceServicer):
    """See protos/streamify/health/v1/health_service.proto."""

    def __init__(self, readiness: Readiness) -> None:
        self._readiness = readiness

    async def CheckReadiness(  # noqa: N802
        self,
        request: health_service_pb2.CheckReadinessRequest,  # noqa: ARG002
        context: Context,  # noqa: ARG002
    ) -> health_service_pb2.CheckReadinessResponse:
        """Succeed while the task wants calls."""
        if not self._readiness.ready:
            raise UnavailableError("NOT_READY", f"This task is {self._readiness.phase.value}.")
        return health_service_pb2.CheckReadinessResponse()


class GrpcServer:
    """Owns the server, the health protocol's answers, and the thread that both live in.

    Calls are taken and shed there; the work is done on the event loop that started the server.
    """

    def __init__(
        self,
        *,
        uploads: Uploads,
        parts: UploadParts,
        watch: UploadWatch,
        videos: Videos,
        changes: VideoChanges,
        verifier: TokenVerifier,
        readiness: Readiness,
        public_url: str,
        limits: Mapping[Work, int],
        lag: LoopLag | None = None,
    ) -> None:
        self._uploads = UploadServicer(uploads, parts, watch)
        self._videos = VideoServicer(videos, changes, public_url)
        self._readiness = ReadinessServicer(readiness)
        self._verifier = verifier
        self._limits = limits
        self._lag = lag
        self._thread: LoopThread | None = None
        self._server: grpc.aio.Server
        self._health: health.aio.HealthServicer

    async def start(self, host: str, port: int) -> int:
        """Listen, and answer with the port.

        Raises:
            RuntimeError: the address cannot be had.
        """
        self._thread = LoopThread("grpc")
        try:
            return await self._thread.run(self._start(asyncio.get_running_loop(), f"{host}:{port}"))
        except RuntimeError:
            await self._thread.close()
            raise

    async def _start(self, work: asyncio.AbstractEventLoop, address: str) -> int:
        interceptors = (
            CallInterceptor(),
            LimitInterceptor(self._limits, self._lag),
            HandOverInterceptor(work),
            TokenInterceptor(self._verifier),
            DecodeInterceptor(),
        )
        self._server = grpc.aio.server(interceptors=interceptors, options=_OPTIONS)
        self._health = health.aio.HealthServicer()
        upload_service_pb2_grpc.add_UploadServiceServicer_to_server(self._uploads, self._server)
        catalog_service_pb2_grpc.add_VideoServiceServicer_to_server(self._videos, self._server)
        health_service_pb2_grpc.add_ReadinessServiceServicer_to_server(self._readiness, self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        reflection.enable_server_reflection((*SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME), self._server)
        bound = self._server.add_insecure_port(address)
        await self._server.start()
        for service in ("", *SERVICES):
            await self._health.set(service, health_pb2.HealthCheckResponse.SERVING)
        return bound

    async def drain(self) -> None:
        """Say NOT_SERVING from now on, and go on serving."""
        if self._thread is not None:
            await self._thread.run(self._health.enter_graceful_shutdown())

    async def stop(self, grace_seconds: float) -> None:
        """Take no more calls, finish those that run, cut what is left after the grace."""
        if self._thread is not None:
            await self._thread.run(self._server.stop(grace_seconds))
            await self._thread.close()
