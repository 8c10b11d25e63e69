# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""S3 buckets with all that is configured on them, told in check mode too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, ClassVar

from .core import tags as tagging
from .core.compare import Rules
from .core.errors import ResourceError
from .core.resource import Resource
from .iam_role import canonical

# What S3 answers where a part of the configuration was never set.
_NONE = (
    "404",
    "NoSuchBucket",
    "NoSuchBucketPolicy",
    "NoSuchCORSConfiguration",
    "NoSuchLifecycleConfiguration",
    "NoSuchPublicAccessBlockConfiguration",
    "NoSuchTagSet",
    "OwnershipControlsNotFoundError",
    "ServerSideEncryptionConfigurationNotFoundError",
)
_DELETED_AT_ONCE = 1000  # objects; S3's limit


class Bucket(Resource):
    """A bucket."""

    service = "s3"
    kind = "S3 bucket"
    result = "bucket"
    rules: ClassVar[Rules] = Rules(
        unordered=frozenset({"allowed_origins", "allowed_methods", "allowed_headers", "expose_headers"}),
        keyed={"lifecycle_rules": "id"},
        exact=frozenset({"tags", "policy", "lifecycle_rules", "cors_rules"}),
    )

    def describe(self) -> dict[str, Any] | None:
        """Return the bucket with its whole configuration; empty where nothing was ever set."""
        if self.aws.call("head_bucket", bucket=self.name, missing=_NONE) is None:
            return None
        encrypted = self._read("get_bucket_encryption", "server_side_encryption_configuration").get("rules") or [{}]
        owned = self._read("get_bucket_ownership_controls", "ownership_controls").get("rules") or [{}]
        policy = (self.aws.call("get_bucket_policy", bucket=self.name, missing=_NONE) or {}).get("policy")
        lifecycle = self.aws.call("get_bucket_lifecycle_configuration", bucket=self.name, missing=_NONE) or {}
        cors = self.aws.call("get_bucket_cors", bucket=self.name, missing=_NONE) or {}
        tags = self.aws.call("get_bucket_tagging", bucket=self.name, missing=_NONE) or {}
        return {
            **self.predicted({}),
            "versioning": self.aws.get("get_bucket_versioning", bucket=self.name).get("status") == "Enabled",
            "encryption": encrypted[0].get("apply_server_side_encryption_by_default") or {},
            "object_ownership": owned[0].get("object_ownership"),
            "public_access_block": self._read("get_public_access_block", "public_access_block_configuration"),
            "policy": canonical(policy) if policy else {},
            "lifecycle_rules": lifecycle.get("rules") or [],
            "cors_rules": cors.get("cors_rules") or [],
            "tags": tagging.to_dict(tags.get("tag_set")),
        }

    def _read(self, operation: str, member: str) -> dict[str, Any]:
        answer = self.aws.call(operation, bucket=self.name, missing=_NONE) or {}
        return dict(answer.get(member) or {})

    def desired(self, actual: dict[str, Any] | None) -> dict[str, Any]:
        """Return what was asked for."""
        wanted = {
            key: self.params.get(key) for key in ("versioning", "encryption", "object_ownership", "public_access_block")
        }
        policy = self.params.get("policy")
        wanted["policy"] = None if policy is None else canonical(json.loads(policy or "{}"))
        rules, cors = self.params.get("lifecycle_rules"), self.params.get("cors_rules")
        if rules is not None:
            given = {"rules": rules}
            wanted["lifecycle_rules"] = self.aws.normal(
                "put_bucket_lifecycle_configuration", "lifecycle_configuration", given
            )["rules"]
        if cors is not None:
            given = {"cors_rules": cors}
            wanted["cors_rules"] = self.aws.normal("put_bucket_cors", "cors_configuration", given)["cors_rules"]
        return wanted

    def predicted(self, desired: dict[str, Any]) -> dict[str, Any]:
        """Return what the bucket will be called."""
        return {"name": self.name, "arn": f"arn:{self.aws.botocore.meta.partition}:s3:::{self.name}"}

    def create(self, desired: dict[str, Any]) -> None:
        """Create the bucket in the client's region, then configure it: who may read it comes first."""
        # us-east-1 is the one region that must not be named.
        elsewhere = {"location_constraint": self.aws.region} if self.aws.region != "us-east-1" else None
        self.aws.get("create_bucket", bucket=self.name, create_bucket_configuration=elsewhere)
        self._configure(desired, {key for key, value in desired.items() if value not in (None, [], {})})
        if desired.get("tags"):
            self.tag({}, desired["tags"])

    def update(self, actual: dict[str, Any], desired: dict[str, Any], changes: set[str]) -> None:
        """Change what differs."""
        self._configure(desired, changes)

    def _configure(self, desired: dict[str, Any], changes: set[str]) -> None:
        for key, operation, request in self._settings(desired):
            if key in changes:
                self.aws.get(operation, bucket=self.name, **request)

    def _settings(self, desired: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Return for each part of the configuration the call that sets it; an empty one is removed."""
        block, ownership = desired.get("public_access_block"), desired.get("object_ownership")
        yield "public_access_block", "put_public_access_block", {"public_access_block_configuration": block}
        rules = {"rules": [{"object_ownership": ownership}]}
        yield "object_ownership", "put_bucket_ownership_controls", {"ownership_controls": rules}
        rules = {"rules": [{"apply_server_side_encryption_by_default": desired.get("encryption")}]}
        yield "encryption", "put_bucket_encryption", {"server_side_encryption_configuration": rules}
        status = "Enabled" if desired.get("versioning") else "Suspended"
        yield "versioning", "put_bucket_versioning", {"versioning_configuration": {"status": status}}
        if desired.get("policy"):
            yield "policy", "put_bucket_policy", {"policy": self.params["policy"]}
        else:
            yield "policy", "delete_bucket_policy", {}
        if lifecycle := desired.get("lifecycle_rules"):
            told = {"lifecycle_configuration": {"rules": lifecycle}}
            yield "lifecycle_rules", "put_bucket_lifecycle_configuration", told
        else:
            yield "lifecycle_rules", "delete_bucket_lifecycle", {}
        if cors := desired.get("cors_rules"):
            yield "cors_rules", "put_bucket_cors", {"cors_configuration": {"cors_rules": cors}}
        else:
            yield "cors_rules", "delete_bucket_cors", {}

    def delete(self, actual: dict[str, Any]) -> None:
        """Delete the bucket; with its objects, of every version, only when that was asked for."""
        if self.params.get("force"):
            self._empty()
        if self.aws.call("delete_bucket", bucket=self.name, missing=("BucketNotEmpty",)) is None:
            raise ResourceError(f"the S3 bucket {self.name} still has objects; say force: true to remove them too")

    def _empty(self) -> None:
        found = [
            {"key": item["key"], "version_id": item["version_id"]}
            for member in ("versions", "delete_markers")
            for item in self.aws.all("list_object_versions", member, bucket=self.name)
        ]
        for start in range(0, len(found), _DELETED_AT_ONCE):
            some = {"objects": found[start : start + _DELETED_AT_ONCE], "quiet": True}
            failed = self.aws.get("delete_objects", bucket=self.name, delete=some).get("errors")
            if failed:
                raise ResourceError(
                    f"{failed[0].get('key')} in the S3 bucket {self.name} was not removed: {failed[0].get('message')}"
                )

    def tag(self, actual: dict[str, Any], to_set: dict[str, str]) -> None:
        """Set tags: S3 knows only the whole set."""
        self._put_tags({**(actual.get("tags") or {}), **to_set})

    def untag(self, actual: dict[str, Any], keys: list[str]) -> None:
        """Remove tags; those that stay are written back."""
        actual["tags"] = {key: value for key, value in (actual.get("tags") or {}).items() if key not in keys}
        self._put_tags(actual["tags"])

    def _put_tags(self, tags: dict[str, str]) -> None:
        if tags:
            self.aws.get("put_bucket_tagging", bucket=self.name, tagging={"tag_set": tagging.to_list(tags)})
        else:
            self.aws.get("delete_bucket_tagging", bucket=self.name)
