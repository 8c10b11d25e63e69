#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: dynamodb_table
version_added: 0.1.0
short_description: Ensure a DynamoDB table
description:
  - Ensures a DynamoDB table with its indexes, its protection against loss (deletion protection, point-in-time
    recovery),
    its expiry, encryption and stream, and waits until table and indexes are active.
  - AWS cannot change a table's keys; the module then fails with a sentence that says so.
author:
  - The Streamify authors (@streamify)
options:
  name:
    description: The name.
    type: str
    required: true
    aliases: [table_name]
  attribute_definitions:
    description: The types of the attributes that are keys of the table or of an index. Required to create.
    type: list
    elements: dict
    suboptions:
      attribute_name:
        description: The attribute.
        type: str
        required: true
      attribute_type:
        description: String, number or binary.
        type: str
        choices: [S, N, B]
        required: true
  key_schema:
    description: The table's keys. Required to create.
    type: list
    elements: dict
    suboptions:
      attribute_name:
        description: The attribute.
        type: str
        required: true
      key_type:
        description: The partition key or the sort key.
        type: str
        choices: [HASH, RANGE]
        required: true
  billing_mode:
    description: Whether each request is paid for, or a capacity.
    type: str
    choices: [PAY_PER_REQUEST, PROVISIONED]
    default: PAY_PER_REQUEST
  provisioned_throughput:
    description: The capacity of the table, with O(billing_mode=PROVISIONED).
    type: dict
    suboptions:
      read_capacity_units:
        description: Reads per second.
        type: int
        required: true
      write_capacity_units:
        description: Writes per second.
        type: int
        required: true
  global_secondary_indexes:
    description: The indexes. One that is not named is removed; one whose keys or projection differ is removed and
      made anew.
    type: list
    elements: dict
    suboptions:
      index_name:
        description: The name.
        type: str
        required: true
      key_schema:
        description: The keys.
        type: list
        elements: dict
        required: true
        suboptions:
          attribute_name:
            description: The attribute.
            type: str
            required: true
          key_type:
            description: The partition key or the sort key.
            type: str
            choices: [HASH, RANGE]
            required: true
      projection:
        description: The attributes that the index holds.
        type: dict
        suboptions:
          projection_type:
            description: Which attributes.
            type: str
            choices: [ALL, KEYS_ONLY, INCLUDE]
            default: ALL
          non_key_attributes:
            description: Their names with V(INCLUDE).
            type: list
            elements: str
      provisioned_throughput:
        description: The index's capacity, with O(billing_mode=PROVISIONED).
        type: dict
        suboptions:
          read_capacity_units:
            description: Reads per second.
            type: int
            required: true
          write_capacity_units:
            description: Writes per second.
            type: int
            required: true
  time_to_live_attribute:
    description: The attribute that holds the second at which an item expires. An empty string turns expiry off.
    type: str
  point_in_time_recovery:
    description: Whether the table can be restored to any second of the last 35 days.
    type: bool
    default: true
  recovery_period_in_days:
    description: For how many days, from 1 to 35.
    type: int
  deletion_protection_enabled:
    description: Whether the table refuses to be deleted. With O(state=absent) and V(false) the protection is lifted
      first.
    type: bool
    default: true
  sse_specification:
    description: Encryption with a key of KMS; with AWS's own key when not given.
    type: dict
    suboptions:
      enabled:
        description: Whether a key of KMS is used.
        type: bool
        required: true
      kms_master_key_id:
        description: The key's ARN; the key C(aws/dynamodb) otherwise.
        type: str
  stream_specification:
    description: The stream of changes.
    type: dict
    suboptions:
      stream_enabled:
        description: Whether there is one.
        type: bool
        required: true
      stream_view_type:
        description: What it holds.
        type: str
        choices: [KEYS_ONLY, NEW_IMAGE, OLD_IMAGE, NEW_AND_OLD_IMAGES]
  table_class:
    description: The class of storage.
    type: str
    choices: [STANDARD, STANDARD_INFREQUENT_ACCESS]
  wait_timeout:
    description: Seconds to wait until table and indexes are active, or the table is gone.
    type: int
    default: 900
extends_documentation_fragment:
  - streamify.aws.resource
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.tags.modules
  - amazon.aws.boto3
"""

EXAMPLES = r"""
- name: Ensure the table that holds what the platform knows
  streamify.aws.dynamodb_table:
    name: streamify-production
    attribute_definitions:
      - {attribute_name: pk, attribute_type: S}
      - {attribute_name: sk, attribute_type: S}
      - {attribute_name: gsi1pk, attribute_type: S}
      - {attribute_name: gsi1sk, attribute_type: S}
    key_schema:
      - {attribute_name: pk, key_type: HASH}
      - {attribute_name: sk, key_type: RANGE}
    global_secondary_indexes:
      - index_name: gsi1
        key_schema:
          - {attribute_name: gsi1pk, key_type: HASH}
          - {attribute_name: gsi1sk, key_type: RANGE}
        projection:
          projection_type: ALL
    time_to_live_attribute: expires_at
    point_in_time_recovery: true
    deletion_protection_enabled: true
    tags:
      project: streamify

- name: Ensure that a table does not exist
  streamify.aws.dynamodb_table:
    name: streamify-staging
    deletion_protection_enabled: false
    state: absent
"""

RETURN = r"""
table:
  description: The table, in AWS's words in snake_case; empty with O(state=absent).
  returned: always
  type: dict
  contains:
    table_arn:
      description: The ARN.
      type: str
      returned: when it exists
      sample: arn:aws:dynamodb:eu-central-1:123456789012:table/streamify-production
    table_name:
      description: The name.
      type: str
      returned: when it exists
      sample: streamify-production
    time_to_live_attribute:
      description: The attribute that items expire by, or an empty string.
      type: str
      returned: when it exists
      sample: expires_at
    point_in_time_recovery:
      description: Whether it is on.
      type: bool
      returned: when it exists
      sample: true
    latest_stream_arn:
      description: The stream.
      type: str
      returned: when it exists
    tags:
      description: The tags.
      type: dict
      returned: when it exists
"""

from ansible_collections.streamify.aws.plugins.module_utils.core.module import arguments, run
from ansible_collections.streamify.aws.plugins.module_utils.dynamodb_table import Table

KEY = {
    "attribute_name": {"type": "str", "required": True},
    "key_type": {"type": "str", "choices": ["HASH", "RANGE"], "required": True},
}
THROUGHPUT = {
    "read_capacity_units": {"type": "int", "required": True},
    "write_capacity_units": {"type": "int", "required": True},
}


def main() -> None:
    """Run the module."""
    run(
        Table,
        arguments(
            tags=True,
            timeout=900,
            name={"type": "str", "required": True, "aliases": ["table_name"]},
            attribute_definitions={
                "type": "list",
                "elements": "dict",
                "options": {
                    "attribute_name": {"type": "str", "required": True},
                    "attribute_type": {"type": "str", "choices": ["S", "N", "B"], "required": True},
                },
            },
            key_schema={"type": "list", "elements": "dict", "options": KEY, "no_log": False},
            billing_mode={"type": "str", "choices": ["PAY_PER_REQUEST", "PROVISIONED"], "default": "PAY_PER_REQUEST"},
            provisioned_throughput={"type": "dict", "options": THROUGHPUT},
            global_secondary_indexes={
                "type": "list",
                "elements": "dict",
                "options": {
                    "index_name": {"type": "str", "required": True},
                    "key_schema": {
                        "type": "list",
                        "elements": "dict",
                        "options": KEY,
                        "required": True,
                        "no_log": False,
                    },
                    "projection": {
                        "type": "dict",
                        "options": {
                            "projection_type": {
                                "type": "str",
                                "choices": ["ALL", "KEYS_ONLY", "INCLUDE"],
                                "default": "ALL",
                            },
                            "non_key_attributes": {"type": "list", "elements": "str", "no_log": False},
                        },
                    },
                    "provisioned_throughput": {"type": "dict", "options": THROUGHPUT},
                },
            },
            time_to_live_attribute={"type": "str"},
            point_in_time_recovery={"type": "bool", "default": True},
            recovery_period_in_days={"type": "int"},
            deletion_protection_enabled={"type": "bool", "default": True},
            sse_specification={
                "type": "dict",
                "options": {
                    "enabled": {"type": "bool", "required": True},
                    "kms_master_key_id": {"type": "str", "no_log": False},
                },
            },
            stream_specification={
                "type": "dict",
                "options": {
                    "stream_enabled": {"type": "bool", "required": True},
                    "stream_view_type": {
                        "type": "str",
                        "choices": ["KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"],
                    },
                },
            },
            table_class={"type": "str", "choices": ["STANDARD", "STANDARD_INFREQUENT_ACCESS"]},
        ),
    )


if __name__ == "__main__":
    main()
