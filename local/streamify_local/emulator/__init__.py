# SPDX-License-Identifier: Apache-2.0
"""The AWS emulator: ministack with this project's fidelity patches."""
