# SPDX-License-Identifier: Apache-2.0
"""The second rig: three API processes on an emulator, for what containers make slow (kills) or impossible (clocks)."""
