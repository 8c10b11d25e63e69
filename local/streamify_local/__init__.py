# SPDX-License-Identifier: Apache-2.0
"""The local cloud: what stands in for AWS on one machine. The product does not know that it exists."""
