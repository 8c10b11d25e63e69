# SPDX-License-Identifier: Apache-2.0
"""How domain values are written as items of the one table. docs/data-model.md explains the keys."""

import base64
import binascii
import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from streamify_api.domain.checksums import ChecksumAlgorithm
from streamify_api.domain.errors import InvalidArgumentError
from streamify_api.domain.uploads import Upload, UploadState
from streamify_api.domain.videos import Failure, PlaybackPolicy, Rendition, Video, VideoState
from streamify_api.services.ports import Chore, RequestRecord

type Item = dict[str, dict[str, str]]

# An upload's item outlives it this long, so that a late GetUpload can still say what became of it.
UPLOAD_KEPT = timedelta(days=7)
# What is left of a deleted video, so that a late GetVideo can say so.
TOMBSTONE_KEPT = timedelta(days=7)
PUBLISHED = "PUBLISHED"
CHORE_SHARDS = 8
_PUBLISHED_TOKEN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z#vid_[0-9A-Z]{26}\Z")
_TENANT_TOKEN = re.compile(r"vid_[0-9A-Z]{26}\Z")
_UPLOADS_TOKEN = re.compile(r"upl_[0-9A-Z]{26}\Z")


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


def uploads_partition(tenant: str) -> str:
    """The index partition of a tenant's uploads."""
    return f"UPLOADS#{tenant}"


def chore_partition(shard: int) -> str:
    """One of the index partitions of the janitor's chores."""
    return f"CHORES#{shard}"


def chore_key(resource_id: str, *, invalidation: bool = False) -> Item:
    """Where the janitor's chore about an upload or a video is, or the one about a video's media at the CDN."""
    kind = "UPLOAD" if resource_id.startswith("upl_") else "VIDEO"
    return {"pk": text(f"{kind}#{resource_id}"), "sk": text("INVALIDATION" if invalidation else "CHORE")}


def chore_item(chore: Chore) -> Item:
    """A chore as an item, in the list of what is due when."""
    shard = zlib.crc32(chore.resource_id.encode()) % CHORE_SHARDS
    item = chore_key(chore.resource_id, invalidation=bool(chore.reference)) | {
        "resource_id": text(chore.resource_id),
        "due_time": text(stamp(chore.due_time)),
        "gsi1pk": text(chore_partition(shard)),
        "gsi1sk": text(f"{stamp(chore.due_time)}#{chore.resource_id}"),
    }
    return item | {"reference": text(chore.reference)} if chore.reference else item


def read_chore(item: Item) -> Chore:
    """A chore from its item."""
    reference = item.get("reference", {"S": ""})["S"]
    return Chore(item["resource_id"]["S"], _time(item["due_time"]["S"]), reference)


def upload_item(upload: Upload) -> Item:
    """An upload as an item, in its tenant's list."""
    item = upload_key(upload.upload_id) | {
        "gsi1pk": text(uploads_partition(upload.tenant)),
        "gsi1sk": text(upload.upload_id),
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
        "create_time": text(stamp(upload.create_time)),
        "expire_time": text(stamp(upload.expire_time)),
        "expires_at": number(int((upload.expire_time + UPLOAD_KEPT).timestamp())),
        "revision": number(upload.revision),
    }
    if upload.checksum_algorithm is not None:
        item["checksum_algorithm"] = text(upload.checksum_algorithm)
    if upload.checksum is not None:
        item["checksum"] = text(upload.checksum)
    return item


def read_upload(item: Item) -> Upload:
    """An upload from its item."""
    algorithm, checksum = item.get("checksum_algorithm"), item.get("checksum")
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
        revision=int(item.get("revision", {"N": "1"})["N"]),
        checksum_algorithm=ChecksumAlgorithm(algorithm["S"]) if algorithm else None,
        checksum=checksum["S"] if checksum else None,
    )


def video_item(video: Video) -> Item:
    """A video as an item, in its tenant's list; a deleted one is in no list, and goes away by itself."""
    item = video_key(video.video_id) | _video_attributes(video)
    if video.state is VideoState.DELETED:
        deleted = video.update_time or video.create_time
        return item | {"expires_at": number(int((deleted + TOMBSTONE_KEPT).timestamp()))}
    return item | {"gsi1pk": text(tenant_partition(video.tenant)), "gsi1sk": text(video.video_id)}


def publication_partition(policy: PlaybackPolicy, tenant: str) -> str:
    """The index partition of the published videos that the same viewers may watch."""
    if policy is PlaybackPolicy.PRIVATE:
        return f"{PUBLISHED}#PRIVATE#{tenant}"
    return f"{PUBLISHED}#SIGNED" if policy is PlaybackPolicy.SIGNED else PUBLISHED


def publication_item(video: Video) -> Item:
    """A published video's entry in the list of those who may watch it."""
    return (
        publication_key(video.video_id)
        | _video_attributes(video)
        | {
            "gsi1pk": text(publication_partition(video.playback_policy, video.tenant)),
            "gsi1sk": text(publication_sort(video)),
        }
    )


def publication_sort(video: Video) -> str:
    """Where a published video stands in its list."""
    if video.publish_time is None:
        raise ValueError("a video that is not published has no publication")
    return f"{stamp(video.publish_time)}#{video.video_id}"


def _video_attributes(video: Video) -> Item:
    item = {
        "video_id": text(video.video_id),
        "tenant": text(video.tenant),
        "title": text(video.title),
        "state": text(video.state),
        "media_prefix": text(video.media_prefix),
        "manifest_path": text(video.manifest_path),
        "create_time": text(stamp(video.create_time)),
        "renditions": text(json.dumps([asdict(rendition) for rendition in video.renditions])),
        "description": text(video.description),
        "progress_percent": number(video.progress_percent),
        "revision": number(video.revision),
        "playback_policy": text(video.playback_policy),
    }
    if video.failure is not None:
        item |= {"failure_code": text(video.failure.code), "failure_message": text(video.failure.message)}
    if video.upload_id is not None:
        item["upload_id"] = text(video.upload_id)
    if video.update_time is not None:
        item["update_time"] = text(stamp(video.update_time))
    if video.publish_time is not None:
        item["publish_time"] = text(stamp(video.publish_time))
    if video.duration is not None:
        item["duration_seconds"] = number(video.duration.total_seconds())
    return item


def read_video(item: Item) -> Video:
    """A video from its item, or from its entry in the public list."""
    publish_time, duration = item.get("publish_time"), item.get("duration_seconds")
    update_time, upload_id, code = item.get("update_time"), item.get("upload_id"), item.get("failure_code")
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
        description=item.get("description", {"S": ""})["S"],
        progress_percent=int(item.get("progress_percent", {"N": "0"})["N"]),
        failure=Failure(code["S"], item["failure_message"]["S"]) if code else None,
        upload_id=upload_id["S"] if upload_id else None,
        update_time=_time(update_time["S"]) if update_time else None,
        revision=int(item.get("revision", {"N": "1"})["N"]),
        playback_policy=PlaybackPolicy(item.get("playback_policy", {"S": "public"})["S"]),
    )


def request_item(record: RequestRecord) -> Item:
    """The record of a mutation as an item, with the answer that was given."""
    if record.outcome is None:
        raise ValueError("a request is recorded with its outcome")
    is_upload = isinstance(record.outcome, Upload)
    outcome = upload_item(record.outcome) if isinstance(record.outcome, Upload) else video_item(record.outcome)
    return request_key(record.key) | {
        "request_key": text(record.key),
        "fingerprint": text(record.fingerprint),
        "outcome_kind": text("upload" if is_upload else "video"),
        "outcome": text(json.dumps(outcome, separators=(",", ":"), ensure_ascii=False)),
        "expires_at": number(int(record.expire_time.timestamp())),
    }


def read_request(item: Item) -> RequestRecord:
    """The record of a mutation from its item."""
    read = read_upload if item["outcome_kind"]["S"] == "upload" else read_video
    return RequestRecord(
        key=item["request_key"]["S"],
        fingerprint=item["fingerprint"]["S"],
        expire_time=datetime.fromtimestamp(int(item["expires_at"]["N"]), UTC),
        outcome=read(json.loads(item["outcome"]["S"])),
    )


def page_token(partition: str, last_key: Mapping[str, Mapping[str, str]] | None) -> str | None:
    """An opaque token from the key that DynamoDB stopped at. It names its list, so that it fits no other."""
    if not last_key:
        return None
    return page_token_after(partition, last_key)


def page_token_after(partition: str, item: Mapping[str, Mapping[str, str]]) -> str:
    """An opaque token of the place behind an item."""
    raw = f"{_list_name(partition)}:{item['gsi1sk']['S']}"
    return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


def token_sort(partition: str, token: str) -> str:
    """The sort key that a token stands for.

    Raises:
        InvalidArgumentError: the token is not one of this list's.
    """
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        raw = ""
    name, _, sort = raw.partition(":")
    list_name = _list_name(partition)
    if name != list_name or not _TOKENS[list_name].match(sort):
        raise InvalidArgumentError("INVALID_PAGE_TOKEN", "The page token is not one that this list gave.")
    return sort


def start_key(partition: str, token: str) -> Item:
    """The key at which DynamoDB goes on in a tenant's list.

    Raises:
        InvalidArgumentError: the token is not one of this list's.
    """
    sort = token_sort(partition, token)
    key = upload_key(sort) if _list_name(partition) == "u" else video_key(sort)
    return key | {"gsi1pk": text(partition), "gsi1sk": text(sort)}


_TOKENS = {"p": _PUBLISHED_TOKEN, "t": _TENANT_TOKEN, "u": _UPLOADS_TOKEN}


def _list_name(partition: str) -> str:
    if partition == PUBLISHED:
        return "p"
    return "u" if partition.startswith("UPLOADS#") else "t"


def stamp(value: datetime) -> str:
    """A time as text, always of one length, so that texts sort as times do."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _time(value: str) -> datetime:
    return datetime.fromisoformat(value)
