# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the core raises when something cannot be done."""

from __future__ import annotations

from typing import Any


class ResourceError(Exception):
    """One clear sentence for the person who runs the playbook.

    :param message: the sentence; it becomes the module's ``msg``.
    :param details: facts the module returns beside the message.
    """

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.details = details


class WaitTimeout(ResourceError):
    """What was waited for did not happen in time."""
