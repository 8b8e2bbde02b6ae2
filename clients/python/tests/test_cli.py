"""aigov-py as a process: exit codes, what goes where, and nothing that acts on a terminal."""

import json
import os
import signal
import subprocess
import sys
import unittest

import exports
from cli_case import CliTest
from context import PROJECT
from server import answer, cut_short, hang_up, made, problem

ENTRY = made(created_at="2026-01-01T00:00:00.000000Z")
LOG = ("log", "--event-type", "e", "--subject", "s", "--decision", "true")


class Commands(CliTest):
    def test_status_shows_each_service(self):
        directory = answer(200, {"services": ["mcp-audit"]})
        self.serve(directory, answer(200, {"ok": True}))
        self.assertIn(b"mcp-audit      ready", self.run_it("status").stdout)

    def test_status_of_a_stack_that_is_not_ready_exits_with_7(self):
        missing = {"code": "not_ready", "errors": [{"path": "database", "message": "is away"}]}
        self.serve(answer(200, {"services": []}), answer(503, missing))
        self.assertIn(b"NOT READY: database is away", self.run_it("status", code=7).stdout)

    def test_register_takes_a_file_and_over_it_what_the_command_line_says(self):
        self.serve(made())
        file = b'{"model_id":"m","version":"0","created_by":"ann","parents":[{"dataset":"d"}]}'
        arguments = ("register", "-", "--version", "1", "--artifact", "a", "--artifact", "b")
        result = self.run_it(*arguments, stdin=file)
        self.assertIn(b"Registered m@1, revision 1", result.stdout)
        body = {"model_id": "m", "version": "1", "created_by": "ann"}
        self.assertEqual(
            self.sent(), {**body, "parents": [{"dataset": "d"}], "artifacts": ["a", "b"]}
        )

    def test_log_takes_details_as_json_or_as_a_file(self):
        self.serve(ENTRY)
        (self.folder / "details.json").write_text('{"n":2}')
        self.run_it(*LOG, "--details", '{"n":1}')
        self.assertIn(b"Entry 7", self.run_it(*LOG, "--details", "details.json").stdout)
        self.assertEqual([self.sent(at)["details"] for at in (0, 1)], [{"n": 1}, {"n": 2}])

    def test_an_idempotency_key_is_sent_as_it_is_given(self):
        self.serve(ENTRY)
        self.run_it(*LOG, "--idempotency-key", "run-7")
        self.assertEqual(self.server.seen[0].headers["Idempotency-Key"], "run-7")
        self.serve(problem(409, "idempotency_conflict"))
        said = self.run_it(*LOG, "--idempotency-key", "run-7", code=7).stderr
        self.assertIn(b"choose another", said)
        self.run_it(*LOG, "--idempotency-key", "a b", code=2)

    def test_json_is_the_whole_answer_before_or_after_the_command(self):
        self.serve(ENTRY)
        for arguments in (("--json", *LOG), (*LOG, "--json")):
            found = json.loads(self.run_it(*arguments).stdout)
            self.assertEqual((found["id"], found["subject"], found["details"]), (7, "s", {}))


class Exports(CliTest):
    def setUp(self):
        super().setUp()
        self.export = exports.export_of(exports.make_chain(3))

    def test_an_export_is_written_and_verifies(self):
        self.serve(answer(200, self.export))
        self.run_it("export", "--out", "e.ndjson")
        self.assertEqual((self.folder / "e.ndjson").read_bytes(), self.export)
        self.assertIn(b"CONSISTENT", self.run_it("verify", "e.ndjson", code=8).stdout)
        self.assertEqual(self.run_it("export").stdout, self.export)

    def test_an_export_that_broke_off_exits_with_6_and_leaves_no_file(self):
        for script in (cut_short, answer(200, self.export[:-5])):
            self.serve(script)
            self.run_it("export", "--out", "e.ndjson", code=6)
            self.assertEqual(list(self.folder.iterdir()), [])

    def test_a_file_is_replaced_only_by_force(self):
        (self.folder / "e.ndjson").write_text("mine")
        self.serve(answer(200, self.export))
        self.run_it("export", "--out", "e.ndjson", code=2)
        self.assertEqual((self.folder / "e.ndjson").read_text(), "mine")
        self.run_it("export", "--out", "e.ndjson", "--force")
        self.assertEqual((self.folder / "e.ndjson").read_bytes(), self.export)

    def test_a_folder_that_is_not_there_exits_with_1(self):
        self.serve(answer(200, self.export))
        self.run_it("export", "--out", "no/e.ndjson", code=1)

    def test_an_altered_export_exits_with_4(self):
        altered = self.export.replace(b"fraud-detector@1.2", b"fraud-detector@9.2")
        result = self.run_it("verify", "-", "--json", stdin=altered, code=4)
        self.assertEqual(json.loads(result.stdout)["first_bad_id"], 2)

    def test_an_export_whose_missing_details_nothing_accounts_for_exits_with_5(self):
        chain = exports.make_chain(3, changes={2: exports.erased_by(9)})
        result = self.run_it("verify", "-", stdin=exports.export_of(chain), code=5)
        self.assertIn(b"Verified as far as the export goes", result.stdout)
        self.assertIn(b"warning: 1 erased entries", result.stdout)

    def test_an_export_in_another_format_exits_with_9_and_is_not_called_forged(self):
        for data in (b'[{"id":1}]', b"id,created_at\r\n1,x\r\n"):
            result = self.run_it("verify", "-", stdin=data, code=9)
            self.assertIn(b"ask for fmt=ndjson", result.stdout)
            self.assertNotIn(b"NOT VERIFIED", result.stdout)

    def test_a_signed_export_verifies_with_what_is_given(self):
        case = exports.export_vector("a witness, and an earlier checkpoint")
        given = case["options"]
        (self.folder / "kept").write_bytes("".join(given["earlier"]).encode("utf-8"))
        options = ("--key", given["key"], "--checkpoint", "kept")
        witness = ("--require-witness", given["witnesses"][0])
        export = exports.bytes_of(case)
        result = self.run_it("verify", "-", *options, *witness, stdin=export)
        self.assertIn(b"Verified, and signed by the pinned key\n", result.stdout)
        self.assertIn(b"cosigned by 'witness.example/w1'\n", result.stdout)
        self.run_it("verify", *options, code=2)
        self.run_it("verify", "-", "--key", "missing", stdin=export, code=2)

    def test_an_export_with_a_large_trailer_is_complete(self):
        note = exports.export_vector("one entry, signed by the pinned key")["text"]
        trailer = json.loads(note.splitlines()[-1])
        trailer["checkpoint"] += "\u2014 nobody.example " + "A" * 60_000 + "\n"
        export = note.splitlines(keepends=True)[0].encode() + exports.line_of(trailer)
        self.serve(answer(200, export))
        self.run_it("export", "--out", "e.ndjson")
        self.run_it("verify", "e.ndjson", "--key", trailer["verifier_key"])

    def test_a_file_that_came_meanwhile_is_not_replaced(self):
        def come(handler):
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(self.export)))
            handler.end_headers()
            handler.wfile.write(self.export[:100])
            # The command has looked, found nothing, and writes beside it.
            while not list(self.folder.iterdir()) and not self.server.over.is_set():
                pass
            (self.folder / "e.ndjson").write_text("mine")
            handler.wfile.write(self.export[100:])

        self.serve(come)
        self.run_it("export", "--out", "e.ndjson", code=2)
        self.assertEqual((self.folder / "e.ndjson").read_text(), "mine")
        self.assertEqual([path.name for path in self.folder.iterdir()], ["e.ndjson"])

    def test_an_export_that_is_terminated_leaves_no_file(self):
        def wait(handler):
            handler.send_response(200)
            handler.end_headers()
            handler.wfile.write(self.export[:100])
            self.server.over.wait(30)

        for number in (signal.SIGTERM, signal.SIGHUP):
            self.serve(wait)
            command = [sys.executable, "-m", "ai_governance", "export", "--out", "e.ndjson"]
            environment = {**os.environ, "PYTHONPATH": str(PROJECT), "AIGOV_URL": self.server.url}
            child = subprocess.Popen(command, cwd=self.folder, env=environment)
            while not list(self.folder.iterdir()):
                self.assertIsNone(child.poll())
            child.send_signal(number)
            self.assertEqual(child.wait(30), 130)
            self.assertEqual(list(self.folder.iterdir()), [])

    def test_without_a_file_the_services_check_themselves(self):
        bad = {"ok": False, "first_bad_id": 3, "reason": "r", "next_from_id": None}
        good = {"ok": True, "first_bad_id": None, "reason": None, "next_from_id": None}
        self.serve(answer(200, {**bad, "entries": 2}), answer(200, {**good, "records": 1}))
        self.assertIn(b"log NOT VERIFIED", self.run_it("verify", code=4).stdout)


class Failures(CliTest):
    def test_who_cannot_be_reached_exits_with_6_and_a_hint(self):
        self.serve(hang_up)
        result = self.run_it(*LOG, "--idempotency-key", "release-1", code=6)
        self.assertIn(b"may or may not have been made", result.stderr)
        self.assertIn(b"again with --idempotency-key release-1,", result.stderr)
        self.assertIn(b"Is the stack running", result.stderr)
        self.assertEqual(result.stdout, b"")

    def test_a_refusal_exits_with_7_and_says_what_is_wrong(self):
        items = [{"path": "subject", "message": "is too long"}]
        self.serve(answer(400, {"code": "invalid_request", "detail": "d", "errors": items}))
        self.assertIn(b"subject: is too long", self.run_it(*LOG, code=7).stderr)

    def test_of_many_errors_the_first_are_shown(self):
        items = [{"path": f"p{n}", "message": "m"} for n in range(20_000)]
        self.serve(answer(400, {"code": "invalid_request", "detail": "d", "errors": items}))
        said = self.run_it(*LOG, code=7).stderr
        self.assertIn(b"p19: m\n  and 19980 more\n", said)
        self.assertNotIn(b"p20:", said)

    def test_wrong_usage_exits_with_2_and_sends_nothing(self):
        self.serve(problem(500, "internal_error"))
        (self.folder / "double.json").write_text('{"a":1,"a":2}')
        for arguments in (
            (),
            ("unknown",),
            ("log",),
            ("log", "--event-type", "e", "--subject", "s", "--decision", "yes"),
            (*LOG, "--details", "{"),
            (*LOG, "--details", "missing.json"),
            ("register", "double.json"),
            ("validate", "missing.json"),
            ("verify", "missing.ndjson"),
            (*LOG, "--timeout", "0"),
            (*LOG, "--url", "nowhere"),
        ):
            with self.subTest(arguments):
                self.run_it(*arguments, code=2)
        for text in (b"[]", b'{"n":NaN}', b"\xff", b'{"unknown":1}'):
            needed = ("--model-id", "m", "--version", "1", "--created-by", "c")
            self.run_it("register", "-", *needed, stdin=text, code=2)
        self.assertEqual(self.server.seen, [])

    def test_an_answer_of_another_shape_exits_with_7(self):
        for value in ([], {}, "x", None, 5):
            self.serve(answer(200, value))
            self.run_it(*LOG, code=7)
            self.run_it("status", code=7)

    def test_nothing_that_a_server_says_acts_on_the_terminal(self):
        active = "\x1b]0;x\x07\x9b2J\u202e\u200b\ufeff\n\ud800"
        self.serve(made(created_at=active))
        said = self.run_it(*LOG).stdout
        self.serve(answer(400, {"code": active, "detail": active, "request_id": active}))
        said += self.run_it(*LOG, code=7).stderr
        for character in ("\x1b", "\x07", "\x9b", "\u202e", "\u200b", "\ufeff"):
            self.assertNotIn(character, said.decode("utf-8"))
        self.assertIn(b"\\u001b]0;x", said)


if __name__ == "__main__":
    unittest.main()
