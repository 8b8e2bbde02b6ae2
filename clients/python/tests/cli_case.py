"""aigov-py as a process of its own, in a folder of its own, with a server that answers as told."""

import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from context import PROJECT
from server import Server


class CliTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def serve(self, *scripts):
        self.server = Server(self, *scripts)

    def run_it(self, *arguments, stdin=b"", code=0):
        environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
        if hasattr(self, "server"):
            environment["AIGOV_URL"] = self.server.url
        command = [sys.executable, "-m", "ai_governance", *arguments]
        result = subprocess.run(
            command, cwd=self.folder, env=environment, input=stdin, capture_output=True
        )
        self.assertEqual(result.returncode, code, result.stderr.decode())
        self.assertNotIn(b"Traceback", result.stderr)
        if code in (1, 2, 6):
            self.assertTrue(result.stderr)
        return result

    def sent(self, at=0):
        return json.loads(self.server.seen[at].body)
