# SPDX-License-Identifier: Apache-2.0
"""Every method: who may call it, and what kind of work it is. A method that is not named here is refused."""

from dataclasses import dataclass
from enum import StrEnum

_UPLOADS = "/streamify.upload.v1.UploadService/"
_VIDEOS = "/streamify.catalog.v1.VideoService/"


class Work(StrEnum):
    """Kinds of work, each with a limit of its own, so that one cannot take the others' room."""

    READS = "grpc_reads"
    CHANGES = "grpc_changes"
    STREAMS = "grpc_streams"
    PRESIGNING = "grpc_presigning"


@dataclass(frozen=True, slots=True)
class Method:
    """What has to be known of a method before it runs."""

    scope: str
    work: Work


METHODS: dict[str, Method] = {
    _UPLOADS + "CreateUpload": Method("uploads:write", Work.CHANGES),
    _UPLOADS + "CreatePartUrls": Method("uploads:write", Work.PRESIGNING),
    _UPLOADS + "CompleteUpload": Method("uploads:write", Work.CHANGES),
    _UPLOADS + "GetUpload": Method("uploads:write", Work.READS),
    _UPLOADS + "ListUploads": Method("uploads:write", Work.READS),
    _UPLOADS + "ListParts": Method("uploads:write", Work.READS),
    _UPLOADS + "CancelUpload": Method("uploads:write", Work.CHANGES),
    _UPLOADS + "WatchUpload": Method("uploads:write", Work.STREAMS),
    _VIDEOS + "GetVideo": Method("videos:read", Work.READS),
    _VIDEOS + "ListVideos": Method("videos:read", Work.READS),
    _VIDEOS + "CreateMediaUrls": Method("videos:write", Work.PRESIGNING),
    _VIDEOS + "PublishVideo": Method("videos:write", Work.CHANGES),
    _VIDEOS + "UpdateVideo": Method("videos:write", Work.CHANGES),
    _VIDEOS + "UnpublishVideo": Method("videos:write", Work.CHANGES),
    _VIDEOS + "DeleteVideo": Method("videos:write", Work.CHANGES),
    _VIDEOS + "ReportProgress": Method("videos:write", Work.CHANGES),
    _VIDEOS + "FailVideo": Method("videos:write", Work.CHANGES),
}
# Services that need no token and are never shed: they say nothing about videos, and the balancer lives on them.
PUBLIC_SERVICES = frozenset(
    {
        "streamify.health.v1.ReadinessService",
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
    }
)


def is_public(method: str) -> bool:
    """Whether a method, as "/package.Service/Method", needs no token."""
    return method.removeprefix("/").partition("/")[0] in PUBLIC_SERVICES
