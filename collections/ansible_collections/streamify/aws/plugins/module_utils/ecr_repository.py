# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""ECR repositories with their policies."""

from __future__ import annotations

import json
from typing import Any

from .core import tags as tagging
from .core.compare import Rules
from .core.errors import ResourceError
from .core.resource import Resource

_NONE = ("RepositoryNotFoundException", "LifecyclePolicyNotFoundException", "RepositoryPolicyNotFoundException")


class Repository(Resource):
    """A repository."""

    service = "ecr"
    kind = "ECR repository"
    result = "repository"
    immutable = frozenset({"encryption_configuration"})
    rules = Rules(exact=frozenset({"tags", "lifecycle_policy", "policy"}))

    def describe(self) -> dict[str, Any] | None:
        """Return the repository with both policies as dictionaries."""
        found = self.aws.call("describe_repositories", repository_names=[self.name], missing=_NONE)
        if not found or not found.get("repositories"):
            return None
        repository = found["repositories"][0]
        lifecycle = self.aws.call("get_lifecycle_policy", repository_name=self.name, missing=_NONE) or {}
        policy = self.aws.call("get_repository_policy", repository_name=self.name, missing=_NONE) or {}
        tags = self.aws.get("list_tags_for_resource", resource_arn=repository["repository_arn"])
        return {
            **repository,
            "scan_on_push": bool((repository.get("image_scanning_configuration") or {}).get("scan_on_push")),
            "lifecycle_policy": json.loads(lifecycle.get("lifecycle_policy_text") or "{}"),
            "policy": json.loads(policy.get("policy_text") or "{}"),
            "tags": tagging.to_dict(tags.get("tags")),
        }

    def desired(self, actual: dict[str, Any] | None) -> dict[str, Any]:
        """Return what was asked for."""
        return {
            "image_tag_mutability": self.params["image_tag_mutability"],
            "scan_on_push": self.params["scan_on_push"],
            "encryption_configuration": self.params.get("encryption_configuration"),
            "lifecycle_policy": self._json("lifecycle_policy"),
            "policy": self._json("policy"),
        }

    def _json(self, key: str) -> dict[str, Any] | None:
        text = self.params.get(key)
        if text is None:
            return None
        try:
            made = json.loads(text or "{}")
        except ValueError as error:
            raise ResourceError(f"{key} of the ECR repository {self.name} is no JSON: {error}") from error
        if not isinstance(made, dict):
            raise ResourceError(f"{key} of the ECR repository {self.name} must be a dictionary")
        return made

    def create(self, desired: dict[str, Any]) -> None:
        """Create the repository, then set its policies."""
        self.aws.get(
            "create_repository",
            repository_name=self.name,
            image_tag_mutability=desired["image_tag_mutability"],
            image_scanning_configuration={"scan_on_push": desired["scan_on_push"]},
            encryption_configuration=desired.get("encryption_configuration"),
            tags=tagging.to_list(desired.get("tags")),
        )
        self._set_policies(desired, {key for key in ("lifecycle_policy", "policy") if desired.get(key)})

    def update(self, actual: dict[str, Any], desired: dict[str, Any], changes: set[str]) -> None:
        """Change what differs."""
        if "image_tag_mutability" in changes:
            self.aws.get(
                "put_image_tag_mutability",
                repository_name=self.name,
                image_tag_mutability=desired["image_tag_mutability"],
            )
        if "scan_on_push" in changes:
            self.aws.get(
                "put_image_scanning_configuration",
                repository_name=self.name,
                image_scanning_configuration={"scan_on_push": desired["scan_on_push"]},
            )
        self._set_policies(desired, changes)

    def _set_policies(self, desired: dict[str, Any], changes: set[str]) -> None:
        for key, setter, remover, text in (
            ("lifecycle_policy", "put_lifecycle_policy", "delete_lifecycle_policy", "lifecycle_policy_text"),
            ("policy", "set_repository_policy", "delete_repository_policy", "policy_text"),
        ):
            if key in changes and desired.get(key):
                self.aws.get(setter, repository_name=self.name, **{text: json.dumps(desired[key], sort_keys=True)})
            elif key in changes:
                self.aws.call(remover, repository_name=self.name, missing=_NONE)

    def predicted(self, desired: dict[str, Any]) -> dict[str, Any]:
        """Return what the repository will be called."""
        return {
            "repository_name": self.name,
            "repository_arn": self.arn("ecr", f"repository/{self.name}"),
            "repository_uri": f"{self.account}.dkr.ecr.{self.aws.region}.amazonaws.com/{self.name}",
            "registry_id": self.account,
        }

    def delete(self, actual: dict[str, Any]) -> None:
        """Delete the repository; with its images only when that was asked for."""
        force = bool(self.params.get("force"))
        answer = self.aws.call(
            "delete_repository", repository_name=self.name, force=force, missing=["RepositoryNotEmptyException"]
        )
        if answer is None:
            raise ResourceError(f"the ECR repository {self.name} still has images; say force: true to remove them too")

    def tag(self, actual: dict[str, Any], to_set: dict[str, str]) -> None:
        """Set tags."""
        self.aws.get("tag_resource", resource_arn=actual["repository_arn"], tags=tagging.to_list(to_set))

    def untag(self, actual: dict[str, Any], keys: list[str]) -> None:
        """Remove tags."""
        self.aws.get("untag_resource", resource_arn=actual["repository_arn"], tag_keys=keys)
