# SPDX-License-Identifier: Apache-2.0
"""Tells the emulator which role makes the requests that come: its name is in the file that STREAMIFY_IAM_BY names."""

import os
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: iam_roles
type: aggregate
short_description: name the role that is running
description: Writes the role of each task, or V(playbook) outside of roles, to the file that E(STREAMIFY_IAM_BY) names.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Writes before the task's workers are forked."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "iam_roles"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        file = Path(os.environ["STREAMIFY_IAM_BY"])
        if file.parent.is_dir():
            file.write_text(task._role.get_name() if task._role else "playbook")
