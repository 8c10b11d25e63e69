# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the documentation of all modules has in common."""

from __future__ import annotations


class ModuleDocFragment:
    """Options and attributes of every module of this collection."""

    DOCUMENTATION = r"""
options:
  state:
    description:
      - Whether the resource shall exist.
    type: str
    choices: [present, absent]
    default: present
attributes:
  check_mode:
    support: full
    description: Tells what would be changed and returns the resource as it would be. What AWS alone decides reads
      C((known after apply)).
  diff_mode:
    support: full
    description: Shows of the actual and of the desired state what was asked for.
"""

    WAIT = r"""
options:
  wait_timeout:
    description:
      - How many seconds the module waits for AWS to finish.
    type: int
"""
