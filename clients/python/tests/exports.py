"""Makes exports for the tests, by code of its own: nothing here comes from the verifier."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import struct
from datetime import datetime, timedelta
from typing import Any

from context import VECTORS

import verify_export

ZERO_HASH = "0" * 64


def plain_canonical(value: Any) -> str:
    """Canonical JSON for what the tests put into entries: ASCII names, whole numbers."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def seal(entry: dict[str, Any], details_text: str | None = None) -> dict[str, Any]:
    """Gives an entry the hashes that its other members call for."""
    if entry["details"] is not None:
        text = details_text or plain_canonical(entry["details"])
        salted = bytes.fromhex(entry["details_salt"]) + text.encode("utf-8")
        entry["details_hash"] = hashlib.sha256(salted).hexdigest()
    names = ["actor", "decision", "details_hash", "event_type", "request_id", "subject"]
    envelope = plain_canonical({"v": 1, **{name: entry[name] for name in names}})
    event_hash = hashlib.sha256(envelope.encode("utf-8")).digest()
    since = datetime.fromisoformat(entry["created_at"][:-1]) - datetime(1970, 1, 1)
    numbers = struct.pack(">Qq", entry["id"], since // timedelta(microseconds=1))
    before = bytes.fromhex(entry["prev_hash"])
    sealed = hashlib.sha256(b"\x02" + before + numbers + event_hash)
    entry["entry_hash"] = sealed.hexdigest()
    return entry


def make_entry(id: int, prev_hash: str, **members: Any) -> dict[str, Any]:
    at = datetime(2026, 1, 1) + timedelta(microseconds=1000 * id)
    entry = {
        "id": id,
        "event_type": "model.released",
        "subject": f"fraud-detector@1.{id}",
        "decision": id % 3 != 0,
        "details": {"environment": "production", "n": id, "list": [True, None, "x"]},
        "details_salt": hashlib.sha256(b"%d" % id).hexdigest()[:32],
        "details_hash": ZERO_HASH,
        "actor": "anonymous",
        "request_id": f"req-{id}",
        "created_at": at.isoformat(timespec="microseconds") + "Z",
        "prev_hash": prev_hash,
        "entry_hash": ZERO_HASH,
    }
    entry.update(members)
    return seal(entry)


def make_chain(
    count: int, first_id: int = 1, changes: dict[int, dict[str, Any]] | None = None
) -> list[dict[str, Any]]:
    """Entries that follow one another; `changes` are members to set, by id."""
    prev_hash = ZERO_HASH if first_id == 1 else "ab" * 32
    chain = []
    for id in range(first_id, first_id + count):
        chain.append(make_entry(id, prev_hash, **(changes or {}).get(id, {})))
        prev_hash = chain[-1]["entry_hash"]
    return chain


def erased_by(id: int) -> dict[str, Any]:
    """The members of an entry whose details were erased by the entry `id`."""
    return {
        "details": None,
        "details_salt": None,
        "details_hash": "cd" * 32,
        "erased": True,
        "erased_by": id,
    }


def erasure(first_id: int, last_id: int, count: int) -> dict[str, Any]:
    """The members of an entry that erases."""
    details = {"first_id": first_id, "last_id": last_id, "count": count}
    return {"event_type": "audit.details_erased", "details": details}


def line_of(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8") + b"\n"


def lines_of(entries: list[dict[str, Any]]) -> list[bytes]:
    """The entries as lines, with details in canonical form."""
    lines = []
    for entry in entries:
        written = copy.deepcopy(entry)
        if isinstance(written.get("details"), dict):
            written["details"] = json.loads(plain_canonical(written["details"]))
        lines.append(line_of(written))
    return lines


def trailer_of(entries: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "trailer": True,
        "count": len(entries),
        "first_id": entries[0]["id"] if entries else None,
        "last_id": entries[-1]["id"] if entries else None,
        "last_entry_hash": entries[-1]["entry_hash"] if entries else ZERO_HASH,
        "checkpoint": None,
        "verifier_key": None,
    }


def export_of(entries: list[dict[str, Any]], **trailer: Any) -> bytes:
    """The whole export; `trailer` are members of the last line to set."""
    return b"".join([*lines_of(entries), line_of({**trailer_of(entries), **trailer})])


def verify(export: bytes, **given: Any) -> dict[str, Any]:
    return verify_export.verify(io.BytesIO(export), **given)


def vectors(name: str) -> Any:
    """A file of docs/vectors."""
    return json.loads((VECTORS / name).read_text("utf-8"))


def bytes_of(vector: dict[str, Any]) -> bytes:
    """The export that a vector holds as text, or in hex."""
    return vector["text"].encode("utf-8") if "text" in vector else bytes.fromhex(vector["hex"])


def export_vector(name: str) -> dict[str, Any]:
    """The export of this name in docs/vectors: the tests cannot sign, these are signed."""
    return next(case for case in vectors("exports.json")["exports"] if case["name"] == name)
