# SPDX-License-Identifier: Apache-2.0
"""Fidelity patches of ministack: one behaviour a module, each with `apply()` and the AWS page it follows."""
