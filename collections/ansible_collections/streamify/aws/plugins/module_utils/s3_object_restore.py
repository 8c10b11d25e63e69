# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Objects of a versioned bucket, brought back to what they were at a moment."""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .core.errors import ResourceError
from .core.resource import Outcome, Resource
from .dynamodb_table_restore import moment

AT_ONCE = 8  # objects that are brought back side by side
LARGEST_COPY = 5 * 1024**3  # bytes; CopyObject takes no more


class ObjectRestore(Resource):
    """Finds the version that each object had, and makes it the current one again."""

    service = "s3"
    kind = "S3 bucket"
    result = "restore"
    identifier = "bucket"

    def ensure_present(self, check_mode: bool) -> Outcome:
        """Bring back every object that was there at the moment and is gone or different now; leave the others."""
        if self.aws.get("get_bucket_versioning", bucket=self.name).get("status") is None:
            raise ResourceError(f"the S3 bucket {self.name} keeps no versions: nothing can be brought back")
        steps = [step for step in map(self._step, self._versions().values()) if step]
        large = [step["key"] for step in steps if step["how"] == "copied" and step["size"] > LARGEST_COPY]
        if large:
            raise ResourceError(
                f"{large[0]} in the S3 bucket {self.name} was overwritten and is larger than S3 copies in one call: "
                "copy its version in parts, then run this again; nothing was changed"
            )
        if not check_mode:
            with ThreadPoolExecutor(AT_ONCE) as pool:
                list(pool.map(self._bring_back, steps))
        objects = [{key: step[key] for key in ("key", "version_id", "how")} for step in steps]
        after = {step["key"]: step["version_id"] for step in steps}
        return Outcome(bool(steps), {"bucket": self.name, "objects": objects}, dict.fromkeys(after, "another"), after)

    def _versions(self) -> dict[str, list[dict[str, Any]]]:
        """Return versions and delete markers by key, newest first."""
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for member in ("versions", "delete_markers"):
            listed = self.aws.all(
                "list_object_versions", member, bucket=self.name, prefix=self.params.get("prefix") or None
            )
            for item in listed:
                found[item["key"]].append({**item, "is_marker": member == "delete_markers"})
        for items in found.values():
            # S3 tells whole seconds: of two in one second the latest is the current one.
            items.sort(key=lambda item: (item["last_modified"], bool(item.get("is_latest"))), reverse=True)
        return dict(sorted(found.items()))

    def _step(self, items: list[dict[str, Any]]) -> dict[str, Any] | None:
        """Return what is to be done with a key: the version that comes back, and how; None: nothing."""
        when = moment(self.params["restore_date_time"], "restore_date_time")
        then = [item for item in items if moment(item["last_modified"], "last_modified") <= when]
        if not then or then[0]["is_marker"] or then[0].get("is_latest"):
            return None
        newer = items[: items.index(then[0])]
        if not newer[0]["is_marker"] and newer[0].get("etag") == then[0].get("etag"):
            return None
        how = "undeleted" if all(item["is_marker"] for item in newer) else "copied"
        return {**then[0], "size": then[0].get("size") or 0, "how": how, "newer": newer}

    def _bring_back(self, step: dict[str, Any]) -> None:
        key, version = step["key"], step["version_id"]
        if step["how"] == "copied":
            # botocore quotes the key, and knows where the version begins.
            source = f"{self.name}/{key}?versionId={version}"
            self.aws.get("copy_object", bucket=self.name, key=key, copy_source=source)
            return
        for marker in step["newer"]:
            self.aws.get("delete_object", bucket=self.name, key=key, version_id=marker["version_id"])
