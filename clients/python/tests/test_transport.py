"""Streams, addresses and proxies, against a real server."""

import os
import time
import unittest
from unittest import mock

from client_case import ClientTest
from server import answer, cut_short, problem

from ai_governance import Client, GovernanceError
from ai_governance.address import parse_address, proxy_for

OK = answer(200, {"ok": True})


class Exports(ClientTest):
    def test_an_export_is_streamed_as_it_is(self):
        body = b"x" * 200_000
        client = self.serve(answer(200, body))
        with client.export(from_id=2, to_id=9) as chunks:
            parts = list(chunks)
        self.assertEqual(b"".join(parts), body)
        self.assertGreater(len(parts), 1)
        self.assertEqual(
            self.server.seen[0].target, "/mcp-audit/export?fmt=ndjson&from_id=2&to_id=9"
        )

    def test_an_export_that_breaks_off_raises(self):
        def chunked(handler):
            handler.send_response(200)
            handler.send_header("Transfer-Encoding", "chunked")
            handler.end_headers()
            handler.wfile.write(b"5\r\nhello\r\n")

        for script in (cut_short, chunked):
            client = self.serve(script)
            with client.export() as chunks:
                self.fails(lambda chunks=chunks: list(chunks), "export_incomplete")

    def test_an_export_that_is_refused_is_begun_again(self):
        client = self.serve(problem(503, "overloaded"), answer(200, b"all"))
        with client.export() as chunks:
            self.assertEqual(b"".join(chunks), b"all")

    def test_a_stream_that_is_silent_for_as_long_as_the_timeout_breaks_off(self):
        def silent(handler):
            handler.send_response(200)
            handler.send_header("Content-Length", "10")
            handler.end_headers()
            handler.wfile.write(b"abc")
            self.server.over.wait(30)

        client = self.serve(silent, timeout=0.3)
        with client.export() as chunks:
            self.fails(lambda: list(chunks), "export_incomplete")

    def test_a_stream_may_take_longer_than_the_timeout(self):
        body = b"x" * 30_000_000
        client = self.serve(answer(200, body), timeout=0.5)
        with client.export() as chunks:
            size = len(next(chunks))
            # The server has more to send than the connection holds, and waits for the reader.
            time.sleep(0.7)
            size += sum(len(chunk) for chunk in chunks)
        self.assertEqual(size, len(body))


class Addresses(unittest.TestCase):
    def test_what_is_no_address_is_refused(self):
        for url in (
            "",
            "127.0.0.1:8080",
            "ftp://x",
            "http://",
            "http://u:p@x",
            "http://x?y",
            "http://x:99999",
            "http://x y",
            "http://é",
            "http://[::1",
            "http://x#y",
        ):
            with self.subTest(url), self.assertRaises(GovernanceError):
                parse_address(url)

    def test_a_proxy_is_used_except_for_this_machine(self):
        proxies = {"http_proxy": "http://proxy.example:3128", "no_proxy": "direct.example"}
        with mock.patch.dict(os.environ, proxies, clear=True):
            for host in ("127.0.0.1", "127.8.8.8", "localhost", "[::1]", "direct.example"):
                self.assertIsNone(proxy_for(parse_address(f"http://{host}:8080")))
            found = proxy_for(parse_address("http://gateway.example:8080"))
            self.assertEqual((found.hostname, found.port), ("proxy.example", 3128))


class Proxies(ClientTest):
    def test_a_request_through_a_proxy_names_the_gateway_and_shows_the_credentials(self):
        self.serve(OK)
        proxy = f"http://user:p%40ss@127.0.0.1:{self.server.port}"
        with mock.patch.dict(os.environ, {"http_proxy": proxy}, clear=True):
            Client("http://gateway.example:8080/g").policies()
        seen = self.server.seen[0]
        self.assertEqual(seen.target, "http://gateway.example:8080/g/mcp-policy/policies")
        self.assertEqual(seen.headers["Host"], "gateway.example:8080")
        self.assertEqual(seen.headers["Proxy-Authorization"], "Basic dXNlcjpwQHNz")


if __name__ == "__main__":
    unittest.main()
