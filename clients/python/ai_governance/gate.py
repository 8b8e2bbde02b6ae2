"""The gate: decides and records in one call, and vouches for it to others."""

from __future__ import annotations

import hashlib
import json
from typing import Any
from urllib.parse import quote

from ai_governance.audit import AuditCalls
from ai_governance.calls import new_key, segment, target_of
from ai_governance.expected import is_decision, is_entry_of, is_same
from ai_governance.proofs import is_proven, read_verifier_key
from verify_export import Fault, VerifierKey, canonical, is_signed, read_base64, read_members

IN_TOTO = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
SUMMARY = "https://slsa.dev/verification_summary/v1"
MAX_SIGNATURES = 20
# What encodeURIComponent of ECMAScript leaves as it is, beside letters, digits and "-._~".
URI_SAFE = "!*'()"


class GateCalls(AuditCalls):
    """Calls of the gate. See `Client`."""

    def gate(
        self,
        payload: dict[str, Any],
        subject: str,
        *,
        record: str = "digest",
        proof: bool = False,
        request_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> dict[str, Any]:
        """Decides on a payload and records the decision: `{ allowed, decision, audit }`.

        That it is denied is an answer; where it cannot be recorded, GovernanceError
        `not_recorded`, or one whose `outcome_unknown` is true. Under the same key the decision
        that was recorded first is the answer. `record="full"` keeps the payload too.
        With `proof`, `audit` has its proof as the entry of `log` does.
        """
        body = {"payload": payload, "subject": subject, "record": record}

        def fits(found: Any) -> bool:
            return is_answer_of(found, body) and (
                not proof or is_proven(found["audit"], self._audit_key)
            )

        path = target_of("/api/v1/gate", proof=proof or None)
        key = new_key() if idempotency_key is None else idempotency_key
        what = "the recorded decision on this payload" + (" with its proof" if proof else "")
        return self._post(path, body, request_id, fits, what, key=key)

    def vsa(self, id: int) -> dict[str, Any]:
        """A decision of the gate as a SLSA Verification Summary, in a signed envelope (DSSE).

        `verify_vsa` reads it. With `audit_key` it is one that this key signed, or
        `invalid_answer`. GovernanceError `not_found` for other entries, `no_subject` where the
        payload named no artifact by its digest.
        """

        def fits(found: Any) -> bool:
            return self._audit_key is None or summary_in(found, self._audit_key) is not None

        path = f"/mcp-audit/events/{segment(id)}/vsa"
        return self._get_proof(path, fits, "a summary of this decision")


def verify_vsa(envelope: Any, key: str) -> dict[str, Any] | None:
    """The summary in an envelope, an in-toto statement, if the log of this verifier key signed it.

    None if it did not, or if the summary names another verifier. The envelope may come from
    anybody. Whether the artifact in question is among its subjects, and its result is
    `PASSED`, is for the caller to look at. Raises GovernanceError `invalid_argument` for a key
    that cannot be read.
    """
    return summary_in(envelope, read_verifier_key(key))


def is_answer_of(answer: Any, question: dict[str, Any]) -> bool:
    """Whether this is a decision on exactly this payload, and the entry that records it."""
    if not isinstance(answer, dict) or not isinstance(answer.get("audit"), dict):
        return False
    decision, details = answer.get("decision"), answer["audit"].get("details")
    if not is_decision(decision) or not isinstance(details, dict):
        return False
    payload = json.loads(json.dumps(question["payload"]))
    digest = hashlib.sha256(canonical(payload).encode()).hexdigest()
    event = {
        "event_type": "gate.decided",
        "subject": question["subject"],
        "decision": decision["allowed"],
        "details": details,
    }
    return (
        answer.get("allowed") is decision["allowed"]
        and decision.get("input_digest") == f"sha256:{digest}"
        and is_entry_of(answer["audit"], event)
        and details.get("record") == question["record"]
        and is_same(details.get("decision"), decision)
        and (question["record"] != "full" or is_same(details.get("payload"), payload))
    )


def summary_in(envelope: Any, key: VerifierKey) -> dict[str, Any] | None:
    payload = signed_payload(envelope, key)
    if payload is None:
        return None
    try:
        statement, _ = read_members(payload.decode())
    except (ValueError, Fault):
        return None
    return statement if is_summary(statement, key.name) else None


def signed_payload(envelope: Any, key: VerifierKey) -> bytes | None:
    if not isinstance(envelope, dict) or envelope.get("payloadType") != IN_TOTO:
        return None
    signatures = envelope.get("signatures")
    if not isinstance(signatures, list) or len(signatures) > MAX_SIGNATURES:
        return None
    try:
        payload = read_base64(envelope["payload"])
    except (KeyError, TypeError, ValueError):
        return None
    given = [sig for one in signatures if (sig := read_signature(one)) is not None]
    # https://github.com/secure-systems-lab/dsse/blob/master/protocol.md
    message = f"DSSEv1 {len(IN_TOTO)} {IN_TOTO} {len(payload)} ".encode() + payload
    return payload if any(is_signed(key.public_key, message, sig) for sig in given) else None


def read_signature(one: Any) -> bytes | None:
    """None for what cannot be read: somebody else's says nothing against the log's."""
    try:
        return read_base64(one["sig"])
    except (KeyError, TypeError, ValueError):
        return None


def is_summary(statement: Any, origin: str) -> bool:
    if not isinstance(statement, dict) or statement.get("_type") != STATEMENT:
        return False
    subject, predicate = statement.get("subject"), statement.get("predicate")
    return (
        statement.get("predicateType") == SUMMARY
        and isinstance(predicate, dict)
        and isinstance(predicate.get("verifier"), dict)
        and predicate["verifier"].get("id")
        == f"urn:ai-governance:log:{quote(origin, safe=URI_SAFE)}"
        and predicate.get("verificationResult") in ("PASSED", "FAILED")
        and isinstance(predicate.get("policy"), dict)
        and isinstance(predicate.get("verifiedLevels"), list)
        and isinstance(predicate.get("urn:ai-governance:entry"), dict)
        and type(predicate["urn:ai-governance:entry"].get("id")) is int
        and isinstance(subject, list)
        and len(subject) > 0
        and all(isinstance(one, dict) and isinstance(one.get("digest"), dict) for one in subject)
    )
