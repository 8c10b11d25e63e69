# SPDX-License-Identifier: Apache-2.0
"""HMAC-SHA256 (RFC 2104) under keys that are used often: the padded key is hashed once and its state copied.

The standard library's hmac.digest() looks the algorithm up in OpenSSL for each call, which takes ten times as long as
the hash of a short message.
"""

import hashlib
from collections.abc import Callable

_BLOCK_BYTES = 64  # of SHA-256
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))


class HmacSha256:
    """Signs with one key.

    Args:
        key: at most one block long; longer ones would have to be hashed first.

    Raises:
        ValueError: it is longer.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        if len(key) > _BLOCK_BYTES:
            raise ValueError("the key is longer than a block")
        padded = key.ljust(_BLOCK_BYTES, b"\0")
        self._inner = hashlib.sha256(padded.translate(_INNER))
        self._outer = hashlib.sha256(padded.translate(_OUTER))

    def digest(self, message: bytes) -> bytes:
        """The 32 bytes that stand for a message."""
        inner = self._inner.copy()
        inner.update(message)
        whole = self._outer.copy()
        whole.update(inner.digest())
        return whole.digest()

    def signer(self, prefix: bytes) -> Callable[[bytes], str]:
        """A function that signs the prefix and what it is given, as hexadecimal digits."""
        begun = self._inner.copy()
        begun.update(prefix)
        outer = self._outer

        def sign(rest: bytes) -> str:
            inner = begun.copy()
            inner.update(rest)
            whole = outer.copy()
            whole.update(inner.digest())
            return whole.hexdigest()

        return sign
