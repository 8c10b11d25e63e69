# SPDX-License-Identifier: Apache-2.0
"""A large upload by the shipped client to the deployed platform, while the client and API tasks are killed."""

import base64
import hashlib
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chaos.platform import Platform, wait_until
from streamify_client import Client, Connection
from streamify_client.transfer import PARALLEL

MEBIBYTE = 1024**2
type Kills = tuple[tuple[str, float], ...]
# Who is killed when that share of the parts is in storage.
KILLS: Kills = (("client", 0.2), ("task", 0.35), ("client", 0.55), ("task", 0.75))
_RANGE = 64 * MEBIBYTE  # the emulator makes each answer in memory
_SECONDS = 1800.0


@dataclass
class Result:
    """What happened, and what was compared.

    Attributes:
        notes: one line an event, for people.
        upload: the client's own last words.
        file_sha256: of the file, hexadecimal.
        downloaded_sha256: of what storage gives back.
        composite: of the file's parts, computed here.
        stored_composite: storage's own.
        left_open: multipart uploads that storage still holds.
    """

    notes: list[str] = field(default_factory=list)
    upload: dict[str, Any] = field(default_factory=dict)
    file_sha256: str = ""
    downloaded_sha256: str = ""
    composite: str = ""
    stored_composite: str = ""
    left_open: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether storage holds the file, and says so in the way we and the client do."""
        composites = {self.composite, self.stored_composite, self.upload.get("checksum")}
        return self.file_sha256 == self.downloaded_sha256 and len(composites) == 1 and not self.left_open


class Storage:
    """The upload bucket, asked through S3's API."""

    def __init__(self, platform: Platform) -> None:
        self._s3 = platform.aws("s3")
        self._bucket = next(b["Name"] for b in self._s3.list_buckets()["Buckets"] if "upload" in b["Name"])
        self._before = {item["UploadId"] for item in self._open()}

    def _open(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._s3.list_multipart_uploads(Bucket=self._bucket).get("Uploads", [])
        return found

    def begun(self) -> list[dict[str, Any]]:
        """Multipart uploads that are under way, without those that were when we came."""
        return [item for item in self._open() if item["UploadId"] not in self._before]

    def parts(self) -> int:
        """How many parts those have; none when one was completed meanwhile."""
        paginator = self._s3.get_paginator("list_parts")
        try:
            return sum(
                len(page.get("Parts", []))
                for item in self.begun()
                for page in paginator.paginate(Bucket=self._bucket, Key=item["Key"], UploadId=item["UploadId"])
            )
        except self._s3.exceptions.NoSuchUpload:
            return 0

    def composite(self, key: str) -> str:
        """The object's checksum, as storage has it."""
        return str(self._s3.head_object(Bucket=self._bucket, Key=key, ChecksumMode="ENABLED")["ChecksumSHA256"])

    def sha256(self, key: str, size: int) -> str:
        """Of the bytes that a download gives."""
        digest = hashlib.sha256()
        for start in range(0, size, _RANGE):
            wanted = f"bytes={start}-{min(start + _RANGE, size) - 1}"
            digest.update(self._s3.get_object(Bucket=self._bucket, Key=key, Range=wanted)["Body"].read())
        return digest.hexdigest()


def make_file(path: Path, size: int) -> str:
    """A file of random bytes; its SHA-256."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for start in range(0, size, MEBIBYTE):
            block = os.urandom(min(MEBIBYTE, size - start))
            digest.update(block)
            file.write(block)
    return digest.hexdigest()


def composite_of(path: Path, part_size: int) -> str:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html#large-object-checksums"""
    whole, count = hashlib.sha256(), 0
    with path.open("rb") as file:
        while part := file.read(part_size):
            whole.update(hashlib.sha256(part).digest())
            count += 1
    return f"{base64.b64encode(whole.digest()).decode()}-{count}"


def _start(platform: Platform, path: Path, folder: Path, parallel: int) -> subprocess.Popen[str]:
    outputs = platform.outputs
    environment = os.environ | {
        "STREAMIFY_GRPC_TARGET": outputs["grpc_target"],
        "STREAMIFY_CA_FILE": outputs["ca_file"],
        "STREAMIFY_TOKEN_FILE": outputs["grpc_token_file"],
        "XDG_STATE_HOME": str(folder / "state"),
    }
    streamify = str(Path(sys.executable).with_name("streamify"))
    command = [streamify, "upload", str(path), "--source-only", "--json", "--parallel", str(parallel)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def _part_count(platform: Platform, upload_id: str) -> int:
    token_file, ca_file = Path(platform.outputs["grpc_token_file"]), Path(platform.outputs["ca_file"])
    with Client(Connection(platform.outputs["grpc_target"], token_file, ca_file)) as client:
        return client.get_upload(upload_id).part_count


def _ended(client: subprocess.Popen[str]) -> str:
    output, errors = client.communicate(timeout=_SECONDS)
    assert client.returncode == 0, f"the client failed with {client.returncode}:\n{output}\n{errors}"
    return output


def run(platform: Platform, size: int, folder: Path, kills: Kills = KILLS, parallel: int = PARALLEL) -> Result:
    """Upload a file of `size` bytes and kill whom `kills` names; what is in `folder` afterwards is the caller's.

    Args:
        parallel: parts that the client has on their way at once.

    Raises:
        AssertionError: the client failed, or was done before everybody was killed.
        ChaosError: the upload stood still, or the fleet did not become whole again.
    """
    result, path, storage = Result(), folder / "film.mp4", Storage(platform)
    result.file_sha256 = make_file(path, size)
    begin = time.monotonic()

    def note(text: str) -> None:
        result.notes.append(f"{time.monotonic() - begin:6.1f} s  {text}")

    client = _start(platform, path, folder, parallel)
    note(f"upload of {size / MEBIBYTE:.0f} MiB begins")
    try:
        wait_until(lambda: bool(storage.begun()), "the upload has begun", 60)
        total = _part_count(platform, storage.begun()[0]["Key"].partition("/")[0])
        for whom, share in kills:

            def is_there(client: subprocess.Popen[str] = client, wanted: float = share * total) -> bool:
                assert client.poll() is None, "the client was done before everybody was killed: use a larger file"
                return storage.parts() >= wanted

            wait_until(is_there, f"{share:.0%} of the parts in storage", _SECONDS)
            if whom == "client":
                client.kill()
                client.communicate()
                note(f"client killed with {storage.parts()} of {total} parts in storage; the same command again")
                client = _start(platform, path, folder, parallel)
            else:
                victim = platform.serving()[0]
                victim.container.kill()
                note(f"API task {victim.name} killed with {storage.parts()} of {total} parts in storage")
        result.upload = json.loads(_ended(client))
    finally:
        client.kill()
        client.communicate()
    key = f"{result.upload['upload_id']}/source"
    note(f"{result.upload['upload_id']} completed")
    result.composite = composite_of(path, result.upload["part_size_bytes"])
    result.stored_composite = storage.composite(key)
    result.downloaded_sha256 = storage.sha256(key, size)
    result.left_open = len(storage.begun())
    note("downloaded and compared")
    note(f"fleet whole again {wait_until(platform.is_settled, 'the fleet is whole again', 180):.1f} s later")
    return result
