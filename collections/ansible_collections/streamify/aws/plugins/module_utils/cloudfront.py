# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What CloudFront's named configurations have in common: found in a list by name, changed under an ETag."""

from __future__ import annotations

from typing import Any, ClassVar

from .core.compare import Rules, merged
from .core.resource import UNKNOWN, Resource

# CloudFront keeps one order of its own in most lists.
UNORDERED = frozenset(
    {
        "access_control_allow_headers",
        "access_control_allow_methods",
        "access_control_allow_origins",
        "access_control_expose_headers",
        "aliases",
        "cached_methods",
        "cookies",
        "headers",
        "items",
        "origin_ssl_protocols",
        "query_strings",
        "status_codes",
        "trusted_key_groups",
        "trusted_signers",
    }
)
# CloudFront says so while another change of the same object, or of what uses it, is still under way.
IN_FLUX = ("PreconditionFailed", "OperationAborted")


class NamedConfiguration(Resource):
    """A CloudFront object that is a configuration with a name. None of these has tags.

    :cvar noun: what the operations call it, e.g. ``cache_policy``.
    :cvar plural: what the list operation calls it.
    :cvar wrapped: whether the list holds the whole object under its noun, not a flat summary.
    """

    service = "cloudfront"
    noun: ClassVar[str]
    plural: ClassVar[str]
    wrapped: ClassVar[bool] = False
    rules = Rules(unordered=UNORDERED)

    @property
    def _config(self) -> str:
        return f"{self.noun}_config"

    def describe(self) -> dict[str, Any] | None:
        """Return the configuration's fields with its id and ETag."""
        found = self._find_id()
        answer = (
            self.aws.call(f"get_{self.noun}", id=found, missing=[f"NoSuch{self._class_name()}", "NoSuchResource"])
            if found
            else None
        )
        if not answer:
            return None
        whole = answer[self.noun]
        return {**whole.get(self._config, {}), "id": whole["id"], "etag": answer.get("etag", "")}

    def _class_name(self) -> str:
        return "".join(word.capitalize() for word in self.noun.split("_"))

    def _find_id(self) -> str | None:
        marker: str | None = None
        while True:
            page: Any = next(iter(self.aws.get(f"list_{self.plural}", marker=marker, **self.listing()).values()), {})
            items, marker = (
                (page, None) if isinstance(page, list) else (page.get("items") or [], page.get("next_marker"))
            )
            for item in items:
                whole = item.get(self.noun, item) if self.wrapped else item
                if whole.get(self._config, whole).get("name") == self.name:
                    return str(whole["id"])
            if not marker:
                return None

    def listing(self) -> dict[str, Any]:
        """Return what the list operation is asked for beside the page."""
        return {}

    def create(self, desired: dict[str, Any]) -> None:
        """Create the object."""
        self.aws.get(f"create_{self.noun}", **{self._config: desired})

    def update(self, actual: dict[str, Any], desired: dict[str, Any], changes: set[str]) -> None:
        """Replace the whole configuration, keeping what was not asked for."""
        config = {key: value for key, value in actual.items() if key not in ("id", "etag")}
        self.aws.get(
            f"update_{self.noun}",
            id=actual["id"],
            if_match=actual["etag"],
            **{self._config: merged(config, desired, self.rules)},
        )

    def predicted(self, desired: dict[str, Any]) -> dict[str, Any]:
        """Return the name; CloudFront makes the id up."""
        return {"name": self.name, "id": UNKNOWN, "etag": UNKNOWN}

    def delete(self, actual: dict[str, Any]) -> None:
        """Delete the object. CloudFront may take a while to see that a distribution let go of it."""

        def gone() -> bool:
            answer = self.aws.call(
                f"delete_{self.noun}",
                id=actual["id"],
                if_match=actual["etag"],
                missing=[f"{self._class_name()}InUse", *(["ResourceInUse"] if self.noun == "key_group" else [])],
            )
            return answer is not None

        self.wait(gone, f"the removal of the {self.kind} {self.name}, which is still in use,")
