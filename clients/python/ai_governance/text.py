"""Text in and out of the command line."""

from __future__ import annotations

import json
import re
import sys
from typing import Any

# Characters that a terminal acts on, or that make text read as something else: C0 and C1
# controls, delete, line and paragraph separators, marks that turn the direction of writing,
# and what has no width.
ACTIVE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e"
    "\u2060\u2066-\u2069\ufeff\ud800-\udfff]"
)


class UsageError(Exception):
    """Something that the person gave is not right; the message says what to do."""


def printable(text: str) -> str:
    """A text from elsewhere as it may be shown on a terminal: what would act is written out."""
    return ACTIVE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def refuse_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("an object holds a name twice")
    return members


def refuse_constant(token: str) -> None:
    raise ValueError(f"{token} is not JSON")


def parse_object(text: str, where: str) -> dict[str, Any]:
    """A JSON object. Raises UsageError; nothing is dropped or changed silently."""
    try:
        value = json.loads(text, object_pairs_hook=refuse_doubles, parse_constant=refuse_constant)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{where} is not JSON: {error}.") from None
    if not isinstance(value, dict):
        raise UsageError(f"{where} must be a JSON object.")
    return value


def read_object(path: str) -> dict[str, Any]:
    """The JSON object in a file, "-" for standard input. Raises UsageError."""
    where = "standard input" if path == "-" else path
    try:
        if path == "-":
            data = sys.stdin.buffer.read()
        else:
            with open(path, "rb") as file:
                data = file.read()
        return parse_object(data.decode("utf-8"), where)
    except OSError as error:
        raise UsageError(f"{where} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{where} is not UTF-8.") from None
