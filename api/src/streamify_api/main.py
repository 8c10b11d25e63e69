# SPDX-License-Identifier: Apache-2.0
"""Start, readiness, drain and stop of both servers. Work is done on one event loop; gRPC takes its calls on another.

On SIGTERM: readiness says no at once; both servers go on for STREAMIFY_DRAIN_SECONDS, until every balancer has noticed;
then the listeners close, running requests get STREAMIFY_SHUTDOWN_GRACE_SECONDS, and the process ends with 0.
ECS kills after stopTimeout, which must be longer than the two together.
"""

import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
import uvloop

from streamify_api import __version__
from streamify_api.bootstrap import build, utc_now
from streamify_api.config import Settings, SettingsError
from streamify_api.services.readiness import Phase, Readiness
from streamify_api.services.upload_watch import UploadWatch
from streamify_api.telemetry import configure_logs, log
from streamify_api.telemetry_access import AccessLog
from streamify_api.telemetry_lag import LoopLag
from streamify_api.telemetry_limits import AddressLimiter
from streamify_api.telemetry_metrics import DRAINING, LOOP_LAG, serve_metrics
from streamify_api.telemetry_traces import exported_traces
from streamify_api.transports.grpc.methods import Work
from streamify_api.transports.grpc.server import GrpcServer
from streamify_api.transports.http.app import create_app
from streamify_api.transports.http.callers import who_asks
from streamify_api.transports.http.front import Front
from streamify_api.transports.http.playback import PlaybackPaths

WEB_ROOT = Path(__file__).parent / "web"
# Longer than the balancer's idle time-out of 60 s, or it meets closed connections:
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html
_KEEP_ALIVE_SECONDS = 75
# For so long one thread keeps another from running. A gRPC call changes threads about nine times: with Python's 5 ms it
# would wait for 45 ms beside a busy loop. https://docs.python.org/3/library/sys.html#sys.setswitchinterval
_SWITCH_SECONDS = 0.001


class StartError(Exception):
    """The servers cannot start; the message is one sentence."""


class _HttpServer(uvicorn.Server):
    """uvicorn without signal handlers of its own: main decides when to stop."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def main() -> None:
    """Run until told to stop. Exits with 0 after a drain, 2 when a setting is wrong, 1 on anything else."""
    try:
        settings = Settings.from_environment(os.environ)
        configure_logs(settings.log_level, environment=settings.environment, version=__version__)
        sys.setswitchinterval(_SWITCH_SECONDS)
        uvloop.run(serve(settings))
    except SettingsError as error:
        sys.stderr.write(f"streamify-api cannot start: {error}.\n")
        sys.exit(2)
    except StartError as error:
        sys.stderr.write(f"streamify-api cannot start: {error}.\n")
        sys.exit(1)


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then drain and stop. A second signal cuts the drain short.

    Raises:
        SettingsError: a setting does not fit.
        StartError: a port cannot be had.
    """
    stop, hurry = asyncio.Event(), asyncio.Event()

    def on_signal() -> None:
        (hurry if stop.is_set() else stop).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)

    readiness = Readiness()
    resource = {
        "service.name": "streamify-api",
        "service.version": __version__,
        "deployment.environment.name": settings.environment,
    }
    async with exported_traces(settings.otlp_endpoint, **resource), build(settings) as services:
        asks = who_asks(services.verifier)
        app = create_app(
            videos=services.videos,
            playbacks=services.playbacks,
            readiness=readiness,
            who_asks=asks,
            web_root=WEB_ROOT,
            cdn_url=settings.cdn_url,
            public_url=settings.public_url,
        )
        limiter = AddressLimiter(settings.requests_per_second, settings.request_burst)
        paths = PlaybackPaths(services.playbacks, asks, settings.cookie_domain, settings.cache_seconds)
        access_log = AccessLog(
            enabled=settings.log_level in {"debug", "info"}, environment=settings.environment, version=__version__
        )
        lag = LoopLag(settings.most_lag_seconds)
        LOOP_LAG.set_function(lambda: lag.seconds)
        measuring = asyncio.create_task(lag.measure())
        front = Front(
            app, paths, readiness, limiter, access_log, settings.allowed_origins, settings.http_concurrency, lag
        )
        DRAINING.set_function(lambda: readiness.phase is Phase.DRAINING)
        grpc_server = GrpcServer(
            uploads=services.uploads,
            parts=services.parts,
            watch=UploadWatch(services.uploads, readiness, utc_now),
            videos=services.videos,
            changes=services.changes,
            verifier=services.verifier,
            readiness=readiness,
            public_url=settings.public_url,
            limits={
                Work.READS: settings.grpc_reads,
                Work.CHANGES: settings.grpc_changes,
                Work.STREAMS: settings.grpc_streams,
                Work.PRESIGNING: settings.grpc_presigning,
            },
            lag=lag,
        )
        listener = _listen(settings.host, settings.http_port)
        try:
            grpc_port = await grpc_server.start(settings.host, settings.grpc_port)
        except RuntimeError:
            listener.close()
            raise StartError(f"port {settings.grpc_port} of {settings.host} is taken or not allowed") from None
        http_port = listener.getsockname()[1]
        try:
            metrics_port = serve_metrics(
                settings.host, settings.metrics_port, version=__version__, environment=settings.environment
            )
        except OSError as error:
            listener.close()
            await grpc_server.stop(0)
            raise StartError(f"port {settings.metrics_port} for metrics cannot be had: {error.strerror}") from None
        http_server = _HttpServer(
            uvicorn.Config(
                front,
                http="httptools",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=max(1, round(settings.shutdown_grace_seconds)),
            )
        )
        serving = asyncio.create_task(http_server.serve(sockets=[listener]))
        serving.add_done_callback(lambda _: stop.set())

        # What lives until the end need not be looked at by every collection; requests leave little that is cyclic.
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 20, 20)
        readiness.started()
        log.info("started", http_port=http_port, grpc_port=grpc_port, metrics_port=metrics_port)
        await stop.wait()

        readiness.drain()
        await grpc_server.drain()
        log.info("draining", seconds=settings.drain_seconds)
        try:
            async with asyncio.timeout(settings.drain_seconds):
                await hurry.wait()
        except TimeoutError:
            pass
        http_server.should_exit = True
        await asyncio.gather(serving, grpc_server.stop(settings.shutdown_grace_seconds))
        measuring.cancel()
        log.info("stopped")


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)  # now: who connects when "started" is logged waits, and is not refused
    except OSError as error:
        listener.close()
        raise StartError(f"port {port} of {host} cannot be had: {error.strerror}") from None
    listener.setblocking(False)
    return listener
