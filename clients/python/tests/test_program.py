"""verify_export.py as an auditor runs it: alone, copied to an empty folder."""

import json
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import exports
from context import VERIFIER


class Program(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        shutil.copy(VERIFIER, self.folder)
        self.export = exports.export_of(exports.make_chain(3))
        (self.folder / "export.ndjson").write_bytes(self.export)

    def run_it(self, *arguments, stdin=b""):
        # -I: neither the folder nor the environment adds a module.
        command = [sys.executable, "-I", "verify_export.py", *arguments]
        return subprocess.run(command, cwd=self.folder, input=stdin, capture_output=True)

    def run_vector(self, name, *arguments):
        """The program on an export of the vectors, with what they say that a person gives."""
        case = exports.export_vector(name)
        given = case.get("options", {})
        files = []
        for at, note in enumerate(given.get("earlier", [])):
            (self.folder / f"checkpoint-{at}").write_bytes(note.encode("utf-8"))
            files += ["--checkpoint", f"checkpoint-{at}"]
        key = ["--key", given["key"]] if "key" in given else []
        witnesses = [f"--require-witness={key}" for key in given.get("witnesses", [])]
        options = [*key, *files, *witnesses, *arguments]
        return self.run_it("-", *options, stdin=exports.bytes_of(case))

    def test_a_log_signed_by_the_pinned_key_exits_with_0(self):
        result = self.run_vector("the whole log, signed by the pinned key")
        self.assertEqual((result.returncode, result.stderr), (0, b""))
        self.assertTrue(result.stdout.startswith(b"Verified, and signed by the pinned key\n"))
        self.assertIn(b"3 entries, 1 to 3\n", result.stdout)
        said = b"checkpoint of 'example.com/audit', 3 entries, signed by the pinned key\n"
        self.assertIn(said, result.stdout)

    def test_without_a_key_a_sound_export_is_only_consistent_and_exits_with_8(self):
        result = self.run_it("export.ndjson")
        self.assertEqual((result.returncode, result.stderr), (8, b""))
        self.assertTrue(result.stdout.startswith(b"CONSISTENT, KEY NOT PINNED"))
        self.assertIn(b"not signed\n", result.stdout)
        result = self.run_vector("the whole log, signed, no key given")
        self.assertEqual(result.returncode, 8)
        self.assertIn(b"signed by a key that nobody pinned\n", result.stdout)

    def test_an_export_in_another_format_exits_with_9_and_is_not_called_forged(self):
        for data in (b'[{"id":1}]', b"id,created_at\r\n1,x\r\n"):
            result = self.run_it("-", stdin=data)
            self.assertEqual(result.returncode, 9)
            self.assertIn(b"ask for fmt=ndjson", result.stdout)
            self.assertNotIn(b"NOT VERIFIED", result.stdout)

    def test_an_export_that_broke_off_exits_with_9(self):
        result = self.run_it("-", stdin=self.export[:-100])
        self.assertEqual(result.returncode, 9)
        self.assertTrue(result.stdout.startswith(b"UNUSABLE: the export is incomplete"))

    def test_missing_details_that_nothing_accounts_for_exit_with_5(self):
        chain = exports.make_chain(2, changes={2: exports.erased_by(9)})
        self.assertEqual(self.run_it("-", stdin=exports.export_of(chain)).returncode, 5)

    def test_a_checkpoint_that_could_not_be_judged_exits_with_5(self):
        result = self.run_vector("a range, and an earlier checkpoint before it")
        self.assertEqual(result.returncode, 5)
        self.assertIn(b"warning: 1 earlier checkpoints could not be judged", result.stdout)

    def test_a_rewritten_log_exits_with_4_and_names_what_two_checkpoints_bracket(self):
        name = "rewritten from entry 3 on, signed by the pinned key itself, two earlier checkpoints"
        result = self.run_vector(name)
        self.assertEqual(result.returncode, 4)
        self.assertIn(b"NOT VERIFIED", result.stdout)
        self.assertIn(b"entry 3)\n", result.stdout)

    def test_witnesses_are_named_where_they_cosigned_and_missed_where_not(self):
        result = self.run_vector("a required witness cosigned")
        self.assertEqual(result.returncode, 0)
        self.assertIn(b"cosigned by 'witness.example/w1'\n", result.stdout)
        self.assertEqual(self.run_vector("a required witness did not cosign").returncode, 4)

    def test_what_is_given_may_be_a_text_or_a_file(self):
        case = exports.export_vector("an earlier checkpoint that is smaller")
        key, note = case["options"]["key"], case["options"]["earlier"][0]
        (self.folder / "key").write_text(key + "\n")
        (self.folder / "marked").write_bytes(b"\xef\xbb\xbf" + key.encode() + b"\r\n")
        (self.folder / "kept").write_bytes((note + "\n" + note).encode("utf-8"))
        for given_key in (key, "key", "marked"):
            for checkpoint in (note, "kept"):
                arguments = ("--json", "--key", given_key, "--checkpoint", checkpoint)
                result = self.run_it("-", *arguments, stdin=exports.bytes_of(case))
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertEqual(json.loads(result.stdout)["signature"], "pinned")

    def test_an_altered_export_exits_with_4_and_names_the_entry(self):
        altered = self.export.replace(b"fraud-detector@1.2", b"fraud-detector@9.2")
        result = self.run_it("-", stdin=altered)
        self.assertEqual(result.returncode, 4)
        self.assertIn(b"NOT VERIFIED", result.stdout)
        self.assertIn(b"entry_hash does not match the content (line 2, entry 2)", result.stdout)

    def test_json_is_the_verdict(self):
        result = self.run_it("--json", "-", stdin=self.export)
        self.assertEqual(json.loads(result.stdout), exports.verify(self.export))

    def test_a_file_that_cannot_be_read_exits_with_1_and_a_sentence(self):
        for path in ("missing.ndjson", "."):
            result = self.run_it(path)
            self.assertEqual((result.returncode, result.stdout), (1, b""))
            self.assertIn(b"Cannot read", result.stderr)
            self.assertNotIn(b"Traceback", result.stderr)

    def test_wrong_usage_exits_with_2(self):
        (self.folder / "empty").write_bytes(b"")
        (self.folder / "binary").write_bytes(b"\xff+\n")
        export = "export.ndjson"
        key = exports.export_vector("the whole log, signed by the pinned key")["options"]["key"]
        for arguments in (
            (),
            ("--unknown", export),
            (export, "--key", "x+y"),
            (export, "--key", key + "\n"),
            (export, "--key", "missing"),
            (export, "--key", "binary"),
            (export, "--key", ""),
            (export, "--checkpoint", "empty"),
            (export, "--checkpoint", "missing"),
            (export, "--checkpoint", "binary"),
            (export, "--checkpoint", export),
            (export, "--require-witness", "x+y"),
            ("missing.ndjson", "--key", "x+y"),
        ):
            with self.subTest(arguments):
                result = self.run_it(*arguments)
                self.assertEqual((result.returncode, result.stdout), (2, b""))
                self.assertNotIn(b"Traceback", result.stderr)

    def test_a_checkpoint_that_the_pinned_key_did_not_sign_is_wrong_usage(self):
        name = "wrong usage: an earlier checkpoint is not signed by the pinned key"
        result = self.run_vector(name)
        self.assertEqual((result.returncode, result.stdout), (2, b""))
        self.assertIn(b"is not signed by the key of", result.stderr)

    def test_nothing_of_a_hostile_file_reaches_the_terminal(self):
        result = self.run_it("-", stdin=b'{"id":"\x1b[2J","\x1b]0;x":1}\n\x1b')
        self.assertEqual(result.returncode, 4)
        self.assertNotIn(b"\x1b", result.stdout + result.stderr)
        for option in ("--key", "--checkpoint", "--require-witness"):
            result = self.run_it("export.ndjson", option, "\x1b]0;x+y\n")
            self.assertEqual(result.returncode, 2)
            self.assertNotIn(b"\x1b", result.stdout + result.stderr)


if __name__ == "__main__":
    unittest.main()
