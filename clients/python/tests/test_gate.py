"""The gate, and the summaries that the log signs of its decisions."""

import hashlib
import json
import unittest

import context  # noqa: F401
import exports
from client_case import ClientTest
from server import answer

from ai_governance import Client, GovernanceError, verify_vsa

VECTORS = exports.vectors("vsa.json")
SIGNED = VECTORS["cases"][0]["envelope"]
PAYLOAD = {"b": 1.5, "a": "é"}
DIGEST = hashlib.sha256('{"a":"é","b":1.5}'.encode()).hexdigest()
DECISION = {"allowed": True, "reasons": [], "input_digest": f"sha256:{DIGEST}"}
DENIED = {**DECISION, "allowed": False, "reasons": ["no"]}


def entry(decision=DECISION, **changes):
    return {
        "id": 7,
        "event_type": "gate.decided",
        "subject": "s",
        "decision": decision["allowed"],
        "details": {"record": "digest", "decision": decision, "artifacts": []},
        "entry_hash": "ab" * 32,
        **changes,
    }


def found(decision=DECISION, **changes):
    whole = {"allowed": decision["allowed"], "decision": decision, "audit": entry(decision)}
    return {**whole, **changes}


class Gate(ClientTest):
    def test_decides_and_records_under_a_key(self):
        for decision in (DECISION, DENIED):
            client = self.serve(answer(200, found(decision)))
            self.assertEqual(client.gate(PAYLOAD, "s"), found(decision))
            seen = self.server.seen[0]
            self.assertEqual(seen.target, "/api/v1/gate")
            sent = {"payload": PAYLOAD, "subject": "s", "record": "digest"}
            self.assertEqual(json.loads(seen.body), sent)
            self.assertTrue(seen.headers["Idempotency-Key"])

    def test_takes_a_key_and_asks_for_the_payload_to_be_kept_and_for_a_proof(self):
        details = {"record": "full", "decision": DECISION, "payload": PAYLOAD}
        unproven = {"proof": None, "proof_error": {"code": "signer_refused", "detail": "d"}}
        full = found(audit=entry(details=details, **unproven))
        client = self.serve(answer(200, full))
        asked = client.gate(PAYLOAD, "s", record="full", proof=True, idempotency_key="k")
        self.assertEqual(asked, full)
        seen = self.server.seen[0]
        self.assertEqual(seen.target, "/api/v1/gate?proof=true")
        self.assertEqual(seen.headers["Idempotency-Key"], "k")

    def test_takes_for_a_decision_only_what_is_on_record(self):
        for wrong in (
            found(allowed=False),
            found(allowed="true"),
            found(audit=entry(DENIED)),
            found(audit=entry(decision=DECISION, subject="x")),
            found(audit=entry(decision=DECISION, event_type="x")),
            found(audit=entry(decision=DECISION, details=None)),
            found(audit=entry(decision=DECISION, entry_hash=None)),
            found({**DECISION, "input_digest": "sha256:" + "0" * 64}),
            found({**DECISION, "reasons": ["no"]}),
            {"allowed": True},
            [],
        ):
            client = self.serve(answer(200, wrong))
            error = self.fails(lambda c=client: c.gate(PAYLOAD, "s"), "invalid_answer")
            self.assertTrue(error.outcome_unknown)

    def test_what_could_not_be_recorded_is_asked_again_and_then_an_error(self):
        problem = {"code": "not_recorded", "detail": "d", "status": 503}
        client = self.serve(answer(503, problem), answer(200, found()))
        self.assertEqual(client.gate(PAYLOAD, "s"), found())
        client = self.serve(answer(503, problem), retries=0)
        self.fails(lambda: client.gate(PAYLOAD, "s"), "not_recorded")


class Summaries(ClientTest):
    def test_a_summary_is_asked_for_by_the_id_of_the_entry(self):
        client = self.serve(answer(200, SIGNED))
        self.assertEqual(client.vsa(7), SIGNED)
        self.assertEqual(self.server.seen[0].target, "/mcp-audit/events/7/vsa")

    def test_with_a_key_it_must_be_signed_by_it(self):
        self.serve(answer(200, SIGNED))
        self.assertEqual(Client(self.server.url, audit_key=VECTORS["key"]).vsa(7), SIGNED)
        changed = {**SIGNED, "signatures": []}
        self.serve(answer(200, changed))
        client = Client(self.server.url, audit_key=VECTORS["key"])
        self.fails(lambda: client.vsa(7), "invalid_answer")


class Vectors(unittest.TestCase):
    def test_envelopes_are_verified_as_the_vectors_say(self):
        for case in VECTORS["cases"]:
            with self.subTest(case["name"]):
                summary = verify_vsa(case["envelope"], VECTORS["key"])
                self.assertEqual(summary is not None, case["verified"])

    def test_what_was_signed_is_given(self):
        self.assertEqual(verify_vsa(SIGNED, VECTORS["key"]), json.loads(VECTORS["statement"]))

    def test_a_key_that_cannot_be_read_is_told(self):
        with self.assertRaises(GovernanceError):
            verify_vsa(SIGNED, "no key")


if __name__ == "__main__":
    unittest.main()
