# SPDX-License-Identifier: Apache-2.0
"""Values and rules of the platform: frozen, without I/O and without a framework."""
