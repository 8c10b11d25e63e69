# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports what the AWS modules import, once, before Ansible forks its workers. See the action plugin `normal`."""

import gc
import importlib
import os

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: warm_up
type: aggregate
short_description: import boto3 once for all workers
description:
  - Imports boto3 and the utilities of the AWS collections when a playbook starts, so that the workers, which are forks
    of the controller, find them imported.
  - Does nothing when the environment variable E(STREAMIFY_MODULES_IN_PROCESS) is V(0).
"""

MODULES = (
    "boto3",
    "ansible_collections.amazon.aws.plugins.module_utils.modules",
    "ansible_collections.amazon.aws.plugins.module_utils.ec2",
    "ansible_collections.amazon.aws.plugins.module_utils.iam",
    "ansible_collections.amazon.aws.plugins.module_utils.elbv2",
    "ansible_collections.amazon.aws.plugins.module_utils.s3",
)

SERVICES = (
    "acm",
    "application-autoscaling",
    "cloudfront",
    "cloudwatch",
    "dynamodb",
    "ec2",
    "ecr",
    "ecs",
    "elbv2",
    "iam",
    "logs",
    "route53",
    "s3",
    "scheduler",
    "secretsmanager",
    "sns",
    "sts",
    "wafv2",
)


def _share_one_loader() -> None:
    """Makes all botocore sessions use one loader, whose cache keeps the service descriptions it has parsed."""
    from botocore import loaders, session

    loader = loaders.create_loader(os.environ.get("AWS_DATA_PATH"))

    def register(self: session.Session) -> None:
        self._components.register_component("data_loader", loader)

    session.Session._register_data_loader = register
    for service in SERVICES:
        loader.load_service_model(service, "service-2")
        loader.load_service_model(service, "endpoint-rule-set-1")
    loader.load_data("endpoints")
    loader.load_data("partitions")
    loader.load_data("sdk-default-configuration")


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Warms the controller up when a playbook starts."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "warm_up"
    CALLBACK_NEEDS_ENABLED = True

    def v2_playbook_on_start(self, playbook: object) -> None:  # noqa: ARG002 - Ansible's signature
        if os.environ.get("STREAMIFY_MODULES_IN_PROCESS", "1") == "0":
            return
        for module in MODULES:
            importlib.import_module(module)
        _share_one_loader()
        gc.freeze()  # keeps the collector from touching, and so copying, the pages shared with the workers
