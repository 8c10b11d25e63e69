# SPDX-License-Identifier: Apache-2.0
"""The platform as the client sees it: a gRPC server over TLS that takes one token, and storage that takes PUTs."""

import base64
import datetime
import hashlib
import ipaddress
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from google.protobuf.duration_pb2 import Duration
from streamify.catalog.v1 import catalog_service_pb2 as catalog
from streamify.catalog.v1 import catalog_service_pb2_grpc as catalog_grpc
from streamify.upload.v1 import upload_service_pb2 as upload
from streamify.upload.v1 import upload_service_pb2_grpc as upload_grpc

TOKEN = "right-token"
VIDEO_ID = "vid_01ARZ3NDEKTSV4RRFFQ69G5FAV"
UPLOAD_ID = "upl_01ARZ3NDEKTSV4RRFFQ69G5FAV"
PART_BYTES = 100_000
PARTS_A_PAGE = 2


def make_certificate() -> tuple[bytes, bytes]:
    """A certificate for localhost that signs itself, and its key (PEM)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    builder = builder.add_extension(names, critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM), pem


@dataclass
class Storage:
    """Objects by path. `answers` are statuses to give, in turn, instead of taking a PUT."""

    objects: dict[str, bytes] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    answers: list[int] = field(default_factory=list)
    url: str = ""


@dataclass
class FakePlatform:
    """What was asked of the platform, and what it shall answer.

    Attributes:
        target: host:port of the gRPC server.
        calls: method name and request, in order.
        unavailable: how many calls to fail first.
        failure: the status of these.
        before: called before every answer.
        uploads: by id, those that were created.
        video_state, renditions: of the one video.
        spoiled: whether the checksum of a completed upload is that of something else.
        events: for WatchUpload, one list a stream; each ends with UNAVAILABLE but the last.
    """

    storage: Storage
    target: str = ""
    calls: list[tuple[str, Any]] = field(default_factory=list)
    unavailable: int = 0
    failure: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE
    before: Callable[[str], None] = lambda _: None
    uploads: dict[str, upload.Upload] = field(default_factory=dict)
    spoiled: bool = False
    video_state: catalog.VideoState = catalog.VIDEO_STATE_PROCESSING
    renditions: list[catalog.Rendition] = field(default_factory=list)
    events: list[list[upload.WatchUploadResponse]] = field(default_factory=list)

    def stored(self) -> list[upload.StoredPart]:
        """The parts that storage holds."""
        parts = {int(p.rpartition("/")[2]): b for p, b in self.storage.objects.items() if p.startswith("/source/")}
        return [
            upload.StoredPart(part_number=n, size_bytes=len(body), etag=etag(body), checksum=sha256(body))
            for n, body in sorted(parts.items())
        ]

    def asked(self, method: str) -> list[Any]:
        return [request for name, request in self.calls if name == method]

    def take(self, method: str, request: Any, context: grpc.ServicerContext) -> None:
        if dict(context.invocation_metadata()).get("authorization") != f"Bearer {TOKEN}":
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "The token is not valid.")
        if self.unavailable > 0:
            self.unavailable -= 1
            context.abort(self.failure, "This task is draining.")
        self.before(method)
        self.calls.append((method, request))


class _Uploads(upload_grpc.UploadServiceServicer):
    def __init__(self, fake: FakePlatform) -> None:
        self.fake = fake

    def CreateUpload(self, request: Any, context: grpc.ServicerContext) -> upload.CreateUploadResponse:  # noqa: N802
        self.fake.take("CreateUpload", request, context)
        made = upload.Upload(
            upload_id=UPLOAD_ID,
            video_id=VIDEO_ID,
            state=upload.UPLOAD_STATE_WAITING,
            size_bytes=request.size_bytes,
            part_size_bytes=PART_BYTES,
            part_count=-(-request.size_bytes // PART_BYTES),
            revision=1,
            checksum_algorithm=request.checksum_algorithm,
        )
        self.fake.uploads[UPLOAD_ID] = made
        return upload.CreateUploadResponse(upload=made)

    def _known(self, upload_id: str, context: grpc.ServicerContext) -> upload.Upload:
        if upload_id not in self.fake.uploads:
            context.abort(grpc.StatusCode.NOT_FOUND, "There is no such upload.")
        return self.fake.uploads[upload_id]

    def ListParts(self, request: Any, context: grpc.ServicerContext) -> upload.ListPartsResponse:  # noqa: N802
        self.fake.take("ListParts", request, context)
        self._known(request.upload_id, context)
        parts = self.fake.stored()
        start = int(request.page_token or 0)
        token = str(start + PARTS_A_PAGE) if start + PARTS_A_PAGE < len(parts) else ""
        return upload.ListPartsResponse(parts=parts[start : start + PARTS_A_PAGE], next_page_token=token)

    def CreatePartUrls(self, request: Any, context: grpc.ServicerContext) -> upload.CreatePartUrlsResponse:  # noqa: N802
        self.fake.take("CreatePartUrls", request, context)
        base = f"{self.fake.storage.url}/source"
        urls = [
            upload.PartUrl(part_number=n, url=f"{base}/{n:04}", headers={"x-amz-checksum-sha256": request.checksums[n]})
            for n in request.part_numbers
        ]
        return upload.CreatePartUrlsResponse(urls=urls)

    def CompleteUpload(self, request: Any, context: grpc.ServicerContext) -> upload.CompleteUploadResponse:  # noqa: N802
        self.fake.take("CompleteUpload", request, context)
        made = self._known(request.upload_id, context)
        digests = b"".join(base64.b64decode(part.checksum) for part in self.fake.stored())
        made.checksum = f"{sha256(b'' if self.fake.spoiled else digests)}-{made.part_count}"
        made.state = upload.UPLOAD_STATE_COMPLETED
        made.revision = 2
        return upload.CompleteUploadResponse(upload=made)

    def GetUpload(self, request: Any, context: grpc.ServicerContext) -> upload.GetUploadResponse:  # noqa: N802
        self.fake.take("GetUpload", request, context)
        return upload.GetUploadResponse(upload=self._known(request.upload_id, context))

    def ListUploads(self, request: Any, context: grpc.ServicerContext) -> upload.ListUploadsResponse:  # noqa: N802
        self.fake.take("ListUploads", request, context)
        return upload.ListUploadsResponse(uploads=self.fake.uploads.values())

    def CancelUpload(self, request: Any, context: grpc.ServicerContext) -> upload.CancelUploadResponse:  # noqa: N802
        self.fake.take("CancelUpload", request, context)
        made = self._known(request.upload_id, context)
        if made.state == upload.UPLOAD_STATE_COMPLETED:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "The upload is over: COMPLETED.")
        made.state = upload.UPLOAD_STATE_CANCELLED
        return upload.CancelUploadResponse(upload=made)

    def WatchUpload(self, request: Any, context: grpc.ServicerContext) -> Iterator[upload.WatchUploadResponse]:  # noqa: N802
        self.fake.take("WatchUpload", request, context)
        yield from self.fake.events.pop(0)
        if self.fake.events:
            context.abort(grpc.StatusCode.UNAVAILABLE, "This task is draining.")


class _Videos(catalog_grpc.VideoServiceServicer):
    def __init__(self, fake: FakePlatform) -> None:
        self.fake = fake

    def GetVideo(self, request: Any, context: grpc.ServicerContext) -> catalog.GetVideoResponse:  # noqa: N802
        self.fake.take("GetVideo", request, context)
        if request.video_id != VIDEO_ID:
            context.abort(grpc.StatusCode.NOT_FOUND, "There is no such video.")
        return catalog.GetVideoResponse(video=self._video("A film"))

    def ListVideos(self, request: Any, context: grpc.ServicerContext) -> catalog.ListVideosResponse:  # noqa: N802
        self.fake.take("ListVideos", request, context)
        token = "" if request.page_token else "more"
        return catalog.ListVideosResponse(videos=[self._video(f"Film {token}")], next_page_token=token)

    def CreateMediaUrls(self, request: Any, context: grpc.ServicerContext) -> catalog.CreateMediaUrlsResponse:  # noqa: N802
        self.fake.take("CreateMediaUrls", request, context)
        base = f"{self.fake.storage.url}/media"
        urls = [
            catalog.MediaUrl(path=f.path, url=f"{base}/{f.path}", headers={"Content-Type": f.content_type})
            for f in request.files
        ]
        return catalog.CreateMediaUrlsResponse(urls=urls)

    def PublishVideo(self, request: Any, context: grpc.ServicerContext) -> catalog.PublishVideoResponse:  # noqa: N802
        self.fake.take("PublishVideo", request, context)
        self.fake.video_state = catalog.VIDEO_STATE_PUBLISHED
        self.fake.renditions = list(request.renditions)
        return catalog.PublishVideoResponse(video=self._video("A film"))

    def UpdateVideo(self, request: Any, context: grpc.ServicerContext) -> catalog.UpdateVideoResponse:  # noqa: N802
        self.fake.take("UpdateVideo", request, context)
        return catalog.UpdateVideoResponse(video=self._video(request.title))

    def UnpublishVideo(self, request: Any, context: grpc.ServicerContext) -> catalog.UnpublishVideoResponse:  # noqa: N802
        self.fake.take("UnpublishVideo", request, context)
        self.fake.video_state = catalog.VIDEO_STATE_UNPUBLISHED
        return catalog.UnpublishVideoResponse(video=self._video("A film"))

    def DeleteVideo(self, request: Any, context: grpc.ServicerContext) -> catalog.DeleteVideoResponse:  # noqa: N802
        self.fake.take("DeleteVideo", request, context)
        if request.etag not in {"", "right"}:
            context.abort(grpc.StatusCode.ABORTED, "The video is not what the etag stands for.")
        self.fake.video_state = catalog.VIDEO_STATE_DELETED
        return catalog.DeleteVideoResponse(video=self._video("A film"))

    def _video(self, title: str) -> catalog.Video:
        url = f"https://watch.example/watch/{VIDEO_ID}"
        return catalog.Video(
            video_id=VIDEO_ID,
            title=title,
            state=self.fake.video_state,
            watch_url=url,
            duration=Duration(seconds=5),
            renditions=self.fake.renditions,
        )


def serve_grpc(fake: FakePlatform, certificate: tuple[bytes, bytes]) -> grpc.Server:
    """Starts the gRPC server and writes its address into the fake."""
    server = grpc.server(ThreadPoolExecutor(4))
    upload_grpc.add_UploadServiceServicer_to_server(_Uploads(fake), server)
    catalog_grpc.add_VideoServiceServicer_to_server(_Videos(fake), server)  # type: ignore[abstract]
    credentials = grpc.ssl_server_credentials([(certificate[1], certificate[0])])
    fake.target = f"localhost:{server.add_secure_port('localhost:0', credentials)}"
    server.start()
    return server


def serve_storage(storage: Storage) -> ThreadingHTTPServer:
    """Starts storage and writes its address into it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status = storage.answers.pop(0) if storage.answers else 200
            if status == 200:
                storage.objects[self.path] = body
                storage.order.append(self.path)
                storage.headers[self.path] = {k.lower(): v for k, v in self.headers.items()}
            self.send_response(status)
            self.send_header("ETag", etag(body))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    storage.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server


def etag(body: bytes) -> str:
    """What storage answers to a PUT of that body."""
    return f'"{hashlib.md5(body).hexdigest()}"'


def sha256(body: bytes) -> str:
    """Checksum as storage writes it."""
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


def write_settings(folder: Path, certificate: bytes) -> tuple[Path, Path]:
    """The CA file and the token file in that folder."""
    ca_file, token_file = folder / "ca.pem", folder / "token"
    ca_file.write_bytes(certificate)
    token_file.write_text(TOKEN + "\n")
    return ca_file, token_file
