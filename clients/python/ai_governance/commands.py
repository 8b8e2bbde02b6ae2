"""What each command of aigov-py does: asks, shows, and says how it went."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

import verify_export
from ai_governance.client import Client
from ai_governance.errors import GovernanceError
from ai_governance.text import UsageError, parse_object, printable, read_object

# How the command line ends. Scripts match on these.
OK = 0
FAILED = 1
USAGE = 2
DENIED = 3
NOT_VERIFIED = 4
UNREACHABLE = 6
REFUSED = 7
INTERRUPTED = 130


def show(options: argparse.Namespace, value: Any, lines: list[str]) -> None:
    """The result on standard output: one line of JSON with --json, else lines for people."""
    text = json.dumps(value) if options.json else "\n".join(printable(line) for line in lines)
    print(text, flush=True)


def status(client: Client, options: argparse.Namespace) -> int:
    found = client.status()
    lines = []
    for name, state in {"mcp-gateway": found["gateway"], **found["services"]}.items():
        missing = "" if state["ready"] else f"NOT READY: {'; '.join(state['missing'])}"
        lines.append(f"{name:14} {missing or 'ready'}")
    policy = found["policy"]
    if policy:
        lines.append(f"policies       {policy['name']} {policy['version']}, {policy['digest']}")
    show(options, found, lines)
    return OK if found["ready"] else REFUSED


def members_of(options: argparse.Namespace, **given: Any) -> dict[str, Any]:
    """The members of a file, and over them those of the command line."""
    members = read_object(options.file) if options.file else {}
    return {**members, **{name: value for name, value in given.items() if value is not None}}


def require(members: dict[str, Any], *names: str) -> None:
    for name in names:
        if name not in members:
            option = "--" + name.replace("_", "-")
            raise UsageError(f"Nothing says the {name}: give {option}, or a file that holds it.")


def only(members: dict[str, Any], *names: str) -> None:
    unknown = sorted(set(members) - set(names))
    if unknown:
        raise UsageError(f"{unknown[0]} is not a member of this request.")


def register(client: Client, options: argparse.Namespace) -> int:
    members = members_of(
        options,
        model_id=options.model_id,
        version=options.version,
        created_by=options.created_by,
        artifacts=options.artifact,
        metadata=read_object(options.metadata) if options.metadata else None,
        aibom=read_object(options.aibom) if options.aibom else None,
    )
    needed = ("model_id", "version", "created_by")
    require(members, *needed)
    only(members, *needed, "artifacts", "parents", "metadata", "aibom")
    record = client.register(**members, idempotency_key=options.idempotency_key)
    lines = [
        f"Registered {record['model_id']}@{record['version']}, revision {record['revision']}",
        f"record_hash {record['record_hash']}",
        f"log entry {record['audit']['id']}, entry_hash {record['audit']['entry_hash']}",
    ]
    show(options, record, lines)
    return OK


def log(client: Client, options: argparse.Namespace) -> int:
    text = options.details
    is_json = text is not None and text.lstrip().startswith("{")
    details = parse_object(text, "--details") if is_json else text and read_object(text)
    members = members_of(
        options,
        event_type=options.event_type,
        subject=options.subject,
        decision=None if options.decision is None else options.decision == "true",
        details=details,
    )
    needed = ("event_type", "subject", "decision")
    require(members, *needed)
    only(members, *needed, "details")
    entry = client.log(**members, idempotency_key=options.idempotency_key)
    lines = [f"Entry {entry['id']} at {entry['created_at']}", f"entry_hash {entry['entry_hash']}"]
    show(options, entry, lines)
    return OK


@contextlib.contextmanager
def written_whole(path: str, force: bool) -> Iterator[BinaryIO]:
    """A file that is there under its name only once everything has been written."""
    if os.path.lexists(path) and not force:
        raise there_already(path)
    folder, name = os.path.split(path)
    # Named before it is there: whatever ends this, and whenever, it can be removed.
    part = os.path.join(folder, f".{name}.{secrets.token_hex(8)}.part")
    try:
        with open(part, "xb", opener=for_the_owner_alone) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if not force:
            reserve(path)
        os.replace(part, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(part)
        raise


def for_the_owner_alone(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def reserve(path: str) -> None:
    """Takes a name that nobody has: a file may have come there meanwhile."""
    try:
        open(path, "xb").close()
    except FileExistsError:
        raise there_already(path) from None


def there_already(path: str) -> UsageError:
    return UsageError(f"{path} is there already: choose another name, or --force.")


def export(client: Client, options: argparse.Namespace) -> int:
    with client.export(options.format, from_id=options.from_id, to_id=options.to_id) as chunks:
        if options.out == "-":
            size = copy_export(chunks, sys.stdout.buffer, options.format)
            sys.stdout.flush()
        else:
            with written_whole(options.out, options.force) as file:
                size = copy_export(chunks, file, options.format)
            show(options, {"file": options.out, "bytes": size}, [f"{options.out}: {size} bytes"])
    return OK


# A trailer holds a note of 64 KiB at most, which is longer in JSON, and few hashes.
MAX_TRAILER = 512 * 1024


def copy_export(chunks: Iterator[bytes], file: BinaryIO, fmt: str) -> int:
    """Copies, and counts the bytes. Raises `export_incomplete` for NDJSON without trailer."""
    size, last = 0, b""
    progress = verify_export.Progress("bytes read")
    for chunk in chunks:
        file.write(chunk)
        size += len(chunk)
        last = (last + chunk)[-MAX_TRAILER:]
        progress(size)
    progress.done()
    if fmt == "ndjson" and not is_trailer(last.rstrip(b"\n").rpartition(b"\n")[2]):
        detail = "the export broke off: its last line is not the trailer"
        raise GovernanceError(200, "export_incomplete", None, detail)
    return size


def is_trailer(line: bytes) -> bool:
    try:
        value = json.loads(line)
    except ValueError:
        return False
    return isinstance(value, dict) and value.get("trailer") is True


def verify(client: Client, options: argparse.Namespace) -> int:
    if options.file is None:
        return self_check(client, options)
    progress = verify_export.Progress("lines read")
    try:
        given = verify_export.read_options(options)
        if options.file == "-":
            verdict = verify_export.verify(sys.stdin.buffer, progress, **given)
        else:
            with open(options.file, "rb") as stream:
                verdict = verify_export.verify(stream, progress, **given)
    except verify_export.WrongUsage as error:
        raise UsageError(f"{error}.") from None
    except OSError as error:
        raise UsageError(f"{options.file} cannot be read: {error.strerror}.") from None
    finally:
        progress.done()
    show(options, verdict, verify_export.report(verdict).split("\n"))
    return verify_export.EXIT_CODES[verdict["result"]]


def self_check(client: Client, options: argparse.Namespace) -> int:
    if options.key or options.checkpoint or options.require_witness:
        raise UsageError("Name the export to verify, or - for standard input.")
    found = client.verify()
    lines = [
        f"{name} {'ok' if part['ok'] else 'NOT VERIFIED'}: {part['checked']} checked"
        + ("" if part["ok"] else f"; {part['first_bad_id']}: {part['reason']}")
        for name, part in (("log", found["audit"]), ("lineage", found["lineage"]))
    ]
    lines.append("The services checked themselves. To trust none of them, verify an export.")
    show(options, found, lines)
    return OK if found["ok"] else NOT_VERIFIED
