# SPDX-License-Identifier: Apache-2.0
"""Streamify's control plane. Imports run one way: main -> bootstrap -> transports | adapters -> services -> domain."""

__version__ = "0.1.0"
