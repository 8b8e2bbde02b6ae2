"""Runs every verb against a running stack, as a library and as a command line:

    python3 clients/python/tests/live.py http://127.0.0.1:8080

Exit code 0 if every answer was as expected, 1 otherwise. The stack must have a signing key.
It writes to the log: two revisions of a model version and some events a run.
"""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from context import PROJECT

import verify_export
from ai_governance import (
    Client,
    GovernanceError,
    verify_consistency,
    verify_inclusion,
    verify_vsa,
)

PAYLOAD = {
    "model_class": "vision",
    "use_case": "general",
    "risk": {
        "data_sensitivity": 1,
        "model_complexity": 1,
        "deployment_impact": 1,
        "monitoring_maturity": 3,
    },
}
# What travels badly if somebody is careless.
DETAILS = {"text": '\x0b\x7f é 😀 \\" \u2028', "numbers": [1e20, 1e21, 5e-7, 0.1, -0.0, 2**53 - 1]}


def expect(found: Any, expected: Any) -> None:
    if found != expected:
        raise AssertionError(f"expected {expected!r}, found {found!r}")


def fails(call: Callable[[], Any], status: int, code: str) -> GovernanceError:
    try:
        call()
    except GovernanceError as error:
        expect((error.status, error.code), (status, code))
        return error
    raise AssertionError(f"expected {code}, and nothing failed")


class Live:
    """The steps, in order; each is a method whose docstring is its title."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.client = Client(url)
        self.folder = folder
        self.model_id = f"org/live%{uuid.uuid4().hex[:8]}"
        self.request_id = f"live-{uuid.uuid4().hex[:8]}"

    def status(self) -> None:
        """Everything is ready"""
        found = self.client.status()
        expect((found["ready"], len(found["services"])), (True, 3))

    def register(self) -> None:
        """A model version is registered twice and read back"""
        first = self.client.register(self.model_id, "1.0", "live", artifacts=["sha256:aa"])
        second = self.client.register(
            self.model_id,
            "1.0",
            "live",
            artifacts=["sha256:aa"],
            parents=[{"dataset": "d"}],
            metadata=DETAILS,
            request_id=self.request_id,
        )
        expect((first["revision"], second["revision"]), (1, 2))
        expect(self.client.lineage(self.model_id), [second, first])
        expect(self.client.lineage(self.model_id, limit=1, before=second["id"]), [first])
        expect(self.client.lineage(self.model_id, at=first["created_at"]), [first])
        expect(self.client.lineage("unknown " + self.model_id), [])
        expect(self.client.models(limit=1), [second])
        entry = self.client.event(second["audit"]["id"])
        expect((entry["event_type"], entry["request_id"]), ("lineage.registered", self.request_id))

    def conflict(self) -> None:
        """Other artifacts for the same version are refused"""
        fails(lambda: self.client.register(self.model_id, "1.0", "live"), 409, "artifacts_conflict")

    def validate(self) -> None:
        """A decision is made, and what is left out counts at its worst"""
        expect(self.client.validate(PAYLOAD)["allowed"], True)
        expect(self.client.validate({**PAYLOAD, "risk": {}})["allowed"], False)
        expect(self.client.policies()["digest"], self.client.validate(PAYLOAD)["policy"]["digest"])

    def gate(self) -> None:
        """A decision is recorded in the same call, once a key, and others can verify it"""
        sha = "c0" * 32
        payload = {**PAYLOAD, "artifacts": [f"sha256:{sha}"], "notes": DETAILS}
        key = uuid.uuid4().hex
        first = self.client.gate(payload, self.model_id, record="full", idempotency_key=key)
        expect((first["allowed"], first["audit"]["event_type"]), (True, "gate.decided"))
        again = self.client.gate(payload, self.model_id, record="full", idempotency_key=key)
        expect(again, first)
        other = lambda: self.client.gate(PAYLOAD, self.model_id, idempotency_key=key)  # noqa: E731
        fails(other, 409, "idempotency_conflict")
        expect(self.client.gate({}, self.model_id, proof=True)["allowed"], False)
        envelope = self.client.vsa(first["audit"]["id"])
        summary = verify_vsa(envelope, self.client.checkpoint_key())
        expect(summary and summary["subject"][0]["digest"], {"sha256": sha})

    def log(self) -> None:
        """Events are logged, found by filters and walked by pages"""
        subject = f"{self.model_id} +&?#"
        written = [self.client.log("live.step", subject, n % 2 == 0, DETAILS) for n in range(5)]
        found = self.client.events(subject=subject, decision=True, from_=written[0]["created_at"])
        expect([entry["id"] for entry in found], [written[n]["id"] for n in (4, 2, 0)])
        walked = list(self.client.iterate_events(subject=subject, limit=2))
        expect(walked, written[::-1])
        expect(
            walked[0]["details"], {**DETAILS, "numbers": [10**20, 1e21, 5e-7, 0.1, 0, 2**53 - 1]}
        )

    def batch(self) -> None:
        """A batch is logged once for its key"""
        event = {"event_type": "live.batch", "subject": self.model_id, "decision": True}
        events = [{**event, "details": {"n": n, **DETAILS}} for n in range(3)]
        key = f"live-{uuid.uuid4().hex}"
        written = self.client.log_batch(events, idempotency_key=key)
        expect(self.client.log_batch(events, idempotency_key=key), written)
        other = [events[2], *events[:2]]
        fails(
            lambda: self.client.log_batch(other, idempotency_key=key), 409, "idempotency_conflict"
        )
        expect(len(self.client.events(subject=self.model_id, event_type="live.batch")), 3)

    def erase(self) -> None:
        """Details are held, released and erased"""
        client = self.client
        id = client.log("live.erased", self.model_id, True, DETAILS)["id"]
        hold = client.hold("live", first_id=id, last_id=id)
        expect(client.holds(limit=1), [hold])
        fails(lambda: client.erase(id, "live", "GDPR Art. 17"), 409, "legal_hold")
        expect(client.release(hold["id"], "it is over")["id"], hold["id"])
        fails(lambda: client.release(hold["id"], "again"), 409, "already_released")
        erased = client.erase(id, "live", "GDPR Art. 17")
        expect((erased["count"], client.event(id)["erased_by"]), (1, erased["audit"]["id"]))
        old, event_type = [], f"live.old.{uuid.uuid4().hex[:8]}"
        for n in range(3):
            old.append(client.log(event_type, self.model_id, True, {"n": n}))
        before = old[2]["created_at"]
        found = client.retention(before, "live", "storage limitation", event_type=event_type)
        expect((found["count"], found["skipped_held"]), (2, 0))
        details = [client.event(entry["id"])["details"] for entry in old]
        expect(details, [None, None, {"n": 2}])

    def checkpoint(self) -> None:
        """What is logged is proven under a checkpoint, which continues an older one"""
        key = self.client.checkpoint_key()
        pinned = Client(self.url, audit_key=key)
        older = pinned.checkpoint()
        entry = pinned.log("live.proven", self.model_id, True, DETAILS, proof=True)
        proof = pinned.inclusion_proof(entry["id"])
        for one in (entry["proof"], proof):
            expect(verify_inclusion(one, entry["entry_hash"], key), True)
        size = int(older.split("\n")[1])
        continued = pinned.consistency_proof(size)
        expect(verify_consistency(continued, older, key), True)
        hashes = [base64.b64encode(bytes(32)).decode() for _ in continued["hashes"]]
        expect(verify_consistency({**continued, "hashes": hashes}, older, key), False)

    def refusals(self) -> None:
        """Refusals say what is wrong"""
        client = self.client
        fails(lambda: client.log("audit.forged", "s", True), 403, "event_type_reserved")
        fails(lambda: client.event(2**52), 404, "not_found")
        wrong: Any = "yes"
        error = fails(lambda: client.log("e", "s", wrong), 400, "invalid_request")
        expect([item["path"] for item in error.errors], ["decision"])
        fails(lambda: client.events(limit="ten"), 400, "invalid_request")
        fails(lambda: client.log("e", "s", True, {"n": 2**53}), 400, "invalid_json")

    def verify(self) -> None:
        """The services find themselves in order"""
        found = self.client.verify()
        expect(
            (found["ok"], found["audit"]["reason"], found["lineage"]["reason"]), (True, None, None)
        )

    def export(self) -> None:
        """An export and a range of it verify offline, and one flipped bit does not"""
        with self.client.export() as chunks:
            whole = b"".join(chunks)
        key, kept = self.client.checkpoint_key(), [self.client.checkpoint()]
        verdict = verify_export.verify(io.BytesIO(whole), key=key, earlier=kept)
        expect((verdict["result"], verdict["reason"]), ("verified", None))
        last = verdict["last_id"]
        with self.client.export(from_id=last - 2, to_id=last - 1) as chunks:
            part = verify_export.verify(io.BytesIO(b"".join(chunks)), key=key)
        expect((part["result"], part["entries"], part["last_id"]), ("verified", 2, last - 1))
        at = whole.index(b'"live.step"') + 1
        flipped = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
        verdict = verify_export.verify(io.BytesIO(flipped))
        expect(verdict["reason"], "entry_hash does not match the content")
        for fmt in ("json", "csv"):
            with self.client.export(fmt, from_id=last) as chunks:
                expect(len(b"".join(chunks)) > 0, True)

    def command_line(self) -> None:
        """The command line does the same, with its exit codes"""
        self.run("status")
        registered = {"model_id": self.model_id, "version": "2.0", "created_by": "live"}
        self.run("register", "-", stdin=json.dumps(registered))
        self.run("validate", "-", stdin=json.dumps(PAYLOAD))
        self.run("validate", "-", stdin="{}", code=3)
        self.decide()
        self.run("log", "--event-type", "live.cli", "--subject", "s", "--decision", "false")
        self.run("log", "--event-type", "gate.x", "--subject", "s", "--decision", "true", code=7)
        self.run("export", "--out", "export.ndjson")
        (self.folder / "key").write_text(self.client.checkpoint_key() + "\n")
        (self.folder / "kept").write_text(self.client.checkpoint())
        self.run("verify", "export.ndjson", code=8)
        self.run("verify", "export.ndjson", "--key", "key", "--checkpoint", "kept")
        self.run("verify")
        altered = (self.folder / "export.ndjson").read_bytes().replace(b'"live.cli"', b'"live.clj"')
        (self.folder / "altered.ndjson").write_bytes(altered)
        self.run("verify", "altered.ndjson", code=4)
        self.run("status", "--url", "http://127.0.0.1:1", code=6)

    def decide(self) -> None:
        (self.folder / "key").write_text(self.client.checkpoint_key() + "\n")
        artifact = f"sha256:{'c1' * 32}"
        for payload, code in ((PAYLOAD, 0), ({}, 3)):
            name = f"receipt-{code}.json"
            gate = ("gate", "-", "--subject", self.model_id, "--proof", "--out", name)
            named = json.dumps({**payload, "artifacts": [artifact]})
            self.run(*gate, stdin=named, code=code)
            entry = json.loads((self.folder / name).read_text())["audit"]["id"]
            vsa = ("vsa", str(entry), "--key", "key", "--artifact")
            self.run(*vsa, artifact, code=code)
            self.run(*vsa, f"sha256:{'c2' * 32}", code=4)

    def run(self, *arguments: str, stdin: str = "", code: int = 0) -> None:
        result = subprocess.run(
            [sys.executable, "-m", "ai_governance", *arguments],
            cwd=self.folder,
            env={**os.environ, "AIGOV_URL": self.url, "PYTHONPATH": str(PROJECT)},
            input=stdin.encode("utf-8"),
            capture_output=True,
        )
        if result.returncode != code:
            raise AssertionError(f"{arguments} ended with {result.returncode}: {result.stderr!r}")


def main() -> int:
    if len(sys.argv) != 2:
        print("Usage: python3 clients/python/tests/live.py http://127.0.0.1:8080", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        live = Live(sys.argv[1], Path(folder))
        steps = [
            live.status,
            live.register,
            live.conflict,
            live.validate,
            live.gate,
            live.log,
            live.batch,
            live.erase,
            live.checkpoint,
            live.refusals,
            live.verify,
            live.export,
            live.command_line,
        ]
        for step in steps:
            try:
                step()
            except (AssertionError, GovernanceError) as error:
                print(f"{step.__doc__} ... FAILED: {error}")
                return 1
            print(f"{step.__doc__} ... ok")
    return 0


if __name__ == "__main__":
    sys.exit(main())
