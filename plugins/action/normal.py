# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the AWS modules inside Ansible's worker process instead of starting a Python for each of them.

Nearly all of an AWS module's call is starting Python and importing boto3. A worker is a fork of the controller, which
the callback plugin `warm_up` made import boto3 once. Ansible names this action `ansible.legacy.normal` and looks for
it in `action_plugins` first, so it stands in for the built-in one; everything that is not a module of an AWS
collection on a local connection goes the built-in way. STREAMIFY_MODULES_IN_PROCESS=0 sends everything that way.

Both ways, a change of which a module shows no difference is shown as what was asked for, so that --check --diff reads
like a plan: most modules of amazon.aws know no --diff.
"""

import contextlib
import importlib
import importlib.util
import io
import json
import os
import runpy
import sys
from pathlib import Path
from typing import Any

import yaml
from ansible.module_utils import basic
from ansible.module_utils.common import warnings as module_warnings
from ansible.module_utils.common.json import Direction, get_module_encoder
from ansible.parsing.yaml.dumper import AnsibleDumper
from ansible.plugins import action as builtin_actions

COLLECTIONS = ("amazon.aws.", "community.aws.", "streamify.aws.")
# Ansible loads this file under the built-in action's own name, so that one has to be loaded from its file.
_spec = importlib.util.spec_from_file_location(
    "ansible_builtin_normal", Path(builtin_actions.__file__).with_name("normal.py")
)
if _spec is None or _spec.loader is None:
    raise ImportError("Ansible's built-in action 'normal' was not found")
_builtin = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_builtin)

PROFILE = "legacy"  # how arguments and results are written as JSON; what Ansible uses for modules that name no other


def is_enabled() -> bool:
    return os.environ.get("STREAMIFY_MODULES_IN_PROCESS", "1") != "0"


class ActionModule(_builtin.ActionModule):  # type: ignore[misc]
    """The action of every module that has none of its own."""

    def _execute_module(
        self,
        module_name: str | None = None,
        module_args: dict[str, object] | None = None,
        tmp: str | None = None,
        task_vars: dict[str, object] | None = None,
        persist_files: bool = False,
        delete_remote_tmp: bool | None = None,
        wrap_async: bool = False,
        ignore_unknown_opts: bool = False,
    ) -> dict[str, object]:
        name = module_name or self._task.resolved_action or self._task.action
        if not self._runs_here(name, wrap_async):
            result: dict[str, Any] = super()._execute_module(
                module_name,
                module_args,
                tmp,
                task_vars,
                persist_files,
                delete_remote_tmp,
                wrap_async,
                ignore_unknown_opts,
            )
            return self._with_difference(result)
        arguments = dict(self._task.args if module_args is None else module_args)
        self._update_module_args(name, arguments, task_vars or {}, ignore_unknown_opts=ignore_unknown_opts)
        environment: dict[str, Any] = {}
        self._compute_environment_string(environment)
        outcome = self._parse_returned_data(_run(name, arguments, environment), PROFILE)
        outcome.remove_internal_keys()
        return self._with_difference(dict(outcome.as_result_dict(for_round_trip=True)))

    def _update_module_args(
        self,
        module_name: str,
        module_args: dict[str, Any],
        task_vars: dict[str, object],
        ignore_unknown_opts: bool = False,
    ) -> None:
        super()._update_module_args(module_name, module_args, task_vars, ignore_unknown_opts)
        if self._task.diff:
            # The module then tells what it was asked for, with its secrets masked.
            module_args["_ansible_inject_invocation"] = True

    def _with_difference(self, result: dict[str, Any]) -> dict[str, object]:
        """Return a module's result; where --diff would have nothing to show of a change, with what was asked for."""
        if not self._task.diff:
            return result
        result = dict(result)
        understood = result.pop("invocation", {}).get("module_args", {})
        if result.get("changed") and not result.get("diff"):
            asked = {name: value for name, value in understood.items() if name in self._task.args}
            text = yaml.dump(asked, Dumper=AnsibleDumper, default_flow_style=False, allow_unicode=True)
            result["diff"] = {
                "prepared": f"{self._task.resolved_action} tells no difference; it was asked for:\n{text}"
            }
        return result

    def _runs_here(self, name: str, wrap_async: bool) -> bool:
        """Whether a module runs in this process: an AWS module, locally, as this user, waited for."""
        return (
            is_enabled()
            and name.startswith(COLLECTIONS)
            and self._connection.transport in ("local", "ansible.builtin.local")
            and not self._play_context.become
            and not wrap_async
            and not self._task.async_val
        )


def _run(name: str, arguments: dict[str, object], environment: dict[str, Any]) -> dict[str, Any]:
    """Runs a module's file as the main program and returns what a started process would have: rc, stdout, stderr."""
    namespace, collection, module = name.split(".")
    path = f"ansible_collections.{namespace}.{collection}.plugins.modules.{module}"
    importlib.import_module(path.rpartition(".")[0])
    encoder = get_module_encoder(PROFILE, Direction.CONTROLLER_TO_MODULE)
    saved = dict(os.environ), sys.argv, basic._ANSIBLE_ARGS, basic._ANSIBLE_PROFILE
    stdout, stderr, code = io.StringIO(), io.StringIO(), 0
    os.environ.update({variable: str(value) for variable, value in environment.items()})
    sys.argv = [path]
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": arguments}, cls=encoder).encode()
    basic._ANSIBLE_PROFILE = PROFILE
    # Warnings are kept in module-wide lists that a process of its own would have found empty.
    module_warnings._global_warnings.clear()
    module_warnings._global_deprecations.clear()
    try:
        with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
            runpy.run_module(path, run_name="__main__", alter_sys=False)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    finally:
        os.environ.clear()
        os.environ.update(saved[0])
        sys.argv, basic._ANSIBLE_ARGS, basic._ANSIBLE_PROFILE = saved[1:]
    text = stdout.getvalue()
    return {"rc": code, "stdout": text, "stdout_lines": text.splitlines(), "stderr": stderr.getvalue()}
