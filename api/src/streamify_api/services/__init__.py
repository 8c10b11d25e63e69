# SPDX-License-Identifier: Apache-2.0
"""What the API does, one use case a class. ports.py names what it needs from outside."""
