"""Proofs of the log, judged by a verifier key that was got elsewhere."""

from __future__ import annotations

from typing import Any

from ai_governance.errors import invalid_argument
from verify_export import (
    LOG,
    SAFE_INTEGER,
    Checkpoint,
    Fault,
    Tree,
    VerifierKey,
    canonical,
    check_details,
    check_erased,
    check_shape,
    entry_hash,
    is_included,
    leaf_hash,
    microseconds,
    node_hash,
    read_base64,
    read_checkpoint,
    read_key,
    signs,
)

PROOF = {"proof", "proof_error"}
EMPTY_ROOT = Tree().root()


def verify_inclusion(proof: Any, entry_hash: str, key: str) -> bool:
    """Whether a proof shows that an entry is in the log of this verifier key.

    `proof` is `{ index, size, hashes, checkpoint }` as mcp-audit answers it and may come from
    anybody; `entry_hash` is in hex. Raises GovernanceError `invalid_argument` for a key that
    cannot be read.
    """
    pinned = read_verifier_key(key)
    return is_inclusion(proof, pinned) and holds(proof, entry_hash)


def verify_consistency(proof: Any, older: str, key: str) -> bool:
    """Whether a proof shows that a log continues an older checkpoint of it.

    `proof` is `{ from, to, hashes, checkpoint }` as mcp-audit answers it, `older` the note
    that was kept. Both must be signed by this verifier key. Raises GovernanceError
    `invalid_argument` for a key that cannot be read.
    """
    pinned = read_verifier_key(key)
    before = signed_checkpoint(older, pinned)
    if before is None or not is_consistency(proof, pinned):
        return False
    after = read_checkpoint(proof["checkpoint"])
    hashes = [read_base64(hash) for hash in proof["hashes"]]
    same = proof["from"] == before.size
    return same and is_consistent(before.size, after.size, before.root, after.root, hashes)


def is_consistent(older: int, newer: int, before: bytes, after: bytes, hashes: list[bytes]) -> bool:
    """Whether the tree of size and root `newer` and `after` begins with the older one.

    RFC 9162, 2.1.4.2. From nothing, and from a tree to itself, there is nothing to prove.
    """
    if older in (0, newer):
        known = before == EMPTY_ROOT if older == 0 else before == after
        return known and not hashes and (newer > 0 or after == EMPTY_ROOT)
    if not 0 < older < newer:
        return False
    node, last = older - 1, newer - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    # Where the older tree is one complete subtree, the proof begins with its root unsaid.
    path = hashes if node else [before, *hashes]
    if not path:
        return False
    found_before = found_after = path[0]
    for hash in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            found_before = node_hash(hash, found_before)
            found_after = node_hash(hash, found_after)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            found_after = node_hash(found_after, hash)
        node, last = node >> 1, last >> 1
    return last == 0 and found_before == before and found_after == after


def read_verifier_key(text: str) -> VerifierKey:
    try:
        return read_key(text, LOG)
    except ValueError as error:
        raise invalid_argument(f"the verifier key cannot be read: {error}") from None


def signed_checkpoint(note: Any, key: VerifierKey | None) -> Checkpoint | None:
    """The checkpoint of a note, if it is one and this key signed it (any, where there is none)."""
    try:
        checkpoint = read_checkpoint(note) if isinstance(note, str) else None
    except ValueError:
        return None
    if checkpoint and key and (checkpoint.origin != key.name or not signs(key, checkpoint.note)):
        return None
    return checkpoint


def is_inclusion(proof: Any, key: VerifierKey | None) -> bool:
    """Whether this is an inclusion proof under a checkpoint of the key; not whether it holds."""
    return is_proof(proof, "index", "size", key) and proof["index"] < proof["size"]


def is_consistency(proof: Any, key: VerifierKey | None) -> bool:
    """Whether this is a consistency proof under a checkpoint of the key; not whether it holds."""
    return is_proof(proof, "from", "to", key) and proof["from"] <= proof["to"]


def is_proof(proof: Any, place: str, size: str, key: VerifierKey | None) -> bool:
    if not isinstance(proof, dict) or not isinstance(proof.get("hashes"), list):
        return False
    if not all(is_position(proof.get(name)) for name in (place, size)):
        return False
    try:
        good = all(len(read_base64(hash)) == 32 for hash in proof["hashes"])
    except (TypeError, ValueError):
        return False
    checkpoint = signed_checkpoint(proof.get("checkpoint"), key)
    return good and checkpoint is not None and checkpoint.size == proof[size]


def is_position(value: Any) -> bool:
    return type(value) is int and 0 <= value <= SAFE_INTEGER


def holds(proof: dict[str, Any], entry_hash: str) -> bool:
    """Whether an inclusion proof, right in itself, proves this entry_hash."""
    root = read_checkpoint(proof["checkpoint"]).root
    hashes = [read_base64(hash) for hash in proof["hashes"]]
    try:
        leaf = leaf_hash(bytes.fromhex(entry_hash))
    except ValueError:
        return False
    return is_included(proof["index"], proof["size"], leaf, hashes, root)


def is_proven(answer: dict[str, Any], key: VerifierKey | None) -> bool:
    """Whether what was asked for with its proof has one that holds, or says why it has none.

    With a key also the hashes of the entry are computed anew, so that what is proven is what
    the entry says.
    """
    proof = answer.get("proof")
    if proof is None:
        return isinstance(answer.get("proof_error"), dict)
    if not is_inclusion(proof, key) or proof["index"] != answer["id"] - 1:
        return False
    return key is None or (has_its_hash(answer) and holds(proof, answer["entry_hash"]))


def has_its_hash(answer: dict[str, Any]) -> bool:
    entry = {name: value for name, value in answer.items() if name not in PROOF}
    try:
        check_shape(entry)
        created_at = microseconds(entry["created_at"])
        if "erased" in entry:
            check_erased(entry)
        else:
            check_details(entry, canonical(entry["details"]))
    except (Fault, RecursionError):
        return False
    return created_at is not None and entry_hash(entry, created_at) == entry["entry_hash"]
