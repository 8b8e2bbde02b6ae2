"""What the tests of the client have in common."""

import unittest

import context  # noqa: F401
from server import Server

from ai_governance import Client, GovernanceError


class ClientTest(unittest.TestCase):
    def serve(self, *scripts, retries=3, timeout=30.0):
        """A client of a new server. It does not sleep but records for how long it would."""
        self.server = Server(self, *scripts)
        client = Client(self.server.url, retries=retries, timeout=timeout)
        self.waits = []
        client._sleep = self.waits.append
        return client

    def fails(self, call, code):
        with self.assertRaises(GovernanceError) as caught:
            call()
        self.assertEqual(caught.exception.code, code)
        return caught.exception
