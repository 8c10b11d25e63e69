#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: dynamodb_table_restore
version_added: 0.1.0
short_description: Ensure a DynamoDB table that holds what another one held at a moment
description:
  - Restores a table with point-in-time recovery into a new table, and waits until it and its indexes are active.
  - The new table has the items, keys, indexes, capacity and encryption of the source. DynamoDB gives it no tags, no
    expiry, no stream, no point-in-time recovery and no deletion protection; ensure them with
    M(streamify.aws.dynamodb_table) afterwards.
  - Done before, with the same source and moment, nothing is changed. Without a moment any restore of the source counts.
author:
  - The Streamify authors (@streamify)
options:
  name:
    description: The new table's name.
    type: str
    required: true
    aliases: [table_name]
  source_table:
    description: The table to restore from. It is only read.
    type: str
    required: true
  restore_date_time:
    description:
      - The moment to go back to, in ISO 8601 with its distance to UTC, to the second; the latest one that DynamoDB
        offers when not given, which is about five minutes ago.
    type: str
  wait_timeout:
    description: Seconds to wait until the new table is active.
    type: int
    default: 7200
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
attributes:
  check_mode:
    support: full
    description: Tells whether a table would be made, and refuses moments that cannot be gone back to.
  diff_mode:
    support: full
    description: Shows of which table and moment the new table is made.
"""

EXAMPLES = r"""
- name: Ensure a table with what was known before somebody deleted it
  streamify.aws.dynamodb_table_restore:
    name: streamify-production-restored-20260131T120500
    source_table: streamify-production
    restore_date_time: "2026-01-31T12:00:00Z"
  register: restored

- name: Ensure a copy of the table as it was at the latest moment that DynamoDB offers
  streamify.aws.dynamodb_table_restore:
    name: streamify-rehearsal
    source_table: streamify-production
"""

RETURN = r"""
table:
  description: The new table, in AWS's words in snake_case.
  returned: always
  type: dict
  contains:
    table_name:
      description: The name.
      type: str
      returned: always
      sample: streamify-production-restored-20260131T120500
    table_arn:
      description: The ARN.
      type: str
      returned: always
      sample: arn:aws:dynamodb:eu-central-1:123456789012:table/streamify-production-restored-20260131T120500
    item_count:
      description: How many items it holds; DynamoDB counts anew about every six hours.
      type: int
      returned: when it exists
      sample: 42
    restore_summary:
      description: The source's ARN and the moment.
      type: dict
      returned: when it exists
      sample:
        restore_date_time: "2026-01-31T12:00:00+00:00"
        restore_in_progress: false
        source_table_arn: arn:aws:dynamodb:eu-central-1:123456789012:table/streamify-production
"""

from ansible_collections.streamify.aws.plugins.module_utils.core.module import run
from ansible_collections.streamify.aws.plugins.module_utils.dynamodb_table_restore import TableRestore


def main() -> None:
    """Run the module."""
    run(
        TableRestore,
        {
            "name": {"type": "str", "required": True, "aliases": ["table_name"]},
            "source_table": {"type": "str", "required": True},
            "restore_date_time": {"type": "str"},
            "wait_timeout": {"type": "int", "default": 7200},
        },
    )


if __name__ == "__main__":
    main()
