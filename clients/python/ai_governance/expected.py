"""What an answer must be to be evidence of what was asked."""

from __future__ import annotations

import json
import re
from typing import Any

HASH = re.compile(r"[0-9a-f]{64}")


def is_decision(answer: Any) -> bool:
    """What allows in any other way than `true`, or gives reasons against it, is none."""
    if not isinstance(answer, dict) or not isinstance(answer.get("allowed"), bool):
        return False
    reasons = answer.get("reasons")
    is_list = isinstance(reasons, list) and all(isinstance(reason, str) for reason in reasons)
    return is_list and not (answer["allowed"] and reasons)


def is_entry_of(answer: Any, event: dict[str, Any]) -> bool:
    """Whether this is the log entry of exactly this event.

    What was logged before under the same key may have been erased since.
    """
    if not is_reference(answer):
        return False
    expected = {"details": {}, **event}
    if answer.get("erased") is True and is_id(answer.get("erased_by")):
        expected["details"] = None
    return echoes(answer, expected)


def are_entries_of(answer: Any, events: list[dict[str, Any]]) -> bool:
    """Whether these are the log entries of exactly these events, in this order."""
    return (
        isinstance(answer, list)
        and len(answer) == len(events)
        and all(is_entry_of(entry, event) for entry, event in zip(answer, events))
        and all(a["id"] < b["id"] for a, b in zip(answer, answer[1:]))
    )


def is_erasure(answer: Any, *counts: str) -> bool:
    """Whether details were erased: how many, and the log entry that attests it."""
    return (
        isinstance(answer, dict)
        and all(type(answer.get(name)) is int and answer[name] >= 0 for name in counts)
        and is_reference(answer.get("audit"))
        and answer["audit"].get("event_type") == "audit.details_erased"
    )


def is_hold(answer: Any, *, released: bool, **expected: Any) -> bool:
    """Whether this is a legal hold that says what is expected of it."""
    return (
        isinstance(answer, dict)
        and is_id(answer.get("id"))
        and is_id(answer.get("audit_id"))
        and isinstance(answer.get("released_at"), str) is released
        and echoes(answer, expected)
    )


def is_record_of(answer: Any, model: dict[str, Any]) -> bool:
    """Whether this is the record of exactly this registration, with its log entry."""
    defaults = {"artifacts": [], "parents": [], "metadata": {}, "aibom": None}
    return (
        isinstance(answer, dict)
        and is_id(answer.get("id"))
        and is_id(answer.get("revision"))
        and is_hash(answer.get("record_hash"))
        and is_reference(answer.get("audit"))
        and echoes(answer, {**defaults, **model})
    )


def is_id(value: Any) -> bool:
    return type(value) is int and value >= 1


def is_hash(value: Any) -> bool:
    return isinstance(value, str) and HASH.fullmatch(value) is not None


def is_reference(value: Any) -> bool:
    return isinstance(value, dict) and is_id(value.get("id")) and is_hash(value.get("entry_hash"))


def echoes(answer: dict[str, Any], sent: dict[str, Any]) -> bool:
    """Whether the answer says the same of everything that was sent."""
    # As it went out: a tuple is an array, and the name of a member is a text.
    said = json.loads(json.dumps(sent))
    return all(name in answer and is_same(answer[name], said[name]) for name in said)


def is_same(a: Any, b: Any) -> bool:
    """Equality of JSON values: True is not 1, and 1.0 is."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(is_same(a[name], b[name]) for name in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(is_same(x, y) for x, y in zip(a, b))
    return isinstance(a, bool) == isinstance(b, bool) and a == b
