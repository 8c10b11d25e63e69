# SPDX-License-Identifier: Apache-2.0
"""Client of Streamify's gRPC API: uploads a file, packages it into HLS, publishes the video.

`AsyncClient` is for asyncio, `Client` for everybody else. Every failure is a `ClientError`.
"""

from streamify_client.aio import AsyncClient, patiently
from streamify_client.channel import SERVICE_CONFIG, Connection
from streamify_client.errors import (
    ChecksumError,
    ClientError,
    ConflictError,
    ExitCode,
    FfmpegError,
    NotAllowedError,
    NotAVideoError,
    NotFoundError,
    UnreachableError,
    UsageError,
)
from streamify_client.publish import publish_packaged, upload_file
from streamify_client.resume import Memory
from streamify_client.sync import Client
from streamify_client.upload import Progress, Silent, send_media, upload_source

__all__ = [
    "SERVICE_CONFIG",
    "AsyncClient",
    "ChecksumError",
    "Client",
    "ClientError",
    "ConflictError",
    "Connection",
    "ExitCode",
    "FfmpegError",
    "Memory",
    "NotAVideoError",
    "NotAllowedError",
    "NotFoundError",
    "Progress",
    "Silent",
    "UnreachableError",
    "UsageError",
    "patiently",
    "publish_packaged",
    "send_media",
    "upload_file",
    "upload_source",
]
