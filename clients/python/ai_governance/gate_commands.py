"""The commands of aigov-py that decide, and that show to others what was decided."""

from __future__ import annotations

import argparse
import json
from typing import Any

import verify_export
from ai_governance.client import Client
from ai_governance.commands import DENIED, NOT_VERIFIED, OK, show, written_whole
from ai_governance.gate import verify_vsa
from ai_governance.text import UsageError, read_object

ENTRY = "urn:ai-governance:entry"


def validate(client: Client, options: argparse.Namespace) -> int:
    decision = client.validate(payload_of(options))
    show(options, decision, decision_lines(decision))
    return OK if decision["allowed"] is True else DENIED


def gate(client: Client, options: argparse.Namespace) -> int:
    payload = payload_of(options)

    def ask() -> dict[str, Any]:
        answer = client.gate(
            payload,
            options.subject,
            record=options.record,
            proof=options.proof,
            idempotency_key=options.idempotency_key,
        )
        decision, audit = answer["decision"], answer["audit"]
        lines = [*decision_lines(decision), f"log entry {audit['id']}  {audit['entry_hash']}"]
        show(options, answer, lines)
        return answer

    if options.out is None:
        answer = ask()
    else:
        # The place first: a decision whose receipt finds no room would be on record all the same.
        with written_whole(options.out, options.force) as file:
            answer = ask()
            file.write(json.dumps(answer).encode() + b"\n")
    return OK if answer["allowed"] is True else DENIED


def vsa(client: Client, options: argparse.Namespace) -> int:
    try:
        key = verify_export.key_or_file("--key", options.key)
    except verify_export.WrongUsage as error:
        raise UsageError(f"{error}.") from None
    # Before anything is asked: a key that cannot be read is wrong usage.
    verify_vsa(None, key)
    envelope = client.vsa(options.id)
    summary = verify_vsa(envelope, key)
    reason = fault_of(summary, options.id, options.artifact)
    if summary is None or reason is not None:
        show(options, {"ok": False, "reason": reason}, [f"NOT VERIFIED  {reason}"])
        return NOT_VERIFIED
    if options.out is not None:
        with written_whole(options.out, options.force) as file:
            file.write(json.dumps(envelope).encode() + b"\n")
    show(options, {"ok": True, "summary": summary}, summary_lines(summary))
    return OK if summary["predicate"]["verificationResult"] == "PASSED" else DENIED


def payload_of(options: argparse.Namespace) -> dict[str, Any]:
    """The payload in a file, which may hold it as `POST /validate` takes it, with its bill."""
    if options.file == "-" and options.aibom == "-":
        raise UsageError('Standard input ("-") can be read once only.')
    payload = read_object(options.file)
    if list(payload) == ["payload"] and isinstance(payload["payload"], dict):
        payload = payload["payload"]
    if options.aibom:
        payload = {**payload, "aibom": read_object(options.aibom)}
    return payload


def decision_lines(decision: dict[str, Any]) -> list[str]:
    """A decision for people."""
    policy, aibom = decision["policy"], decision["aibom"]
    why = f" ({aibom['reason']})" if aibom["reason"] else ""
    verdict = "ALLOWED" if decision["allowed"] is True else "DENIED"
    return [
        f"{verdict}  risk score {decision['risk_score']} ({decision['risk_level']})",
        *(f"  reason: {text}" for text in decision["reasons"]),
        *(f"  warning: {text}" for text in decision["warnings"]),
        *(f"  waived: {text}" for text in decision["waived"]),
        f"policies {policy['name']} {policy['version']}, {policy['digest']}",
        f"bill of materials: {aibom['status']}{why}",
        f"decision {decision['decision_id']} at {decision['evaluated_at']}",
    ]


def fault_of(summary: dict[str, Any] | None, id: int, artifact: str | None) -> str | None:
    """Why a summary is not the one that was asked for, signed; None if it is."""
    if summary is None:
        return "the key did not sign this as a summary of its log"
    if summary["predicate"][ENTRY]["id"] != id:
        return "it is the summary of another entry"
    if artifact is None:
        return None
    algorithm, _, digest = artifact.partition(":")
    # As in-toto names it.
    name = algorithm.replace("-", "_")
    if any(one["digest"].get(name) == digest for one in summary["subject"]):
        return None
    return "the decision is not about this artifact"


def summary_lines(summary: dict[str, Any]) -> list[str]:
    predicate = summary["predicate"]
    return [
        f"VERIFIED  {predicate['verificationResult']}  entry {predicate[ENTRY]['id']}",
        *(
            f"  {one['name']}  {algorithm}:{digest}"
            for one in summary["subject"]
            for algorithm, digest in one["digest"].items()
        ),
        f"  policy {predicate['policy']['uri']}",
        f"  at {predicate['timeVerified']}",
        f"  by {predicate['verifier']['id']}",
    ]
