"""A real HTTP server on loopback that answers what a test tells it to."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from unittest import TestCase


class Seen(NamedTuple):
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


Script = Callable[[BaseHTTPRequestHandler], None]


def answer(status: int, value: Any, **headers: str) -> Script:
    """An answer with this value as JSON; `_` in a header name stands for `-`."""

    def send(handler: BaseHTTPRequestHandler) -> None:
        body = value if isinstance(value, bytes) else json.dumps(value).encode("utf-8")
        handler.send_response(status)
        for name, text in headers.items():
            handler.send_header(name.replace("_", "-"), text)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return send


# Where something is on the log.
REFERENCE = {"id": 7, "entry_hash": "cd" * 32}


def made(**members: Any) -> Script:
    """What the services answer to a change: what was sent, and where it is now."""
    record = {"revision": 1, "record_hash": "ab" * 32, "audit": REFERENCE}
    defaults = {"details": {}, "artifacts": [], "parents": [], "metadata": {}, "aibom": None}

    def send(handler: BaseHTTPRequestHandler) -> None:
        sent = json.loads(handler.body)  # type: ignore[attr-defined]
        answer(200, {**defaults, **REFERENCE, **record, **sent, **members})(handler)

    return send


def problem(status: int, code: str, **headers: str) -> Script:
    body = {"status": status, "code": code, "detail": f"about {code}", "request_id": "rid-1"}
    return answer(status, body, **headers)


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    """Closes the connection without an answer."""


def cut_short(handler: BaseHTTPRequestHandler) -> None:
    """Announces more than it sends."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"id":1')


class QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle of an answer is what some tests are about."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Server:
    """Answers the scripts in turn, the last of them again and again; records what it saw."""

    def __init__(self, test: TestCase, *scripts: Script) -> None:
        self.seen: list[Seen] = []
        self.scripts = list(scripts)
        #: False: a request is answered, and its connection closed, before its body was read.
        self.reads_bodies = True
        #: Set when the test is over: a script that waits does so for this.
        self.over = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def respond(self) -> None:
                self.close_connection = True
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length) if server.reads_bodies else b""
                self.body = body
                server.seen.append(Seen(self.command, self.path, dict(self.headers), body))
                at = min(len(server.seen), len(server.scripts)) - 1
                server.scripts[at](self)

            do_GET = do_POST = respond

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self._http = QuietServer(("127.0.0.1", 0), Handler)
        self.port = self._http.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        test.addCleanup(self._http.server_close)
        test.addCleanup(self._http.shutdown)
        test.addCleanup(self.over.set)
