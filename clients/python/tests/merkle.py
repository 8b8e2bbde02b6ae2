"""The tree of RFC 6962 as it is defined, for the tests: nothing here comes from the verifier."""

from __future__ import annotations

import hashlib


def leaf(entry_hash: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry_hash).digest()


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def path(index: int, leaves: list[bytes]) -> tuple[list[bytes], bytes]:
    """The inclusion proof of a leaf, and the root: 2.1.1 and 2.1, word for word."""
    if len(leaves) == 1:
        return [], leaves[0]
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    if index < half:
        hashes, left = path(index, leaves[:half])
        right = path(0, leaves[half:])[1]
        return [*hashes, right], node(left, right)
    hashes, right = path(index - half, leaves[half:])
    left = path(0, leaves[:half])[1]
    return [*hashes, left], node(left, right)
