#!/usr/bin/env python3
"""Verify an NDJSON export of the audit log. Python 3.9 or later, nothing else.

    python3 verify_export.py export.ndjson --key 'example.com/audit+…+…'
    cat export.ndjson | python3 verify_export.py -

Every hash is computed anew from what the export says, after docs/FORMATS.md:

    details_hash = SHA256( salt || JCS(details) )
    event_hash   = SHA256( JCS({actor, decision, details_hash, event_type, request_id,
                                subject, "v": 1}) )
    entry_hash   = SHA256( 0x02 || prev_hash || u64 id || i64 created_at || event_hash )
    leaf         = SHA256( 0x00 || entry_hash )      node = SHA256( 0x01 || left || right )

JCS is RFC 8785, the tree is that of RFC 6962. The last line of an export may hold a
checkpoint: size and root of the tree, signed with Ed25519 (RFC 8032).

What an export cannot show by itself is shown by what you got elsewhere: the log's verifier
key (--key), checkpoints that you kept (--checkpoint), the verifier keys of witnesses who
must have seen the same log (--require-witness). Without a key anybody could have written,
hashed and signed the whole of it.

The file is read once, line by line, and holds in memory one line and the erasures that
are still to be accounted for. It may come from anybody: whatever it holds, there is a
verdict.

Exit code: 0 verified; 4 not verified; 5 verified as far as the export goes; 8 consistent,
and no key pinned or nothing signed; 9 unusable: no NDJSON, or it broke off; 1 cannot be
read; 2 wrong usage.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import re
import struct
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, BinaryIO, Callable, NamedTuple

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
TRAILER = {"trailer", "count", "first_id", "last_id", "last_entry_hash", "checkpoint"}
TRAILER |= {"verifier_key"}
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
UNUSABLE = (NOT_NDJSON, INCOMPLETE)


class Fault(Exception):
    """Why the export does not verify. `id` is the first bad entry, if it is known."""

    def __init__(self, reason: str, id: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.id = id


class WrongUsage(ValueError):
    """What a person gave does not fit: nothing is verified."""


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
WHITE_SPACE = re.compile(r"[ \t\r\n]*")
# A name as it nearly always is, with nothing to unescape, and the colon behind it.
PLAIN_NAME = re.compile(r'[ \t\r\n]*"([^"\\\x00-\x1f]*)"[ \t\r\n]*:[ \t\r\n]*')


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
        plain = PLAIN_NAME.match(text, at)
        name, start = (plain[1], plain.end()) if plain else read_name(text, at)
        value, at = read_value(text, start)
        if name in members:
            raise Fault("an object holds a name twice")
        members[name], texts[name] = value, text[start:at]
        mark = text[at : at + 1]
        if mark != "," and mark != "}":
            at = skip_space(text, at)
            mark = text[at : at + 1]
        at += 1
    if mark != "}" or skip_space(text, at) < len(text):
        raise ValueError("the object does not end, or something follows it")
    if SUSPECT.search(text) or text.count("{") + text.count("[") > MAX_DEPTH:
        # The object itself is one level more.
        check_value(members, MAX_DEPTH + 1)
    return members, texts


def read_name(text: str, at: int) -> tuple[str, int]:
    """The name of a member, and where its value begins. ValueError if there is none."""
    name, at = read_value(text, skip_space(text, at))
    at = skip_space(text, at)
    if not isinstance(name, str) or text[at : at + 1] != ":":
        raise ValueError("a name is missing")
    return name, skip_space(text, at + 1)


quote = json.JSONEncoder(ensure_ascii=False).encode
spell = json.JSONEncoder(
    ensure_ascii=False, check_circular=False, sort_keys=True, separators=(",", ":")
).encode
# The encoder of Python is fast. It differs from RFC 8785 in numbers that it writes with an
# exponent or with .0, and in the order of names with characters from U+E000 on.
UNSURE = re.compile(r"[0-9](?:\.0|e[+-][0-9]+)(?:[],}]|\Z)|[\ue000-\U0010ffff]")


def canonical(value: Any) -> str:
    """RFC 8785, of a value as `read_members` gives it."""
    spelled = spell(value)
    return canonical_slowly(value) if UNSURE.search(spelled) else spelled


def canonical_slowly(value: Any) -> str:
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
        return "[" + ",".join([canonical_slowly(item) for item in value]) + "]"
    names = sorted(value, key=utf16)
    members = [f"{quote(name)}:{canonical_slowly(value[name])}" for name in names]
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


# --- The tree: RFC 6962, 2.1 ----------------------------------------------------------


def leaf_hash(entry_hash: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry_hash).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """The tree over the entries from the first on.

    Kept are the roots of its complete subtrees alone, largest first: as many as `size`
    has binary ones.
    """

    def __init__(self) -> None:
        self.size = 0
        self.subtrees: list[bytes] = []

    def append(self, entry_hash: bytes) -> None:
        node, size = leaf_hash(entry_hash), self.size
        # Each binary one at the end is a subtree as large as the one that is complete now.
        while size & 1:
            node = node_hash(self.subtrees.pop(), node)
            size >>= 1
        self.subtrees.append(node)
        self.size += 1

    def root(self) -> bytes:
        if not self.subtrees:
            return hashlib.sha256(b"").digest()
        root = self.subtrees[-1]
        for subtree in reversed(self.subtrees[:-1]):
            root = node_hash(subtree, root)
        return root


def is_included(index: int, size: int, leaf: bytes, hashes: list[bytes], root: bytes) -> bool:
    """Whether the hashes prove that the leaf is in the tree: RFC 9162, 2.1.3.2.

    `node` and `last` are where the way up and the right edge are, level by level.
    """
    if not 0 <= index < size:
        return False
    node, last, found = index, size - 1, leaf
    for hash in hashes:
        if last == 0:
            return False
        if node & 1 or node == last:
            found = node_hash(hash, found)
            # At the right edge there are levels at which nothing is to the right.
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, hash)
        node, last = node >> 1, last >> 1
    return last == 0 and found == root


# --- Ed25519: RFC 8032, strictly ------------------------------------------------------

# The field, the order of the base point, and d of the curve -x^2 + y^2 = 1 + d x^2 y^2.
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_1 = pow(2, (P - 1) // 4, P)
# The eight points of small order have these y: one signature would fit many messages.
ORDER_8_Y = 2707385501144840649318225287225658788936804267575313519463743609750303402022
SMALL_ORDER_Y = (0, 1, P - 1, ORDER_8_Y, P - ORDER_8_Y)

# A point is (X, Y, Z, T) with x = X / Z, y = Y / Z and x y = T / Z: RFC 8032, 5.1.4.
Point = tuple[int, int, int, int]
NEUTRAL: Point = (0, 1, 1, 0)


def add_points(p: Point, q: Point) -> Point:
    a = (p[1] - p[0]) * (q[1] - q[0]) % P
    b = (p[1] + p[0]) * (q[1] + q[0]) % P
    c = 2 * D * p[3] * q[3] % P
    d = 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def multiply_point(number: int, point: Point) -> Point:
    product = NEUTRAL
    while number:
        if number & 1:
            product = add_points(product, point)
        point = add_points(point, point)
        number >>= 1
    return product


def write_point(point: Point) -> bytes:
    over_z = pow(point[2], P - 2, P)
    x, y = point[0] * over_z % P, point[1] * over_z % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def read_point(data: bytes) -> Point | None:
    """RFC 8032, 5.1.3. None if no point of the curve has this y."""
    number = int.from_bytes(data, "little")
    y, sign = number & ((1 << 255) - 1), number >> 255
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * ROOT_OF_MINUS_1 % P
    if x * x % P != square:
        return None
    x = P - x if x & 1 != sign else x
    return (x, y, 1, x * y % P)


def is_strict_point(data: bytes) -> bool:
    """Whether 32 bytes are canonical and not of small order."""
    y = int.from_bytes(data, "little") & ((1 << 255) - 1)
    return len(data) == 32 and y < P and y not in SMALL_ORDER_Y


BASE = read_point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def is_signed(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether this is the signature. Only that of the signer: S < L, no odd points."""
    encoded, s = signature[:32], int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or s >= L:
        return False
    if not is_strict_point(public_key) or not is_strict_point(encoded):
        return False
    key = read_point(public_key)
    if key is None or BASE is None:
        return False
    digest = hashlib.sha512(encoded + public_key + message).digest()
    challenge = int.from_bytes(digest, "little") % L
    # R = S B - h A. Computed so, R need not be a point before it is compared.
    minus_key = (P - key[0], key[1], 1, P - key[3])
    found = add_points(multiply_point(s, BASE), multiply_point(challenge, minus_key))
    return write_point(found) == encoded


# --- Signed notes and checkpoints: c2sp.org/signed-note, c2sp.org/tlog-checkpoint -----

MAX_NOTE = 64 * 1024
MAX_SIGNATURES = 100
DASH = "\u2014 "
# The types of a verifier key: what its owner signs.
LOG, WITNESS = 0x01, 0x04
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
SIZE = re.compile(r"(?:0|[1-9][0-9]{0,15})\Z")
KEY_ID = re.compile(r"[0-9a-f]{8}\Z")


class VerifierKey(NamedTuple):
    name: str
    type: int
    id: bytes
    public_key: bytes


class Note(NamedTuple):
    """A note that was read, and not verified: its text, and name and bytes of each signature."""

    text: str
    signatures: list[tuple[str, bytes]]


class Checkpoint(NamedTuple):
    origin: str
    size: int
    root: bytes
    note: Note


def read_base64(text: str) -> bytes:
    """The bytes. ValueError for any spelling but the canonical one, with padding."""
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode("ascii") != text:
        raise ValueError("base64 that is not canonical")
    return data


def is_name(text: str) -> bool:
    return bool(text) and "+" not in text and not any(c.isspace() for c in text)


def read_key(text: str, type: int) -> VerifierKey:
    """`<name>+<key id>+<base64>`. ValueError unless it is a verifier key of this type."""
    name, _, rest = text.partition("+")
    id, _, rest = rest.partition("+")
    data = read_base64(rest)
    if not is_name(name) or not KEY_ID.match(id):
        raise ValueError("a verifier key is <name>+<key id>+<key>")
    if len(data) != 33 or data[0] != type or not is_strict_point(data[1:]):
        raise ValueError(f"its key is not an Ed25519 key of type {type}")
    key_id = hashlib.sha256(name.encode("utf-8") + b"\n" + data).digest()[:4]
    if id != key_id.hex():
        raise ValueError("its key id is not that of name and key")
    return VerifierKey(name, type, key_id, data[1:])


def read_note(text: str) -> Note:
    """ValueError if it is none."""
    if len(text.encode("utf-8")) > MAX_NOTE:
        raise ValueError(f"a note is longer than {MAX_NOTE} bytes")
    parts = text.rsplit("\n\n", 1)
    if CONTROL.search(text) or not text.endswith("\n") or len(parts) != 2:
        raise ValueError("a note is a text, a blank line and signatures, in lines")
    lines = parts[1].split("\n")[:-1]
    if not 1 <= len(lines) <= MAX_SIGNATURES:
        raise ValueError(f"a note has 1 to {MAX_SIGNATURES} signatures")
    return Note(parts[0] + "\n", [read_signature(line) for line in lines])


def read_signature(line: str) -> tuple[str, bytes]:
    name, _, rest = line[len(DASH) :].partition(" ")
    data = read_base64(rest)
    if not line.startswith(DASH) or not is_name(name) or len(data) < 5:
        raise ValueError("a line of a note is not a signature")
    return name, data


def read_checkpoint(text: str) -> Checkpoint:
    """A note whose text is that of a checkpoint. ValueError if it is none."""
    note = read_note(text)
    lines = note.text.split("\n")[:-1]
    if len(lines) < 3 or not all([lines[0], *lines[3:]]) or not SIZE.match(lines[1]):
        raise ValueError("a checkpoint is an origin, a size and a root")
    size, root = int(lines[1]), read_base64(lines[2])
    if size > SAFE_INTEGER or len(root) != 32:
        raise ValueError("a checkpoint is an origin, a size and a root")
    return Checkpoint(lines[0], size, root, note)


def signs(key: VerifierKey, note: Note) -> bool:
    """Whether the note is signed by this key: the first line that claims it counts."""
    text = note.text.encode("utf-8")
    for name, data in note.signatures:
        if name == key.name and data[:4] == key.id:
            if key.type == LOG:
                return is_signed(key.public_key, text, data[4:])
            return is_cosigned(key.public_key, text, data[4:])
    return False


def is_cosigned(public_key: bytes, text: bytes, data: bytes) -> bool:
    """c2sp.org/tlog-cosignature, version 1: `data` is a time and a signature."""
    seconds = int.from_bytes(data[:8], "big")
    message = b"cosignature/v1\ntime %d\n%s" % (seconds, text)
    return seconds < 2**63 and is_signed(public_key, message, data[8:])


def split_notes(text: str) -> list[str]:
    """The notes of a file that holds one after another; each is still to be read.

    A note ends with its signatures; blank lines between notes belong to none.
    """
    notes: list[str] = []
    note, blank, signed = "", False, False
    for line in re.findall(r"[^\n]*\n|[^\n]+", text):
        if signed and not line.startswith(DASH):
            notes.append(note)
            note, blank, signed = "", False, False
        if line == "\n" and notes and not note:
            continue
        note += line
        signed = blank and line.startswith(DASH)
        blank = blank or line == "\n"
    return [*notes, note] if note else notes


class Given(NamedTuple):
    """What a person got elsewhere than from the export."""

    key: VerifierKey | None
    # By size.
    earlier: list[Checkpoint]
    witnesses: list[VerifierKey]


def read_given(key: str | None, earlier: Iterable[str], witnesses: Iterable[str]) -> Given:
    """Raises WrongUsage for what cannot be read, and for a checkpoint that the key did not sign."""

    def read(what: str, reader: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return reader(*arguments)
        except ValueError as error:
            raise WrongUsage(f"{what} cannot be read: {error}") from None

    pinned = None if key is None else read("the verifier key", read_key, key, LOG)
    checkpoints = [read("an earlier checkpoint", read_checkpoint, text) for text in earlier]
    for checkpoint in checkpoints:
        if pinned and (checkpoint.origin != pinned.name or not signs(pinned, checkpoint.note)):
            raise WrongUsage(
                f"the earlier checkpoint of size {checkpoint.size} is not signed by the key "
                f"of {pinned.name}"
            )
    required = [
        read("the verifier key of a witness", read_key, text, WITNESS) for text in witnesses
    ]
    return Given(pinned, sorted(checkpoints, key=lambda checkpoint: checkpoint.size), required)


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


def microseconds(text: str) -> int | None:
    """RFC 3339 in UTC with six decimals, as microseconds since the Unix epoch.

    None for every other form, and for a time that there is not in the years 1 to 9999.
    """
    try:
        if TIME.match(text):
            since = datetime.fromisoformat(text[:-1]) - EPOCH
            return since // timedelta(microseconds=1)
    except ValueError:
        pass
    return None


def is_text(value: Any) -> bool:
    return isinstance(value, str)


def is_text_or_null(value: Any) -> bool:
    return value is None or isinstance(value, str)


def is_object_or_null(value: Any) -> bool:
    return value is None or isinstance(value, dict)


def is_salt_or_null(value: Any) -> bool:
    return value is None or (isinstance(value, str) and SALT.match(value) is not None)


def is_hash(value: Any) -> bool:
    return isinstance(value, str) and HASH.match(value) is not None


def is_hash_list(value: Any) -> bool:
    """Hashes as proofs have them: in base64."""
    try:
        return isinstance(value, list) and all(len(read_base64(item)) == 32 for item in value)
    except (TypeError, ValueError):
        return False


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
    "created_at": TEXT,
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
        # Entries that name one of these, which counts more than name it.
        self.among_others = 0
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
        if named < count:
            # Any of these may be one that it did not erase.
            self.among_others += named

    def unaccounted(self) -> int:
        """Erased entries of which this export does not show that an erasure took them."""
        return self.among_others + self.awaiting()

    def awaiting(self) -> int:
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
                f"{self.awaiting()} erased entries name erasures past the end of this export; "
                f"whether they account for it shows in an export up to {max(self.open)}"
            )


# --- The export -----------------------------------------------------------------------


class Verification:
    """The state of one pass: what was verified so far."""

    def __init__(self, given: Given) -> None:
        self.given = given
        self.entries = 0
        self.line = 0
        self.first_id: int | None = None
        self.last_id: int | None = None
        self.last_hash = ZERO_HASH
        self.last_time: int | None = None
        self.erasures = Erasures()
        self.tree = Tree()
        # The roots at the sizes of earlier checkpoints, as far as the export goes.
        self.sizes = {checkpoint.size for checkpoint in given.earlier}
        self.roots = {0: self.tree.root()}
        self.trailer: dict[str, Any] | None = None
        self.trailer_line = 0
        self.checkpoint: Checkpoint | None = None
        self.unjudged = 0

    @property
    def from_the_start(self) -> bool:
        """Whether it holds the log from its beginning, though maybe nothing of it."""
        return self.first_id in (None, 1)

    def take(self, line: bytes) -> None:
        """The next line. Raises Fault, naming the entry that is bad or missing here."""
        self.line += 1
        if is_blank(line) and not is_too_long(line):
            return
        id = claimed_id(line) if self.last_id is None else self.last_id + 1
        try:
            if self.trailer is not None:
                raise Fault("something follows the trailer")
            # How an export in JSON or CSV begins.
            if self.last_id is None and line.startswith((b"[", b"id,")):
                raise Fault(NOT_NDJSON)
            members, texts = read_line(line)
            if "trailer" in members:
                self.trailer, self.trailer_line = members, self.line
                self.take_trailer(members)
                return
            said = members.get("id")
            if is_id(said):
                if self.last_id is not None and said != id:
                    raise Fault(MISSING)
                id = said
            self.take_entry(members, texts)
        except Fault as fault:
            if fault.id is None and self.trailer is None and fault.reason != INCOMPLETE:
                fault.id = id
            raise

    def take_entry(self, entry: dict[str, Any], texts: dict[str, str]) -> None:
        check_shape(entry)
        created_at = microseconds(entry["created_at"])
        if created_at is None:
            raise Fault("created_at is not a time in UTC with six decimals")
        first = self.first_id is None
        # The first entry of the log has nothing before it, and no other has.
        if first and entry["id"] > 1 and entry["prev_hash"] == ZERO_HASH:
            raise Fault(MISSING, 1)
        prev_hash = entry["prev_hash"] if first and entry["id"] > 1 else self.last_hash
        if entry["prev_hash"] != prev_hash:
            raise Fault("prev_hash is not the entry_hash of the entry before")
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
        if self.first_id == 1:
            self.tree.append(bytes.fromhex(self.last_hash))
            if self.last_id in self.sizes:
                self.roots[self.last_id] = self.tree.root()

    def take_trailer(self, trailer: dict[str, Any]) -> None:
        known = trailer.keys() in (TRAILER, TRAILER | {"inclusion"})
        if not known or trailer["trailer"] is not True:
            raise Fault("the trailer does not have the members that it must have")
        for name in ("checkpoint", "verifier_key"):
            if not is_text_or_null(trailer[name]):
                raise Fault(f"{name} of the trailer is not a text or null")
        if "inclusion" in trailer and not is_hash_list(trailer["inclusion"]):
            raise Fault("inclusion of the trailer is not a list of hashes in base64")
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

    def finish(self) -> None:
        """Nothing follows any more. Judges what vouches for the entries. Raises Fault."""
        if self.trailer is None:
            raise Fault(INCOMPLETE)
        self.line = self.trailer_line
        note = self.trailer["checkpoint"]
        unreadable = ""
        try:
            self.checkpoint = None if note is None else read_checkpoint(note)
        except ValueError as error:
            unreadable = f"checkpoint of the trailer cannot be read: {error}"
        self.judge_earlier()
        if unreadable:
            raise Fault(unreadable)
        self.judge_checkpoint(self.checkpoint, self.trailer)
        self.judge_signers(self.checkpoint)

    def judge_earlier(self) -> None:
        """Whether the entries are those of the checkpoints that a person kept."""
        last = self.last_id or 0
        end: float = last if self.from_the_start else float("inf")
        if self.checkpoint:
            end = self.checkpoint.size
        for earlier in self.given.earlier:
            if self.from_the_start and earlier.size <= last:
                of = f"the earlier checkpoint of size {earlier.size}"
                self.hold_root(earlier, self.roots[earlier.size], of)
            elif earlier.size > end:
                said = f"an earlier checkpoint has {earlier.size} entries"
                raise Fault(f"entries are missing at the end: {said}", last + 1)
            else:
                self.unjudged += 1

    def hold_root(self, checkpoint: Checkpoint, root: bytes, of: str) -> None:
        """Holds the root of the entries against that of a checkpoint of their size."""
        if root == checkpoint.root:
            return
        right = 0
        for earlier in self.given.earlier:
            if earlier.size < checkpoint.size and self.roots.get(earlier.size) == earlier.root:
                right = earlier.size
        raise Fault(f"the root of the entries is not that of {of}", right + 1)

    def judge_checkpoint(self, checkpoint: Checkpoint | None, trailer: dict[str, Any]) -> None:
        """The checkpoint of the trailer, by the key that comes with it."""
        inclusion = trailer.get("inclusion")
        if (checkpoint is None) != (trailer["verifier_key"] is None):
            raise Fault("of checkpoint and verifier_key of the trailer one is missing")
        if checkpoint is None:
            if inclusion is not None:
                raise Fault("the trailer has an inclusion and no checkpoint")
            return
        try:
            key = read_key(trailer["verifier_key"], LOG)
        except ValueError as error:
            raise Fault(f"verifier_key of the trailer cannot be read: {error}") from None
        if checkpoint.origin != key.name:
            raise Fault("the origin of the checkpoint is not the name of its verifier_key")
        if not signs(key, checkpoint.note):
            raise Fault("the checkpoint is not signed by its verifier_key")
        last = self.last_id or 0
        if checkpoint.size < last:
            raise Fault("the checkpoint ends before the entries")
        is_whole = self.from_the_start and checkpoint.size == last
        if inclusion is None and checkpoint.size == last > 0 and not is_whole:
            # Only the whole log goes without one: whoever wrote this trailer was asked for entry 1.
            missing = "the first entries are missing"
            raise Fault(f"{missing}: the trailer is that of the whole log", 1)
        if (inclusion is None) != (is_whole or last == 0):
            raise Fault("the inclusion of the last entry is missing, or is not wanted")
        if is_whole:
            self.hold_root(checkpoint, self.tree.root(), "the checkpoint")
        elif inclusion is not None:
            hashes = [read_base64(hash) for hash in inclusion]
            leaf = leaf_hash(bytes.fromhex(self.last_hash))
            if not is_included(last - 1, checkpoint.size, leaf, hashes, checkpoint.root):
                raise Fault("the inclusion does not prove that the checkpoint holds the last entry")

    def judge_signers(self, checkpoint: Checkpoint | None) -> None:
        """Those whom a person named: the log by its key, and witnesses."""
        key, witnesses = self.given.key, self.given.witnesses
        if checkpoint is None:
            if key or witnesses:
                raise Fault("nothing is signed, and a signature is required")
            return
        if key and (checkpoint.origin != key.name or not signs(key, checkpoint.note)):
            raise Fault("the checkpoint is not signed by the pinned key")
        for witness in witnesses:
            if not signs(witness, checkpoint.note):
                raise Fault(f"a required witness did not cosign the checkpoint: {witness.name!a}")

    def warnings(self) -> Iterator[str]:
        yield from self.erasures.warnings()
        if self.unjudged:
            yield (
                f"{self.unjudged} earlier checkpoints could not be judged: that takes an "
                "export from entry 1 to their size"
            )
        if self.first_id is None and self.checkpoint and self.checkpoint.size > 0:
            yield f"the export has no entries, and the log has {self.checkpoint.size}"
        if self.first_id not in (None, 1) and self.checkpoint is None:
            yield (
                f"the export starts at entry {self.first_id}: somebody must vouch for "
                f"its prev_hash, the entry_hash of entry {self.first_id - 1}"
            )

    def verdict(self, fault: Fault | None) -> dict[str, Any]:
        known = self.checkpoint if fault is None else None
        signature = "none"
        if known:
            signature = "pinned" if self.given.key else "not_pinned"
        witnesses = [] if fault else [key.name for key in self.given.witnesses]
        root = None if fault or not self.from_the_start else self.tree.root().hex()
        nothing_right = fault is not None and self.last_id is None
        return {
            "ok": fault is None,
            "result": self.result(fault),
            "entries": self.entries,
            "first_bad_id": fault.id if fault else None,
            "reason": fault.reason if fault else None,
            "line": self.line if fault else None,
            "first_id": self.first_id,
            "last_id": self.last_id,
            "last_entry_hash": None if nothing_right else self.last_hash,
            "erased": self.erasures.total,
            "unaccounted": 0 if fault else self.erasures.unaccounted(),
            "complete": self.trailer is not None,
            "warnings": [] if fault else list(self.warnings()),
            "origin": known.origin if known else None,
            "size": known.size if known else None,
            "root": root,
            "signature": signature,
            "unjudged": 0 if fault else self.unjudged,
            "witnesses": witnesses,
        }

    def result(self, fault: Fault | None) -> str:
        if fault:
            return "unusable" if fault.reason in UNUSABLE else "not_verified"
        if self.erasures.unaccounted() or self.unjudged:
            return "in_part"
        return "verified" if self.given.key else "not_pinned"


def verify(
    stream: BinaryIO,
    progress: Callable[[int], None] | None = None,
    *,
    key: str | None = None,
    earlier: Iterable[str] = (),
    witnesses: Iterable[str] = (),
) -> dict[str, Any]:
    """The verdict on an export, for `--json` as it is.

    `key` is the verifier key of the log, `earlier` are notes that were kept, `witnesses`
    verifier keys of those who must have cosigned. Raises WrongUsage for what of these
    cannot be read, or was not signed by the key, and OSError if the stream cannot be read.

    `ok`, and `result`: "verified", "not_verified", "in_part", "not_pinned" or "unusable";
    `entries` that verified; `first_bad_id` and `reason` (null where ok; the id is null
    too where no entry can be named) and the `line` of the file; `first_id`, `last_id` and
    `last_entry_hash` of what verified; `erased` entries among them, and how many of these
    are `unaccounted`: it does not show that an erasure took them; `complete`: it has
    a trailer; `warnings` of what an export that is ok cannot show; `origin` and `size` of
    its checkpoint; `root` of the tree over its entries, where it starts with the log;
    `signature`: "pinned", "not_pinned" or "none"; how many earlier checkpoints are
    `unjudged`; the names of the required `witnesses`.
    """
    state = Verification(read_given(key, earlier, witnesses))
    line = b""
    try:
        while line := stream.readline(MAX_LINE + 1):
            state.take(line)
            if progress and state.line % 1000 == 0:
                progress(state.line)
        state.finish()
    except Fault as fault:
        # Where an export starts only its first line tells; if that says nothing, the next.
        nameless = fault.id is None and state.last_id is None and state.trailer is None
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


HEADLINES = {
    "verified": "Verified, and signed by the pinned key",
    "not_verified": "NOT VERIFIED",
    "in_part": "Verified as far as the export goes, which is not all",
    "not_pinned": "CONSISTENT, KEY NOT PINNED: without --key it could be anybody's log",
    "unusable": "UNUSABLE",
}
EXIT_CODES = {"verified": 0, "not_verified": 4, "in_part": 5, "not_pinned": 8, "unusable": 9}


def report(verdict: dict[str, Any]) -> str:
    """The verdict for people."""
    ids = f", {verdict['first_id']} to {verdict['last_id']}" if verdict["entries"] else ""
    lines = [HEADLINES[verdict["result"]]]
    if not verdict["ok"]:
        bad = verdict["first_bad_id"]
        where = f"line {verdict['line']}" + (f", entry {bad}" if bad else "")
        lines[0] += f": {verdict['reason']} ({where})"
    erased = f"; {verdict['erased']} of them with erased details" if verdict["erased"] else ""
    lines.append(f"{verdict['entries']} entries{ids}{erased}")
    if verdict["last_entry_hash"]:
        lines.append(f"entry_hash of the last: {verdict['last_entry_hash']}")
    if verdict["root"]:
        lines.append(f"root of the tree: {verdict['root']}")
    if verdict["ok"]:
        lines += signed_by(verdict)
    lines += [f"warning: {warning}" for warning in verdict["warnings"]]
    return "\n".join(lines)


def signed_by(verdict: dict[str, Any]) -> Iterator[str]:
    if verdict["signature"] == "none":
        yield "not signed"
        return
    whose = "the pinned key" if verdict["signature"] == "pinned" else "a key that nobody pinned"
    # ascii(): the name comes from the export, and may hold what a terminal acts on.
    yield f"checkpoint of {verdict['origin']!a}, {verdict['size']} entries, signed by {whose}"
    for name in verdict["witnesses"]:
        yield f"cosigned by {name!a}"


def add_options(parser: argparse.ArgumentParser) -> None:
    """What a person may give besides the export."""
    key = "the log's verifier key, which you got elsewhere: the key or a file that holds it"
    parser.add_argument("--key", help=key)
    checkpoint = "a file of checkpoints that you kept, one after another; may be repeated"
    parser.add_argument("--checkpoint", action="append", default=[], help=checkpoint)
    witness = "the verifier key of a witness who must have cosigned; may be repeated"
    parser.add_argument("--require-witness", action="append", default=[], help=witness)


def read_options(options: argparse.Namespace) -> dict[str, Any]:
    """The arguments of `verify` that the options stand for. Raises WrongUsage."""
    given: dict[str, Any] = {"key": None, "earlier": [], "witnesses": []}
    if options.key is not None:
        given["key"] = key_or_file("--key", options.key)
    for option in options.checkpoint:
        is_text = "\n" in option
        notes = split_notes(option if is_text else read_file("--checkpoint", option))
        if not notes:
            raise WrongUsage("--checkpoint: the file holds no checkpoint")
        given["earlier"] += notes
    for option in options.require_witness:
        given["witnesses"].append(key_or_file("--require-witness", option))
    read_given(**given)
    return given


def key_or_file(option: str, value: str) -> str:
    is_key = "+" in value and not os.path.exists(value)
    return value if is_key else read_file(option, value).strip()


def read_file(option: str, path: str) -> str:
    """The text of a small file, whose line ends count. Some editors put a mark in front."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            return file.read()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise WrongUsage(f"{option}: cannot read {path!a}: {why}") from None


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", help="the export, or - for standard input")
    add_options(parser)
    parser.add_argument("--json", action="store_true", help="the verdict as JSON")
    options = parser.parse_args(arguments)
    progress = Progress("lines read")
    try:
        given = read_options(options)
        if options.file == "-":
            verdict = verify(sys.stdin.buffer, progress, **given)
        else:
            with open(options.file, "rb") as stream:
                verdict = verify(stream, progress, **given)
    except WrongUsage as error:
        parser.error(str(error))
    except OSError as error:
        print(f"Cannot read {options.file!a}: {error.strerror}", file=sys.stderr)
        return 1
    finally:
        progress.done()
    print(json.dumps(verdict) if options.json else report(verdict))
    return EXIT_CODES[verdict["result"]]


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
