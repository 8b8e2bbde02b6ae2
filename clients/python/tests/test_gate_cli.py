"""aigov-py where it decides: validate, gate, and vsa, which shows to others what was decided."""

import copy
import hashlib
import json
import unittest

import exports
from cli_case import CliTest
from server import answer, hang_up, problem

DIGEST = f"sha256:{hashlib.sha256(b'{' + b'}').hexdigest()}"
DECISION = {
    "allowed": True,
    "reasons": [],
    "warnings": ["look twice"],
    "waived": ["a waiver counts"],
    "risk_score": 3,
    "risk_level": "low",
    "policy": {"name": "p", "version": "1", "digest": "sha256:00"},
    "aibom": {"status": "absent", "reason": "none was given"},
    "decision_id": "d",
    "evaluated_at": "2026-01-01T00:00:00Z",
    "input_digest": DIGEST,
}
DENIED = {**DECISION, "allowed": False, "reasons": ["too risky"]}
GATE = ("gate", "-", "--subject", "m@1")
VECTORS = exports.vectors("vsa.json")
KEY = VECTORS["key"]
SIGNED = VECTORS["cases"][0]["envelope"]
SHA = f"sha256:{'c0' * 32}"


def recorded(decision=DECISION, record="digest", **changes):
    details = {"record": record, "decision": decision, "artifacts": []}
    audit = {
        "id": 7,
        "event_type": "gate.decided",
        "subject": "m@1",
        "decision": decision["allowed"],
        "details": {**details, **({"payload": {}} if record == "full" else {})},
        "entry_hash": "ab" * 32,
        **changes,
    }
    return answer(200, {"allowed": decision["allowed"], "decision": decision, "audit": audit})


class Validate(CliTest):
    def test_exits_with_0_if_allowed_and_with_3_if_denied(self):
        self.serve(answer(200, DECISION))
        self.assertIn(b"ALLOWED", self.run_it("validate", "-", stdin=b'{"a":1}').stdout)
        self.assertEqual(self.sent(), {"payload": {"a": 1}})
        self.serve(answer(200, DENIED))
        denied = self.run_it("validate", "-", stdin=b'{"payload":{"a":1}}', code=3)
        self.assertIn(b"reason: too risky", denied.stdout)
        self.assertEqual(self.sent(), {"payload": {"a": 1}})

    def test_allows_on_nothing_but_true(self):
        for allowed in ("yes", "false", 1, None):
            self.serve(answer(200, {**DECISION, "allowed": allowed}))
            result = self.run_it("validate", "-", stdin=b"{}", code=7)
            self.assertEqual(result.stdout, b"")

    def test_puts_a_bill_of_materials_into_the_payload(self):
        self.serve(answer(200, DECISION))
        (self.folder / "bill.json").write_text('{"data":{}}')
        self.run_it("validate", "-", "--aibom", "bill.json", stdin=b'{"a":1}')
        self.assertEqual(self.sent(), {"payload": {"a": 1, "aibom": {"data": {}}}})
        self.run_it("validate", "-", "--aibom", "-", stdin=b'{"a":1}', code=2)


class Gate(CliTest):
    def test_exits_with_0_or_3_by_the_decision_and_shows_where_it_is_on_record(self):
        self.serve(recorded())
        said = self.run_it(*GATE, stdin=b"{}").stdout.decode()
        self.assertEqual(
            said.splitlines(),
            [
                "ALLOWED  risk score 3 (low)",
                "  warning: look twice",
                "  waived: a waiver counts",
                "policies p 1, sha256:00",
                "bill of materials: absent (none was given)",
                "decision d at 2026-01-01T00:00:00Z",
                f"log entry 7  {'ab' * 32}",
            ],
        )
        self.assertEqual(self.server.seen[0].target, "/api/v1/gate")
        self.assertEqual(self.sent(), {"payload": {}, "subject": "m@1", "record": "digest"})
        self.serve(recorded(DENIED))
        denied = json.loads(self.run_it(*GATE, "--json", stdin=b'{"payload":{}}', code=3).stdout)
        self.assertEqual((denied["allowed"], denied["audit"]["decision"]), (False, False))

    def test_asks_for_what_it_is_told(self):
        unproven = {"proof": None, "proof_error": {"code": "signer_refused", "detail": "d"}}
        self.serve(recorded(record="full", **unproven))
        options = ("--record", "full", "--proof", "--idempotency-key", "run-7")
        self.run_it(*GATE, *options, stdin=b"{}")
        seen = self.server.seen[0]
        self.assertEqual(seen.target, "/api/v1/gate?proof=true")
        self.assertEqual(seen.headers["Idempotency-Key"], "run-7")
        self.assertEqual(self.sent()["record"], "full")

    def test_writes_the_receipt_whole_and_asks_nothing_where_it_has_no_place(self):
        self.serve(recorded(DENIED))
        self.run_it(*GATE, "--out", "receipt.json", stdin=b"{}", code=3)
        kept = json.loads((self.folder / "receipt.json").read_text())
        self.assertEqual(kept["audit"]["id"], 7)
        self.serve(recorded())
        again = self.run_it(*GATE, "--out", "receipt.json", stdin=b"{}", code=2)
        self.assertIn(b"receipt.json is there already", again.stderr)
        self.run_it(*GATE, "--out", "no/receipt.json", stdin=b"{}", code=1)
        self.assertEqual(self.server.seen, [])
        self.run_it(*GATE, "--out", "receipt.json", "--force", stdin=b"{}")
        self.assertTrue(json.loads((self.folder / "receipt.json").read_text())["allowed"])

    def test_nothing_but_a_recorded_decision_exits_with_0(self):
        for script, code in (
            (recorded(subject="m@2"), 7),
            (recorded(id="7", event_type="model.gated"), 7),
            (answer(200, {"allowed": True}), 7),
            (problem(503, "signing_key_missing"), 7),
            (problem(409, "idempotency_conflict"), 7),
            (problem(403, "insufficient_scope"), 7),
            (hang_up, 6),
        ):
            self.serve(script)
            ended = self.run_it(*GATE, "--out", "receipt.json", stdin=b"{}", code=code)
            self.assertEqual(ended.stdout, b"")
            self.assertEqual(list(self.folder.iterdir()), [])

    def test_wrong_usage_exits_with_2_and_sends_nothing(self):
        self.serve(recorded())
        for arguments in (
            ("gate", "-"),
            ("gate", "--subject", "s"),
            (*GATE, "--record", "all"),
            (*GATE, "--idempotency-key", "a b"),
            (*GATE, "--aibom", "-"),
        ):
            with self.subTest(arguments):
                self.run_it(*arguments, stdin=b"{}", code=2)
        self.run_it(*GATE, stdin=b"[]", code=2)
        self.assertEqual(self.server.seen, [])


class Summaries(CliTest):
    def test_what_the_key_signed_exits_with_0_and_is_shown(self):
        self.serve(answer(200, SIGNED))
        (self.folder / "log.vkey").write_text(KEY + "\n")
        for key in (KEY, "log.vkey"):
            said = self.run_it("vsa", "7", "--key", key, "--artifact", SHA).stdout.decode()
            self.assertTrue(said.startswith("VERIFIED  PASSED  entry 7\n"))
            self.assertIn(f"  {SHA}\n", said)
        self.assertEqual(self.server.seen[0].target, "/mcp-audit/events/7/vsa")
        said = self.run_it("vsa", "7", "--key", KEY, "--json", "--out", "vsa.json").stdout
        self.assertEqual(
            json.loads(said), {"ok": True, "summary": json.loads(VECTORS["statement"])}
        )
        self.assertEqual(json.loads((self.folder / "vsa.json").read_text()), SIGNED)

    def test_the_vectors_exit_with_0_with_3_for_a_denial_and_with_4(self):
        codes = set()
        for case in VECTORS["cases"]:
            with self.subTest(case["name"]):
                self.serve(answer(200, case["envelope"]))
                passed = 3 if case["name"] == "of a denial" else 0
                code = passed if case["verified"] else 4
                said = self.run_it("vsa", "7", "--key", KEY, code=code).stdout
                self.assertTrue(said.startswith(b"VERIFIED" if case["verified"] else b"NOT V"))
                codes.add(code)
        self.assertEqual(codes, {0, 3, 4})

    def test_what_is_not_the_summary_that_was_asked_for_exits_with_4_and_is_not_kept(self):
        changed = copy.deepcopy(SIGNED)
        changed["signatures"] = []
        for script, arguments in (
            (changed, ("7",)),
            ([], ("7",)),
            (SIGNED, ("8",)),
            (SIGNED, ("7", "--artifact", f"sha256:{'c1' * 32}")),
            (SIGNED, ("7", "--artifact", f"sha384:{'c0' * 32}")),
        ):
            self.serve(answer(200, script))
            ended = self.run_it("vsa", *arguments, "--key", KEY, "--out", "vsa.json", code=4)
            self.assertTrue(ended.stdout.startswith(b"NOT VERIFIED"))
            self.assertEqual(list(self.folder.iterdir()), [])

    def test_a_decision_without_artifacts_has_none_which_is_told(self):
        self.serve(problem(409, "no_subject"))
        said = self.run_it("vsa", "7", "--key", KEY, code=7).stderr
        self.assertIn(b"name them in the payload", said)

    def test_wrong_usage_exits_with_2_and_sends_nothing(self):
        self.serve(answer(200, SIGNED))
        for arguments in (
            ("7",),
            ("0", "--key", KEY),
            ("seven", "--key", KEY),
            ("7", "--key", "no+key"),
            ("7", "--key", "missing"),
            ("7", "--key", KEY, "--artifact", "weights.bin"),
        ):
            with self.subTest(arguments):
                self.run_it("vsa", *arguments, code=2)
        self.assertEqual(self.server.seen, [])


if __name__ == "__main__":
    unittest.main()
