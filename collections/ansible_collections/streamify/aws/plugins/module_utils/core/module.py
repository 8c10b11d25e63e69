# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Between AnsibleAWSModule and a resource: arguments, check mode, diff, errors."""

from __future__ import annotations

from typing import Any

try:
    from botocore.exceptions import BotoCoreError, ClientError
except ImportError:
    pass  # handled by AnsibleAWSModule

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from .client import Client
from .compare import given
from .errors import ResourceError
from .resource import Context, Outcome, Resource


def arguments(*, tags: bool = False, timeout: int | None = None, **spec: Any) -> dict[str, Any]:
    """Return a module's arguments with those that all of ours have.

    :param tags: whether the resource has tags.
    :param timeout: seconds that the module waits for AWS, if it does.
    :param spec: the module's own arguments.
    """
    common: dict[str, Any] = {"state": {"choices": ["present", "absent"], "default": "present"}}
    if tags:
        common["tags"] = {"type": "dict", "aliases": ["resource_tags"]}
        common["purge_tags"] = {"type": "bool", "default": True}
    if timeout is not None:
        common["wait_timeout"] = {"type": "int", "default": timeout}
    return {**common, **spec}


def run(kind: type[Resource], argument_spec: dict[str, Any], **options: Any) -> None:
    """Run a module. One without a ``state`` only ensures.

    :param kind: the resource.
    :param argument_spec: from :func:`arguments`.
    :param options: passed to AnsibleAWSModule (``required_if`` and the like).
    """
    module = AnsibleAWSModule(argument_spec=argument_spec, supports_check_mode=True, **options)
    name = module.params.get(kind.identifier)

    def client(service: str, **settings: Any) -> Client:
        return Client(module.client(service, **settings))

    try:
        resource = kind(Context(params=module.params, client=client, warn=module.warn))
        if module.params.get("state", "present") == "present":
            outcome = resource.ensure_present(module.check_mode)
        else:
            outcome = resource.ensure_absent(module.check_mode)
    except ResourceError as error:
        module.fail_json(msg=str(error), **error.details)
    except ClientError as error:
        module.fail_json_aws(error, msg=f"AWS refused {error.operation_name} for the {kind.kind} {name}")
    except BotoCoreError as error:
        module.fail_json_aws(error, msg=f"AWS could not be asked about the {kind.kind} {name}")
    module.exit_json(**result(kind, outcome))


def result(kind: type[Resource], outcome: Outcome) -> dict[str, Any]:
    """Return what the module tells: changed, the resource, and a diff of what differs."""
    differs = {
        key for key in {*outcome.before, *outcome.after} if outcome.before.get(key, "") != outcome.after.get(key, "")
    }
    return {
        "changed": outcome.changed,
        kind.result: given(outcome.resource or {}),
        "diff": {
            "before": {key: value for key, value in outcome.before.items() if key in differs},
            "after": {key: value for key, value in outcome.after.items() if key in differs},
        },
    }
