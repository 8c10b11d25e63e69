# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one way in which every resource is brought to its desired state: describe, compare, apply, wait, describe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from . import tags as tagging
from .compare import Rules, given, merged, normal, project
from .errors import ResourceError
from .waiting import Waiter

if TYPE_CHECKING:
    from .client import Client

UNKNOWN = "(known after apply)"


@dataclass
class Context:
    """What a resource is given to work with.

    :param params: the module's parameters.
    :param client: makes the client of an AWS service.
    :param waiter: makes a waiter for a number of seconds.
    :param warn: tells the person who runs the playbook something.
    """

    params: dict[str, Any]
    client: Callable[..., Client]
    waiter: Callable[[float], Waiter] = Waiter
    warn: Callable[[str], Any] = lambda _: None


@dataclass
class Outcome:
    """What was done, or would be: the resource as AWS reports it, or None when it is gone."""

    changed: bool
    resource: dict[str, Any] | None
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)


class Resource:
    """One kind of AWS resource. A subclass states what is particular about it; all names are snake_case.

    :cvar service: botocore's name of the service.
    :cvar kind: what people call the resource, for messages.
    :cvar result: the resource's key in the module's result.
    :cvar identifier: the parameter that names it.
    :cvar immutable: what AWS cannot change once the resource exists.
    :cvar rules: how values are compared.
    """

    service: ClassVar[str]
    kind: ClassVar[str]
    result: ClassVar[str]
    identifier: ClassVar[str] = "name"
    immutable: ClassVar[frozenset[str]] = frozenset()
    rules: ClassVar[Rules] = Rules()

    def __init__(self, context: Context) -> None:
        self.context = context
        self.params = context.params
        self.aws = context.client(self.service)
        self._account = ""

    # ---- what a subclass states -----------------------------------------------------------------------------------
    def describe(self) -> dict[str, Any] | None:
        """Return the resource as AWS reports it, its tags as a dictionary under ``tags``; None when there is none."""
        raise NotImplementedError

    def desired(self, actual: dict[str, Any] | None) -> dict[str, Any]:
        """Return what was asked for, in the words of :meth:`view`. None is: nothing was said about it."""
        raise NotImplementedError

    def create(self, desired: dict[str, Any]) -> None:
        """Create the resource, with its tags."""
        raise NotImplementedError

    def update(self, actual: dict[str, Any], desired: dict[str, Any], changes: set[str]) -> None:
        """Change what differs; ``changes`` names it, without the tags."""
        raise NotImplementedError

    def delete(self, actual: dict[str, Any]) -> None:
        """Remove the resource and wait until it is gone."""
        raise NotImplementedError

    def view(self, actual: dict[str, Any]) -> dict[str, Any]:
        """Return the actual state in the words of :meth:`desired`."""
        return actual

    def predicted(self, desired: dict[str, Any]) -> dict[str, Any]:
        """Return what is known of the resource before it is created: its name, its ARN."""
        return {self.identifier: self.name}

    def foreseen(self, actual: dict[str, Any], desired: dict[str, Any], changes: set[str]) -> dict[str, Any]:
        """Return the resource as it would be after an update."""
        return dict(merged(actual, {key: desired[key] for key in changes if key in desired}, self.rules))

    def settle(self, changed: bool) -> None:
        """Wait until AWS has done what was asked of it; also when nothing had to be changed."""

    def tag(self, actual: dict[str, Any], to_set: dict[str, str]) -> None:
        """Set tags."""
        raise NotImplementedError

    def untag(self, actual: dict[str, Any], keys: list[str]) -> None:
        """Remove tags."""
        raise NotImplementedError

    # ---- for subclasses -------------------------------------------------------------------------------------------
    @property
    def name(self) -> str:
        """The name the playbook gave the resource."""
        return str(self.params[self.identifier])

    @property
    def account(self) -> str:
        """The account's id; asked for once, and only when an ARN must be foretold."""
        if not self._account:
            self._account = str(self.context.client("sts").get("get_caller_identity")["account"])
        return self._account

    def arn(self, service: str, path: str, *, region: bool = True) -> str:
        """Return an ARN that AWS would give."""
        partition = self.aws.botocore.meta.partition
        return f"arn:{partition}:{service}:{self.aws.region if region else ''}:{self.account}:{path}"

    def wait(self, probe: Callable[[], Any], what: str) -> Any:
        """Ask until the answer is true, for as long as ``wait_timeout`` says."""
        return self.context.waiter(float(self.params.get("wait_timeout") or 300)).until(probe, what)

    # ---- the way --------------------------------------------------------------------------------------------------
    def ensure_present(self, check_mode: bool) -> Outcome:
        """Make the resource what was asked for, or tell what would be done."""
        actual = self.describe()
        wanted = self._wanted(actual)
        if actual is None:
            return self._create(wanted, check_mode)
        seen = normal(self.view(actual), self.rules)
        before = project(wanted, seen, self.rules) or {}
        changes = {key for key in wanted if key not in before or before[key] != wanted[key]}
        changes |= self.forced(actual)
        self._refuse_immutable(changes, before, wanted)
        outcome = Outcome(bool(changes), actual, before, wanted)
        if check_mode:
            if changes:
                outcome.resource = self.foreseen(actual, wanted, changes)
            return outcome
        if changes - {"tags"}:
            self.update(actual, wanted, changes - {"tags"})
        if "tags" in changes:
            self._retag(actual, wanted["tags"])
        self.settle(bool(changes))
        outcome.resource = self.describe() if changes else actual
        return outcome

    def ensure_absent(self, check_mode: bool) -> Outcome:
        """Remove the resource, or tell that it would be."""
        actual = self.describe()
        if actual is None:
            return Outcome(False, None)
        if not check_mode:
            self.delete(actual)
        return Outcome(True, None, normal(self.view(actual), self.rules), {})

    def forced(self, actual: dict[str, Any]) -> set[str]:
        """Return what is to be done again although nothing differs."""
        return set()

    def _wanted(self, actual: dict[str, Any] | None) -> dict[str, Any]:
        wanted = given(self.desired(actual))
        if "tags" in self.params:
            asked = tagging.wanted(
                (actual or {}).get("tags") or {}, self.params["tags"], bool(self.params.get("purge_tags", True))
            )
            if asked is not None:
                wanted["tags"] = asked
        return dict(normal(wanted, self.rules))

    def _create(self, wanted: dict[str, Any], check_mode: bool) -> Outcome:
        if check_mode:
            return Outcome(True, {**wanted, **self.predicted(wanted)}, {}, wanted)
        self.create(wanted)
        self.settle(True)
        made = self.describe()
        if made is None:
            raise ResourceError(f"the {self.kind} {self.name} was created, but AWS does not report it")
        return Outcome(True, made, {}, wanted)

    def _refuse_immutable(self, changes: set[str], before: dict[str, Any], wanted: dict[str, Any]) -> None:
        frozen = sorted(changes & self.immutable)
        if frozen:
            said = "; ".join(f"{key} is {before.get(key)!r} and should be {wanted.get(key)!r}" for key in frozen)
            raise ResourceError(
                f"the {self.kind} {self.name} must be replaced, because AWS cannot change this: {said}. "
                "Give the new one another name, or remove this one first (state: absent)",
                replacement_needed=frozen,
            )

    def _retag(self, actual: dict[str, Any], desired: dict[str, str]) -> None:
        to_set, to_remove = tagging.difference(actual.get("tags") or {}, desired)
        if to_remove:
            self.untag(actual, to_remove)
        if to_set:
            self.tag(actual, to_set)
