"""Streams, addresses and proxies, against a real server."""

import os
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
        timers = []

        class Timer:
            """The watchdog of an exchange, whose time is over when the test says so."""

            def __init__(self, seconds, expire):
                self.expire = expire
                timers.append(self)

            def start(self):
                pass

            def cancel(self):
                self.expire = lambda: None

        body = b"x" * 30_000_000
        client = self.serve(answer(200, body))
        with mock.patch("threading.Timer", Timer), client.export() as chunks:
            # More is to come than the connection holds.
            size = len(next(chunks))
            for timer in timers:
                timer.expire()
            size += sum(len(chunk) for chunk in chunks)
        self.assertEqual((size, len(timers)), (len(body), 1))


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

    def test_a_refused_address_is_not_repeated_with_its_password(self):
        for url in ("http://:SECRET@h", "ftp://u:SECRET@h", "http://u:SECRET@h h", "u:SECRET@[h"):
            with self.subTest(url), self.assertRaises(GovernanceError) as caught:
                parse_address(url)
            self.assertNotIn("SECRET", str(caught.exception))

    def test_an_empty_query_or_fragment_is_none(self):
        for url in ("http://h:1/g", "http://h:1/g/", "http://h:1/g?", "http://h:1/g/#"):
            self.assertEqual(parse_address(url), ("http", "h", 1, "/g"))

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
