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

    def test_a_sound_export_exits_with_0(self):
        result = self.run_it("export.ndjson")
        self.assertEqual((result.returncode, result.stderr), (0, b""))
        self.assertTrue(result.stdout.startswith(b"Verified\n"))
        self.assertIn(b"3 entries, 1 to 3\n", result.stdout)
        self.assertNotIn(b"not judged", result.stdout)

    def test_what_nothing_judges_is_named_where_it_is(self):
        export = exports.export_of(exports.make_chain(1), checkpoint="a note")
        self.assertIn(b"not judged: checkpoint\n", self.run_it("-", stdin=export).stdout)

    def test_an_export_in_another_format_exits_with_1_and_is_not_called_forged(self):
        for data in (b'[{"id":1}]', b"id,created_at\r\n1,x\r\n"):
            result = self.run_it("-", stdin=data)
            self.assertEqual((result.returncode, result.stdout), (1, b""))
            self.assertIn(b"ask for fmt=ndjson", result.stderr)

    def test_missing_details_that_nothing_accounts_for_exit_with_5(self):
        chain = exports.make_chain(2, changes={2: exports.erased_by(9)})
        self.assertEqual(self.run_it("-", stdin=exports.export_of(chain)).returncode, 5)

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
        self.assertEqual(self.run_it().returncode, 2)
        self.assertEqual(self.run_it("--unknown", "export.ndjson").returncode, 2)

    def test_nothing_of_a_hostile_file_reaches_the_terminal(self):
        result = self.run_it("-", stdin=b'{"id":"\x1b[2J","\x1b]0;x":1}\n\x1b')
        self.assertEqual(result.returncode, 4)
        self.assertNotIn(b"\x1b", result.stdout + result.stderr)


if __name__ == "__main__":
    unittest.main()
