#!/usr/bin/env python3
"""Verify an NDJSON export of the audit log. Python 3.9 or later, nothing else.

    python3 verify_export.py export.ndjson
    cat export.ndjson | python3 verify_export.py -

Every hash is computed anew from what the export says, after docs/FORMATS.md:

    details_hash = SHA256( salt || JCS(details) )
    event_hash   = SHA256( JCS({actor, decision, details_hash, event_type, request_id,
                                subject, "v": 1}) )
    entry_hash   = SHA256( 0x02 || prev_hash || u64 id || i64 created_at || event_hash )

JCS is RFC 8785. The file is read once, line by line, and holds in memory one line and
the erasures that are still to be accounted for. It may come from anybody: whatever it
holds, there is a verdict.

Not judged: `checkpoint` and `verifier_key` of the last line, that is, who vouches for
the log. Whoever could write a whole new log could hash it too: keep id and entry_hash
of a last entry elsewhere, and look for them in later exports.

Exit code: 0 verified, 4 not verified, 1 cannot be read or is no NDJSON, 2 wrong usage;
5 verified as far as the export goes: details are missing that nothing in it accounts for.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import struct
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, BinaryIO, Callable

# The services take 16 MiB at most, and canonical form makes numbers longer (1e20).
MAX_LINE = 32 * 1024 * 1024
# A line takes about 100 bytes of memory for each value. No body may hold as many.
MAX_VALUES = 1_000_000
MAX_DEPTH = 64
# Erasures named by entries before the erasing entry has come; 200 bytes each.
MAX_OPEN_ERASURES = 1_000_000
SAFE_INTEGER = 2**53 - 1
ZERO_HASH = "0" * 64

EVENT = {"actor", "decision", "details_hash", "event_type", "request_id", "subject"}
CHAIN = {"id", "created_at", "prev_hash", "entry_hash"}
ENTRY = EVENT | CHAIN | {"details", "details_salt"}
ERASED_ENTRY = ENTRY | {"erased", "erased_by"}
NOT_JUDGED = ("checkpoint", "verifier_key")
TRAILER = {"trailer", "count", "first_id", "last_id", "last_entry_hash", *NOT_JUDGED}
ERASER = "audit.details_erased"
# What is attested about models and about the log itself is never erased.
NEVER_ERASED = ("lineage.", "policy.", "audit.")

NOT_JSON = "a line is not JSON in UTF-8"
TOO_DEEP = f"a value is nested deeper than {MAX_DEPTH} levels"
MISSING = "the entry is missing"
UNACCOUNTED = "details are missing and no erasure accounts for it"
NOT_CANONICAL = "details are not canonical JSON"
NOT_NDJSON = "this is no NDJSON export but looks like JSON or CSV: ask for fmt=ndjson"
INCOMPLETE = "the export is incomplete: its last line is not the trailer"


class Fault(Exception):
    """Why the export does not verify. `id` is the first bad entry, if it is known."""

    def __init__(self, reason: str, id: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.id = id


# --- JSON: read strictly, written canonically -----------------------------------------


def read_integer(token: str) -> Any:
    number = read_number(token)
    # -0 is a number of its own, which an int cannot be.
    return int(token) if abs(number) <= SAFE_INTEGER and token != "-0" else number


def read_number(token: str) -> float:
    number = float(token)
    if number in (float("inf"), float("-inf")):
        raise Fault("a number is out of range")
    return number


def refuse_constant(token: str) -> None:
    raise ValueError("NaN and Infinity are not JSON")


def read_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Fault("an object holds a name twice")
    return members


decoder = json.JSONDecoder(
    object_pairs_hook=read_object,
    parse_float=read_number,
    parse_int=read_integer,
    parse_constant=refuse_constant,
)
quote = json.JSONEncoder(ensure_ascii=False).encode
WHITE_SPACE = re.compile(r"[ \t\r\n]*")


def skip_space(text: str, at: int) -> int:
    return WHITE_SPACE.match(text, at).end()  # type: ignore[union-attr]


def read_value(text: str, at: int) -> tuple[Any, int]:
    """The value that begins at this place, and where it ends. ValueError if it is no JSON."""
    try:
        return decoder.raw_decode(text, at)
    except RecursionError:
        raise Fault(TOO_DEEP) from None


# Only a text that holds one of these, or many brackets, has to be looked at value by value.
SUSPECT = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")


def check_value(value: Any, levels: int) -> None:
    """Refuses what is JSON and cannot be in the log."""
    if isinstance(value, str):
        if "\0" in value:
            raise Fault("a text holds U+0000")
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise Fault("a text holds half of a surrogate pair") from None
    elif isinstance(value, (list, dict)):
        if levels == 0:
            raise Fault(TOO_DEEP)
        for item in [*value, *value.values()] if isinstance(value, dict) else value:
            check_value(item, levels - 1)


def read_members(text: str) -> tuple[dict[str, Any], dict[str, str]]:
    """The members of the object that is all of a text, and of each the text of its value.

    Raises ValueError if it is no JSON, Fault if it is JSON of another kind.
    """
    members: dict[str, Any] = {}
    texts: dict[str, str] = {}
    at = skip_space(text, 0)
    if text[at : at + 1] != "{":
        raise Fault("a line is not a JSON object")
    at = skip_space(text, at + 1)
    mark = "}" if text[at : at + 1] == "}" else ","
    at += mark == "}"
    while mark == ",":
        name, at = read_value(text, skip_space(text, at))
        at = skip_space(text, at)
        if not isinstance(name, str) or text[at : at + 1] != ":":
            raise ValueError("a name is missing")
        start = skip_space(text, at + 1)
        value, at = read_value(text, start)
        if name in members:
            raise Fault("an object holds a name twice")
        members[name], texts[name] = value, text[start:at]
        at = skip_space(text, at)
        mark = text[at : at + 1]
        at += 1
    if mark != "}" or skip_space(text, at) < len(text):
        raise ValueError("the object does not end, or something follows it")
    if SUSPECT.search(text) or text.count("{") + text.count("[") > MAX_DEPTH:
        # The object itself is one level more.
        check_value(members, MAX_DEPTH + 1)
    return members, texts


def canonical(value: Any) -> str:
    """RFC 8785, of a value as `read_members` gives it."""
    if isinstance(value, str):
        return quote(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return canonical_number(value)
    if isinstance(value, list):
        return "[" + ",".join([canonical(item) for item in value]) + "]"
    names = sorted(value, key=utf16)
    return "{" + ",".join([f"{quote(name)}:{canonical(value[name])}" for name in names]) + "}"


def utf16(name: str) -> bytes:
    """The order of names in RFC 8785, 3.2.3: UTF-16 code units, unsigned."""
    return name.encode("utf-16-be")


def canonical_number(number: float) -> str:
    """Number::toString of ECMAScript (RFC 8785, 3.2.2.3) for a finite number.

    repr() gives the same digits, the shortest that read back to the number; only where
    the point goes, and when there is an exponent, differs.
    """
    if number == 0:
        return "0"
    sign = "-" if number < 0 else ""
    mantissa, _, exponent = repr(abs(number)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    # The value is 0.digits * 10**point.
    point = len(digits) - len(fraction) + int(exponent or "0")
    digits = digits.rstrip("0")
    if len(digits) <= point <= 21:
        return sign + digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return sign + digits[:point] + "." + digits[point:]
    if -6 < point <= 0:
        return sign + "0." + "0" * -point + digits
    rest = "." + digits[1:] if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{rest}e{'+' if point > 0 else '-'}{abs(point - 1)}"


# --- Lines ----------------------------------------------------------------------------


def is_too_long(line: bytes) -> bool:
    return len(line) - line.endswith(b"\n") > MAX_LINE


def is_blank(line: bytes) -> bool:
    return not line.strip(b" \t\r\n")


CLAIM = re.compile(rb'\{"id":([1-9][0-9]{0,15}),')


def read_line(line: bytes) -> tuple[dict[str, Any], dict[str, str]]:
    """The members of the object on a line, and of each the text of its value."""
    if is_too_long(line):
        raise Fault(f"a line is longer than {MAX_LINE} bytes")
    try:
        if too_many_values(line):
            raise Fault(f"a line holds more than {MAX_VALUES} values")
        return read_members(line.decode("utf-8"))
    except (Fault, ValueError) as error:
        if not line.endswith(b"\n"):
            raise Fault(INCOMPLETE) from None
        raise error if isinstance(error, Fault) else Fault(NOT_JSON) from None


def claimed_id(line: bytes) -> int | None:
    """The id that a line begins with, though the rest of it may not be readable."""
    claim = CLAIM.match(line)
    id = int(claim[1]) if claim else 0
    return id if is_id(id) else None


def id_before(stream: BinaryIO) -> int | None:
    """The id of the entry in front of the next line, if that begins with one."""
    while line := stream.readline(MAX_LINE + 1):
        if not is_blank(line):
            id = claimed_id(line)
            return id - 1 if id and id > 1 else None
    return None


def too_many_values(line: bytes) -> bool:
    """Counts before anything is made of them, so that a hostile line stays cheap."""
    if len(line) <= MAX_VALUES:
        return False
    plain = line.replace(b"\\\\", b"").replace(b'\\"', b"")
    if plain.count(b'"') > 4 * MAX_VALUES:
        return True
    outside = b"".join(plain.split(b'"')[::2])
    return sum(outside.count(mark) for mark in (b",", b"[", b"{")) > MAX_VALUES


# --- Entries --------------------------------------------------------------------------

HASH = re.compile(r"[0-9a-f]{64}\Z")
SALT = re.compile(r"[0-9a-f]{32}\Z")
TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z\Z")
EPOCH = datetime(1970, 1, 1)


def is_id(value: Any) -> bool:
    return type(value) is int and 1 <= value <= SAFE_INTEGER


def microseconds(text: Any) -> int | None:
    """RFC 3339 in UTC with six decimals, as microseconds since the Unix epoch.

    None for every other form, and for a time that there is not in the years 1 to 9999.
    """
    try:
        if isinstance(text, str) and TIME.match(text):
            since = datetime.fromisoformat(text[:-1]) - EPOCH
            return since // timedelta(microseconds=1)
    except ValueError:
        pass
    return None


def is_text(value: Any) -> bool:
    return isinstance(value, str)


def is_text_or_null(value: Any) -> bool:
    return value is None or isinstance(value, str)


def is_time(value: Any) -> bool:
    return microseconds(value) is not None


def is_object_or_null(value: Any) -> bool:
    return value is None or isinstance(value, dict)


def is_salt_or_null(value: Any) -> bool:
    return value is None or (isinstance(value, str) and SALT.match(value) is not None)


def is_hash(value: Any) -> bool:
    return isinstance(value, str) and HASH.match(value) is not None


POSITION = (is_id, "a position in the log")
TEXT = (is_text, "a text")
TEXT_OR_NULL = (is_text_or_null, "a text or null")
HEX_HASH = (is_hash, "64 lower-case hex digits")
# What each member must be, in the order in which they are looked at.
MUST_BE: dict[str, tuple[Callable[[Any], bool], str]] = {
    "id": POSITION,
    "event_type": TEXT,
    "subject": TEXT,
    "actor": TEXT_OR_NULL,
    "request_id": TEXT_OR_NULL,
    "decision": (lambda value: isinstance(value, bool), "true or false"),
    "created_at": (is_time, "a time in UTC with six decimals"),
    "details": (is_object_or_null, "an object"),
    "details_salt": (is_salt_or_null, "32 lower-case hex digits"),
    "details_hash": HEX_HASH,
    "prev_hash": HEX_HASH,
    "entry_hash": HEX_HASH,
    "erased": (lambda value: value is True, "true"),
    "erased_by": POSITION,
}


def check_shape(entry: dict[str, Any]) -> None:
    if entry.keys() not in (ENTRY, ERASED_ENTRY):
        raise Fault("an entry does not have exactly the members of the format")
    for name, (fits, what) in MUST_BE.items():
        if name in entry and not fits(entry[name]):
            raise Fault(f"{name} is not {what}")


def check_details(entry: dict[str, Any], text: str) -> None:
    """Holds the details against their hash. `text` is how they are written."""
    details, salt = entry["details"], entry["details_salt"]
    if details is None or salt is None:
        raise Fault(UNACCOUNTED)
    if text != canonical(details):
        raise Fault(NOT_CANONICAL)
    hashed = hashlib.sha256(bytes.fromhex(salt) + text.encode("utf-8")).hexdigest()
    if hashed != entry["details_hash"]:
        raise Fault("details do not match details_hash")


def check_erased(entry: dict[str, Any]) -> None:
    """What an entry without details must be, whatever its erasure says."""
    if entry["details"] is not None or entry["details_salt"] is not None:
        raise Fault("an erased entry holds details or their salt")
    if entry["erased_by"] <= entry["id"]:
        raise Fault(UNACCOUNTED)
    if entry["event_type"].startswith(NEVER_ERASED):
        raise Fault("an entry of this type is never erased")


def entry_hash(entry: dict[str, Any], created_at: int) -> str:
    event = {"v": 1, **{name: entry[name] for name in EVENT}}
    event_hash = hashlib.sha256(canonical(event).encode("utf-8")).digest()
    position = struct.pack(">Qq", entry["id"], created_at)
    prev_hash = bytes.fromhex(entry["prev_hash"])
    return hashlib.sha256(b"\x02" + prev_hash + position + event_hash).hexdigest()


# --- Erasures -------------------------------------------------------------------------


class Erasures:
    """Holds entries without details against the later entries that account for them.

    An erased entry names an `audit.details_erased`, whose details give first_id, last_id
    and the count of entries that it erased. Exactly these must name it.
    """

    def __init__(self) -> None:
        self.total = 0
        self.unchecked = 0
        # By id of the erasing entry: count, lowest and highest id of those that name it.
        self.open: dict[int, tuple[int, int, int]] = {}

    def take(self, entry: dict[str, Any], first_id: int) -> None:
        """The next entry, right in itself. `first_id` is where the export starts."""
        id = entry["id"]
        named, lowest, highest = self.open.pop(id, (0, id, id))
        if entry["event_type"] == ERASER:
            self.account(entry, first_id, named, lowest, highest)
        elif named:
            raise Fault(UNACCOUNTED, lowest)
        if "erased" not in entry:
            return
        named, lowest, _ = self.open.get(entry["erased_by"], (0, id, id))
        self.open[entry["erased_by"]] = (named + 1, lowest, id)
        self.total += 1
        if len(self.open) > MAX_OPEN_ERASURES:
            raise Fault(f"more than {MAX_OPEN_ERASURES} erasures are open at once")

    def account(
        self, entry: dict[str, Any], first_id: int, named: int, lowest: int, highest: int
    ) -> None:
        """An entry that erases, and the entries that name it: how many, from where to where."""
        begin, end, count = (entry["details"].get(n) for n in ("first_id", "last_id", "count"))
        # An erasure that is repeated erases nothing. 0 == 0.0 == False in Python.
        counted = is_id(count) or (type(count) is int and count == 0)
        if not (counted and is_id(begin) and is_id(end) and begin <= end < entry["id"]):
            raise Fault("an erasure does not say what it erased")
        if named and lowest < begin:
            raise Fault(UNACCOUNTED, lowest)
        if named and highest > end:
            raise Fault(UNACCOUNTED, highest)
        if named > count or (named < count and begin >= first_id):
            raise Fault(f"the erasure counts {count} entries, and {named} name it")
        if begin < first_id:
            self.unchecked += 1

    def unaccounted(self) -> int:
        """Erased entries whose erasure has not come."""
        return sum(count for count, _, _ in self.open.values())

    def warnings(self) -> Iterator[str]:
        if self.unchecked:
            yield (
                f"{self.unchecked} erasures reach back before this export; whether they "
                "count right shows in an export from entry 1"
            )
        if self.open:
            yield (
                f"{self.unaccounted()} erased entries name erasures past the end of this export; "
                f"whether they account for it shows in an export up to {max(self.open)}"
            )


# --- The export -----------------------------------------------------------------------


class Verification:
    """The state of one pass: what was verified so far."""

    def __init__(self) -> None:
        self.entries = 0
        self.line = 0
        self.first_id: int | None = None
        self.last_id: int | None = None
        self.last_hash = ZERO_HASH
        self.last_time: int | None = None
        self.complete = False
        self.not_judged: list[str] = []
        self.erasures = Erasures()

    def take(self, line: bytes) -> None:
        """The next line. Raises Fault, naming the entry that is bad or missing here."""
        self.line += 1
        if is_blank(line) and not is_too_long(line):
            return
        id = claimed_id(line) if self.last_id is None else self.last_id + 1
        try:
            if self.complete:
                raise Fault("something follows the trailer")
            # How an export in JSON or CSV begins.
            if self.last_id is None and line.startswith((b"[", b"id,")):
                raise Fault(NOT_NDJSON)
            members, texts = read_line(line)
            if "trailer" in members:
                self.complete = True
                self.take_trailer(members)
                return
            said = members.get("id")
            if is_id(said):
                if self.last_id is not None and said != id:
                    raise Fault(MISSING)
                id = said
            self.take_entry(members, texts)
        except Fault as fault:
            if fault.id is None and not self.complete and fault.reason != INCOMPLETE:
                fault.id = id
            raise

    def take_entry(self, entry: dict[str, Any], texts: dict[str, str]) -> None:
        check_shape(entry)
        first = self.first_id is None
        # The first entry of the log has nothing before it, and no other has.
        if first and entry["id"] > 1 and entry["prev_hash"] == ZERO_HASH:
            raise Fault(MISSING, 1)
        prev_hash = entry["prev_hash"] if first and entry["id"] > 1 else self.last_hash
        if entry["prev_hash"] != prev_hash:
            raise Fault("prev_hash is not the entry_hash of the entry before")
        created_at = microseconds(entry["created_at"])
        assert created_at is not None, "check_shape has seen that it is a time"
        if self.last_time is not None and created_at < self.last_time:
            raise Fault("created_at is earlier than that of the entry before")
        if "erased" in entry:
            check_erased(entry)
        else:
            check_details(entry, texts["details"])
        if entry_hash(entry, created_at) != entry["entry_hash"]:
            raise Fault("entry_hash does not match the content")
        self.erasures.take(entry, self.first_id or entry["id"])
        self.entries += 1
        self.first_id, self.last_id = self.first_id or entry["id"], entry["id"]
        self.last_hash, self.last_time = entry["entry_hash"], created_at

    def take_trailer(self, trailer: dict[str, Any]) -> None:
        if trailer.keys() != TRAILER or trailer["trailer"] is not True:
            raise Fault("the trailer does not have the members that it must have")
        found = {
            "count": self.entries,
            "first_id": self.first_id,
            "last_id": self.last_id,
            "last_entry_hash": self.last_hash,
        }
        for name, value in found.items():
            # 1 == 1.0 == True in Python, and not in JSON.
            if trailer[name] != value or type(trailer[name]) is not type(value):
                raise Fault(f"{name} of the trailer is not that of the entries")
        for name in NOT_JUDGED:
            if not is_text_or_null(trailer[name]):
                raise Fault(f"{name} of the trailer is not a text or null")
        self.not_judged = [name for name in NOT_JUDGED if trailer[name] is not None]

    def warnings(self) -> Iterator[str]:
        yield from self.erasures.warnings()
        if self.first_id is not None and self.first_id > 1:
            yield (
                f"the export starts at entry {self.first_id}: somebody must vouch for "
                f"its prev_hash, the entry_hash of entry {self.first_id - 1}"
            )

    def verdict(self, fault: Fault | None) -> dict[str, Any]:
        return {
            "ok": fault is None,
            "entries": self.entries,
            "first_bad_id": fault.id if fault else None,
            "reason": fault.reason if fault else None,
            "line": self.line if fault else None,
            "first_id": self.first_id,
            "last_id": self.last_id,
            "last_entry_hash": self.last_hash,
            "erased": self.erasures.total,
            "unaccounted": 0 if fault else self.erasures.unaccounted(),
            "complete": self.complete,
            "warnings": [] if fault else list(self.warnings()),
            "not_judged": self.not_judged,
        }


def verify(stream: BinaryIO, progress: Callable[[int], None] | None = None) -> dict[str, Any]:
    """The verdict on an export, for `--json` as it is.

    `ok`; `entries` that verified; `first_bad_id` and `reason` (null where ok; the id is
    null too where no entry can be named) and the `line` of the file; `first_id`,
    `last_id` and `last_entry_hash` of what verified; `erased` entries among them, and
    how many of these are `unaccounted`: they name an erasure past the end of the export;
    `complete`: it has a trailer; `warnings` of what an export that is ok cannot show;
    `not_judged`: what the trailer holds and nothing checked. Raises OSError if the stream
    cannot be read.
    """
    state = Verification()
    line = b""
    try:
        while line := stream.readline(MAX_LINE + 1):
            state.take(line)
            if progress and state.line % 1000 == 0:
                progress(state.line)
        if not state.complete:
            raise Fault(INCOMPLETE)
    except Fault as fault:
        # Where an export starts only its first line tells; if that says nothing, the next.
        nameless = fault.id is None and state.last_id is None and not state.complete
        if nameless and line.endswith(b"\n") and fault.reason != NOT_NDJSON:
            fault.id = id_before(stream)
        return state.verdict(fault)
    return state.verdict(None)


# --- The program ----------------------------------------------------------------------


class Progress:
    """Tells on stderr how far it is: in place on a terminal, else every ten seconds."""

    def __init__(self, unit: str) -> None:
        self.unit = unit
        self.terminal = sys.stderr.isatty()
        self.said = time.monotonic()

    def __call__(self, count: int) -> None:
        now = time.monotonic()
        if now - self.said >= (0.5 if self.terminal else 10):
            self.said = now
            begin, end = ("\r", "") if self.terminal else ("", "\n")
            print(f"{begin}{count} {self.unit}", end=end, file=sys.stderr, flush=True)

    def done(self) -> None:
        if self.terminal:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def report(verdict: dict[str, Any]) -> str:
    """The verdict for people."""
    ids = f", {verdict['first_id']} to {verdict['last_id']}" if verdict["entries"] else ""
    lines = ["Verified" if verdict["ok"] else "NOT VERIFIED"]
    if verdict["unaccounted"]:
        lines[0] += " as far as the export goes"
    if not verdict["ok"]:
        bad = verdict["first_bad_id"]
        where = f"line {verdict['line']}" + (f", entry {bad}" if bad else "")
        lines[0] += f": {verdict['reason']} ({where})"
    erased = f"; {verdict['erased']} of them with erased details" if verdict["erased"] else ""
    lines.append(f"{verdict['entries']} entries{ids}{erased}")
    lines.append(f"entry_hash of the last: {verdict['last_entry_hash']}")
    lines += [f"warning: {warning}" for warning in verdict["warnings"]]
    if verdict["not_judged"]:
        lines.append(f"not judged: {', '.join(verdict['not_judged'])}")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", help="the export, or - for standard input")
    parser.add_argument("--json", action="store_true", help="the verdict as JSON")
    options = parser.parse_args(arguments)
    progress = Progress("lines read")
    try:
        if options.file == "-":
            verdict = verify(sys.stdin.buffer, progress)
        else:
            with open(options.file, "rb") as stream:
                verdict = verify(stream, progress)
    except OSError as error:
        print(f"Cannot read {options.file!a}: {error.strerror}", file=sys.stderr)
        return 1
    finally:
        progress.done()
    if verdict["reason"] == NOT_NDJSON:
        print(f"Cannot verify {options.file!a}: {NOT_NDJSON}", file=sys.stderr)
        return 1
    print(json.dumps(verdict) if options.json else report(verdict))
    return exit_code(verdict)


def exit_code(verdict: dict[str, Any]) -> int:
    """0, 4 or 5, as the verdict is."""
    if not verdict["ok"]:
        return 4
    return 5 if verdict["unaccounted"] else 0


if __name__ == "__main__":
    try:
        code = main()
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = 1
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)
