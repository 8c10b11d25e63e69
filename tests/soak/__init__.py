# SPDX-License-Identifier: Apache-2.0
"""`make soak`: what takes minutes or gigabytes; short forms are in tests/deployed and tests/contract."""
