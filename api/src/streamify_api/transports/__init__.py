# SPDX-License-Identifier: Apache-2.0
"""The two faces of the API. Each parses, authorises, calls one service and renders; no rules here."""
