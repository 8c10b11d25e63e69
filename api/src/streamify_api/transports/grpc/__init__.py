# SPDX-License-Identifier: Apache-2.0
"""gRPC, for internal services."""
