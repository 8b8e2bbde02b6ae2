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

Exit code: 0 verified, 4 not verified, 1 cannot be read, 2 wrong usage.
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
FOUND = ("count", "first_id", "last_id", "last_entry_hash")
NOT_JUDGED = ("checkpoint", "verifier_key")
TRAILER = {"trailer", *FOUND, *NOT_JUDGED}
ERASER = "audit.details_erased"
# What is attested about models and about the log itself is never erased.
NEVER_ERASED = ("lineage.", "policy.", "audit.")

SURROGATE = "a text holds half of a surrogate pair"
MISSING = "the entry is missing"
UNACCOUNTED = "details are missing and no erasure accounts for it"
NOT_CANONICAL = "details are not canonical JSON"
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
    return int(token) if abs(number) <= SAFE_INTEGER else number


def read_number(token: str) -> float:
    number = float(token)
    if number in (float("inf"), float("-inf")):
        raise Fault("a number is out of range")
    return number


def refuse_constant(token: str) -> None:
    raise Fault("NaN and Infinity are not JSON")


def read_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Fault("an object holds a name twice")
    return members


read_json = json.JSONDecoder(
    object_pairs_hook=read_object,
    parse_float=read_number,
    parse_int=read_integer,
    parse_constant=refuse_constant,
).decode
quote = json.JSONEncoder(ensure_ascii=False).encode


def canonical(value: Any, depth: int = 1) -> str:
    """RFC 8785. Raises Fault for what cannot be text in the log."""
    if isinstance(value, str):
        if "\0" in value:
            raise Fault("a text holds U+0000")
        return quote(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return canonical_number(value)
    if depth > MAX_DEPTH:
        raise Fault(f"details are nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, list):
        return "[" + ",".join([canonical(item, depth + 1) for item in value]) + "]"
    names = sorted(value, key=utf16)
    members = [canonical(name) + ":" + canonical(value[name], depth + 1) for name in names]
    return "{" + ",".join(members) + "}"


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

CLAIM = re.compile(rb'\{"id":([1-9][0-9]{0,15}),')


def read_line(line: bytes) -> tuple[dict[str, Any], str]:
    """The object on a line, and the line as text."""
    if len(line) > MAX_LINE:
        raise Fault(f"a line is longer than {MAX_LINE} bytes")
    if too_many_values(line):
        raise Fault(f"a line holds more than {MAX_VALUES} values")
    try:
        text = line.decode("utf-8")
        members = read_json(text)
    except RecursionError:
        raise Fault("a line is nested too deeply") from None
    except ValueError:
        cut = not line.endswith(b"\n")
        raise Fault(INCOMPLETE if cut else "a line is not JSON in UTF-8") from None
    if not isinstance(members, dict):
        raise Fault("a line is not a JSON object")
    return members, text


def claimed_id(line: bytes) -> int | None:
    """The id that a line begins with, though the rest of it may not be readable."""
    claim = CLAIM.match(line)
    return int(claim[1]) if claim else None


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


def is_hash(value: Any) -> bool:
    return isinstance(value, str) and HASH.match(value) is not None


def microseconds(text: Any) -> int:
    """RFC 3339 in UTC with six decimals, as microseconds since the Unix epoch."""
    try:
        if isinstance(text, str) and TIME.match(text):
            since = datetime.fromisoformat(text[:-1]) - EPOCH
            return since // timedelta(microseconds=1)
    except ValueError:
        pass
    raise Fault("created_at is not a time in UTC with six decimals")


def check_shape(entry: dict[str, Any]) -> None:
    erased = entry.keys() == ERASED_ENTRY
    if not erased and entry.keys() != ENTRY:
        raise Fault("an entry does not have exactly the members of the format")
    if erased and not (entry["erased"] is True and is_id(entry["erased_by"])):
        raise Fault("erased and erased_by do not say which entry erased the details")
    if erased and not (entry["details"] is None and entry["details_salt"] is None):
        raise Fault("an erased entry holds details or their salt")
    texts = [entry["event_type"], entry["subject"]]
    texts += [entry[n] for n in ("actor", "request_id") if entry[n] is not None]
    if not all(isinstance(text, str) for text in texts):
        raise Fault("event_type, subject, actor or request_id is not a text")
    if not isinstance(entry["decision"], bool):
        raise Fault("decision is not true or false")
    if not all(is_hash(entry[n]) for n in ("details_hash", "prev_hash", "entry_hash")):
        raise Fault("a hash is not 64 lower-case hex digits")


def check_details(entry: dict[str, Any], line: str) -> None:
    details, salt = entry["details"], entry["details_salt"]
    if details is None or salt is None:
        raise Fault(UNACCOUNTED)
    if not isinstance(salt, str) or not SALT.match(salt):
        raise Fault("details_salt is not 32 lower-case hex digits")
    if not isinstance(details, dict):
        raise Fault(NOT_CANONICAL)
    text = canonical(details)
    # Byte for byte. Inside of a text every quote is escaped, so what this finds is a name,
    # and the first of its kind: if not of the entry, then of something inside of details,
    # which is shorter than the whole.
    if not line.startswith('"details":' + text, line.find('"details":')):
        raise Fault(NOT_CANONICAL)
    hashed = hashlib.sha256(bytes.fromhex(salt) + text.encode("utf-8")).hexdigest()
    if hashed != entry["details_hash"]:
        raise Fault("details do not match details_hash")


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

    def erased(self, entry: dict[str, Any]) -> None:
        id, eraser = entry["id"], entry["erased_by"]
        if eraser <= id or entry["event_type"].startswith(NEVER_ERASED):
            raise Fault(UNACCOUNTED)
        count, lowest, _ = self.open.get(eraser, (0, id, id))
        self.open[eraser] = (count + 1, lowest, id)
        self.total += 1
        if len(self.open) > MAX_OPEN_ERASURES:
            raise Fault(f"more than {MAX_OPEN_ERASURES} erasures are open at once")

    def intact(self, entry: dict[str, Any], first_id: int) -> None:
        """An entry with details: does it erase, and what it should?"""
        id, details = entry["id"], entry["details"]
        count, lowest, highest = self.open.pop(id, (0, id, id))
        if entry["event_type"] != ERASER:
            if count:
                raise Fault(UNACCOUNTED, lowest)
            return
        begin, end, said = (details.get(n) for n in ("first_id", "last_id", "count"))
        if not (is_id(begin) and is_id(end) and type(said) is int and end < id):
            raise Fault("an erasure does not say what it erased")
        if count and (lowest < begin or highest > end):
            raise Fault(UNACCOUNTED, lowest if lowest < begin else highest)
        if count > said or (count < said and begin >= first_id):
            raise Fault("an erasure does not count the entries that name it")
        if begin < first_id:
            self.unchecked += 1

    def warnings(self) -> Iterator[str]:
        if self.total:
            yield f"the details of {self.total} entries have been erased"
        if self.unchecked:
            yield (
                f"{self.unchecked} erasures reach back before this export; whether they "
                "count right shows in an export from entry 1"
            )
        if self.open:
            entries = sum(count for count, _, _ in self.open.values())
            yield (
                f"{entries} erased entries name erasures past the end of this export; "
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
        self.erasures = Erasures()

    def take(self, line: bytes) -> None:
        """The next line. Raises Fault, naming the entry that is bad or missing here."""
        self.line += 1
        if not line.strip(b" \t\r\n"):
            return
        id = claimed_id(line) if self.last_id is None else self.last_id + 1
        try:
            if self.complete:
                raise Fault("something follows the trailer")
            members, text = read_line(line)
            if "trailer" in members:
                self.complete = True
                self.take_trailer(members)
                return
            if not is_id(members.get("id")):
                raise Fault("id is not a position in the log")
            if self.last_id is not None and members["id"] != id:
                raise Fault(MISSING)
            id = members["id"]
            self.take_entry(members, text)
        except (UnicodeEncodeError, Fault) as error:
            fault = error if isinstance(error, Fault) else Fault(SURROGATE)
            if fault.id is None and not self.complete and fault.reason != INCOMPLETE:
                fault.id = id
            raise fault from None

    def take_entry(self, entry: dict[str, Any], text: str) -> None:
        check_shape(entry)
        first_id = self.first_id or entry["id"]
        first = self.first_id is None
        prev_hash = entry["prev_hash"] if first and first_id > 1 else self.last_hash
        if entry["prev_hash"] != prev_hash:
            raise Fault("prev_hash is not the entry_hash of the entry before")
        created_at = microseconds(entry["created_at"])
        if self.last_time is not None and created_at < self.last_time:
            raise Fault("created_at is earlier than that of the entry before")
        erased = "erased" in entry
        if erased:
            self.erasures.erased(entry)
        else:
            check_details(entry, text)
        if entry_hash(entry, created_at) != entry["entry_hash"]:
            raise Fault("entry_hash does not match the content")
        if not erased:
            self.erasures.intact(entry, first_id)
        self.entries += 1
        self.first_id, self.last_id = first_id, entry["id"]
        self.last_hash, self.last_time = entry["entry_hash"], created_at

    def take_trailer(self, trailer: dict[str, Any]) -> None:
        if trailer.keys() != TRAILER or trailer["trailer"] is not True:
            raise Fault("the trailer does not have the members that it must have")
        said = [trailer[name] for name in FOUND]
        found = [self.entries, self.first_id, self.last_id, self.last_hash]
        # 1 == 1.0 == True in Python, and not in JSON.
        if said != found or any(type(a) is not type(b) for a, b in zip(said, found)):
            raise Fault("the trailer does not say what the entries are")
        if not all(isinstance(trailer[n], (str, type(None))) for n in NOT_JUDGED):
            raise Fault("checkpoint or verifier_key is not a text or null")

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
            "complete": self.complete,
            "warnings": list(self.warnings()),
            "not_judged": list(NOT_JUDGED),
        }


def verify(stream: BinaryIO, progress: Callable[[int], None] | None = None) -> dict[str, Any]:
    """The verdict on an export, for `--json` as it is.

    `ok`; `entries` that verified; `first_bad_id` and `reason` (null where ok; the id is
    null too where no entry can be named) and the `line` of the file; `first_id`,
    `last_id` and `last_entry_hash` of what verified; `erased` entries among them;
    `complete`: it has a trailer; `warnings`; `not_judged`. Raises OSError if the stream
    cannot be read.
    """
    state = Verification()
    try:
        while line := stream.readline(MAX_LINE + 1):
            state.take(line)
            if progress and state.line % 1000 == 0:
                progress(state.line)
        if not state.complete:
            raise Fault(INCOMPLETE)
    except Fault as fault:
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
    if not verdict["ok"]:
        bad = verdict["first_bad_id"]
        where = f"line {verdict['line']}" + (f", entry {bad}" if bad else "")
        lines[0] += f": {verdict['reason']} ({where})"
    lines.append(f"entries in order: {verdict['entries']}{ids}")
    lines.append(f"entry_hash of the last: {verdict['last_entry_hash']}")
    lines += [f"warning: {warning}" for warning in verdict["warnings"]]
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
    print(json.dumps(verdict) if options.json else report(verdict))
    return 0 if verdict["ok"] else 4


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
