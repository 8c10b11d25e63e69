# SPDX-License-Identifier: Apache-2.0
"""The deployed platform's fixtures, in the environment that `make restore` made."""

from deployed.conftest import aws, http, outputs, streamify, tls

__all__ = ["aws", "http", "outputs", "streamify", "tls"]
