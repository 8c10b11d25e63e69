# SPDX-License-Identifier: Apache-2.0
"""How domain values are written as items of the one table. docs/data-model.md explains the keys."""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from streamify_api.domain.errors import InvalidArgumentError
from streamify_api.domain.uploads import Upload, UploadState
from streamify_api.domain.videos import Rendition, Video, VideoState
from streamify_api.services.ports import RequestRecord

type Item = dict[str, dict[str, str]]

# An upload's item outlives it this long, so that a late GetUpload can still say what became of it.
UPLOAD_KEPT = timedelta(days=7)
PUBLISHED = "PUBLISHED"
_PUBLISHED_TOKEN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z#vid_[0-9A-Z]{26}\Z")
_TENANT_TOKEN = re.compile(r"vid_[0-9A-Z]{26}\Z")


def text(value: str) -> dict[str, str]:
    """A string attribute."""
    return {"S": value}


def number(value: float) -> dict[str, str]:
    """A number attribute."""
    return {"N": str(value)}


def upload_key(upload_id: str) -> Item:
    """Where an upload is."""
    return {"pk": text(f"UPLOAD#{upload_id}"), "sk": text("UPLOAD")}


def video_key(video_id: str) -> Item:
    """Where a video is."""
    return {"pk": text(f"VIDEO#{video_id}"), "sk": text("VIDEO")}


def publication_key(video_id: str) -> Item:
    """Where a video's entry in the public list is."""
    return {"pk": text(f"VIDEO#{video_id}"), "sk": text("PUBLICATION")}


def request_key(key: str) -> Item:
    """Where the record of a mutation is."""
    return {"pk": text(f"REQUEST#{key}"), "sk": text("REQUEST")}


def tenant_partition(tenant: str) -> str:
    """The index partition of a tenant's videos."""
    return f"TENANT#{tenant}"


def upload_item(upload: Upload) -> Item:
    """An upload as an item."""
    return upload_key(upload.upload_id) | {
        "upload_id": text(upload.upload_id),
        "video_id": text(upload.video_id),
        "tenant": text(upload.tenant),
        "state": text(upload.state),
        "filename": text(upload.filename),
        "content_type": text(upload.content_type),
        "size_bytes": number(upload.size_bytes),
        "part_size_bytes": number(upload.part_size_bytes),
        "object_key": text(upload.key),
        "storage_upload_id": text(upload.storage_upload_id),
        "create_time": text(_stamp(upload.create_time)),
        "expire_time": text(_stamp(upload.expire_time)),
        "expires_at": number(int((upload.expire_time + UPLOAD_KEPT).timestamp())),
    }


def read_upload(item: Item) -> Upload:
    """An upload from its item."""
    return Upload(
        upload_id=item["upload_id"]["S"],
        video_id=item["video_id"]["S"],
        tenant=item["tenant"]["S"],
        state=UploadState(item["state"]["S"]),
        filename=item["filename"]["S"],
        content_type=item["content_type"]["S"],
        size_bytes=int(item["size_bytes"]["N"]),
        part_size_bytes=int(item["part_size_bytes"]["N"]),
        key=item["object_key"]["S"],
        storage_upload_id=item["storage_upload_id"]["S"],
        create_time=_time(item["create_time"]["S"]),
        expire_time=_time(item["expire_time"]["S"]),
    )


def video_item(video: Video) -> Item:
    """A video as an item, in its tenant's list."""
    return (
        video_key(video.video_id)
        | _video_attributes(video)
        | {"gsi1pk": text(tenant_partition(video.tenant)), "gsi1sk": text(video.video_id)}
    )


def publication_item(video: Video) -> Item:
    """A published video's entry in the public list."""
    if video.publish_time is None:
        raise ValueError("a video that is not published has no publication")
    return (
        publication_key(video.video_id)
        | _video_attributes(video)
        | {"gsi1pk": text(PUBLISHED), "gsi1sk": text(f"{_stamp(video.publish_time)}#{video.video_id}")}
    )


def _video_attributes(video: Video) -> Item:
    item = {
        "video_id": text(video.video_id),
        "tenant": text(video.tenant),
        "title": text(video.title),
        "state": text(video.state),
        "media_prefix": text(video.media_prefix),
        "manifest_path": text(video.manifest_path),
        "create_time": text(_stamp(video.create_time)),
        "renditions": text(json.dumps([asdict(rendition) for rendition in video.renditions])),
    }
    if video.publish_time is not None:
        item["publish_time"] = text(_stamp(video.publish_time))
    if video.duration is not None:
        item["duration_seconds"] = number(video.duration.total_seconds())
    return item


def read_video(item: Item) -> Video:
    """A video from its item, or from its entry in the public list."""
    publish_time, duration = item.get("publish_time"), item.get("duration_seconds")
    return Video(
        video_id=item["video_id"]["S"],
        tenant=item["tenant"]["S"],
        title=item["title"]["S"],
        state=VideoState(item["state"]["S"]),
        media_prefix=item["media_prefix"]["S"],
        manifest_path=item["manifest_path"]["S"],
        create_time=_time(item["create_time"]["S"]),
        publish_time=_time(publish_time["S"]) if publish_time else None,
        duration=timedelta(seconds=float(duration["N"])) if duration else None,
        renditions=tuple(Rendition(**fields) for fields in json.loads(item["renditions"]["S"])),
    )


def request_item(record: RequestRecord) -> Item:
    """The record of a mutation as an item."""
    return request_key(record.key) | {
        "request_key": text(record.key),
        "fingerprint": text(record.fingerprint),
        "resource_id": text(record.resource_id),
        "expires_at": number(int(record.expire_time.timestamp())),
    }


def read_request(item: Item) -> RequestRecord:
    """The record of a mutation from its item."""
    return RequestRecord(
        key=item["request_key"]["S"],
        fingerprint=item["fingerprint"]["S"],
        resource_id=item["resource_id"]["S"],
        expire_time=datetime.fromtimestamp(int(item["expires_at"]["N"]), UTC),
    )


def page_token(partition: str, last_key: Mapping[str, Mapping[str, str]] | None) -> str | None:
    """An opaque token from the key that DynamoDB stopped at. It names its list, so that it fits no other."""
    if not last_key:
        return None
    raw = f"{_list_name(partition)}:{last_key['gsi1sk']['S']}"
    return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


def start_key(partition: str, token: str) -> Item:
    """The key at which DynamoDB goes on.

    Raises:
        InvalidArgumentError: the token is not one of this list's.
    """
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        raw = ""
    name, _, sort = raw.partition(":")
    pattern = _PUBLISHED_TOKEN if partition == PUBLISHED else _TENANT_TOKEN
    if name != _list_name(partition) or not pattern.match(sort):
        raise InvalidArgumentError("INVALID_PAGE_TOKEN", "The page token is not one that this list gave.")
    video_id = sort.rpartition("#")[2]
    key = publication_key(video_id) if partition == PUBLISHED else video_key(video_id)
    return key | {"gsi1pk": text(partition), "gsi1sk": text(sort)}


def _list_name(partition: str) -> str:
    return "p" if partition == PUBLISHED else "t"


def _stamp(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _time(value: str) -> datetime:
    return datetime.fromisoformat(value)
