"""One request and its answer: no retries, no meaning."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Iterator
from typing import NamedTuple

from ai_governance.address import Address, make_route

# The gateway refuses to pass on more, except for exports, which are streamed.
MAX_ANSWER = 64 * 1024 * 1024
CHUNK = 64 * 1024

# UnicodeError: a host name that no name service takes.
FAILURES = (OSError, http.client.HTTPException, UnicodeError)


class NoAnswer(Exception):
    """No complete answer.

    `sent`: the request may have arrived. `late`: the deadline is over. `large`: the answer
    is larger than any answer of this API.
    """

    def __init__(self, message: str, *, sent: bool, late: bool, large: bool = False) -> None:
        super().__init__(message)
        self.sent = sent
        self.late = late
        self.large = large


class Request(NamedTuple):
    method: str
    target: str
    headers: dict[str, str]
    body: bytes | None


class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes


class Exchange:
    """A connection for one request. Nothing of it outlives the deadline.

    `deadline` is on the clock of time.monotonic(). A timeout of a socket starts anew with
    each byte, so a watchdog closes the connection of a server that sends them slowly.
    """

    def __init__(self, address: Address, deadline: float) -> None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise NoAnswer("the time for the call is over", sent=False, late=True)
        self._late = False
        self._route = make_route(address, left)
        # Kept here: http.client forgets its socket once the answer says that it is the last.
        self._socket: socket.socket | None = None
        self._response: http.client.HTTPResponse | None = None
        self._watchdog = threading.Timer(left, self._expire)
        self._watchdog.daemon = True
        self._watchdog.start()

    def _expire(self) -> None:
        self._late = True
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def open(self, request: Request) -> http.client.HTTPResponse:
        """Sends the request and reads the head of the answer. Raises NoAnswer."""
        connection = self._route.connection
        try:
            connection.connect()
        except FAILURES as error:
            raise self._no_answer(error, sent=False) from error
        self._socket = connection.sock
        headers = {**request.headers, **self._route.headers}
        target = self._route.target_prefix + request.target
        try:
            # A server that refuses a body may answer and close before it has read it.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.request(request.method, target, request.body, headers)
            self._response = connection.getresponse()
        except FAILURES as error:
            raise self._no_answer(error, sent=True) from error
        return self._response

    def _no_answer(self, error: Exception, *, sent: bool) -> NoAnswer:
        late = self._late or isinstance(error, (TimeoutError, socket.timeout))
        return NoAnswer(str(error) or type(error).__name__, sent=sent, late=late)

    def chunks(self) -> Iterator[bytes]:
        """The body as it comes. Raises NoAnswer if it breaks off."""
        response = self._response
        try:
            while response is not None and (part := response.read(CHUNK)):
                yield part
            if response is not None and response.length:
                raise http.client.IncompleteRead(b"", response.length)
        except FAILURES as error:
            raise self._no_answer(error, sent=True) from error
        if self._late:
            raise NoAnswer("the time for the call is over", sent=True, late=True)

    def read(self) -> bytes:
        """The whole body. Raises NoAnswer."""
        parts, size = [], 0
        for part in self.chunks():
            parts.append(part)
            size += len(part)
            if size > MAX_ANSWER:
                message = f"the answer is larger than {MAX_ANSWER} bytes"
                raise NoAnswer(message, sent=True, late=False, large=True)
        return b"".join(parts)

    def stream(self, idle: float) -> None:
        """No deadline from here on; `idle` seconds without a byte are too long."""
        self._watchdog.cancel()
        if self._socket is not None:
            self._socket.settimeout(idle)

    def close(self) -> None:
        self._watchdog.cancel()
        if self._response is not None:
            self._response.close()
        self._route.connection.close()


def exchange(address: Address, request: Request, deadline: float) -> Answer:
    """Sends one request and reads its answer whole. Raises NoAnswer."""
    connection = Exchange(address, deadline)
    try:
        response = connection.open(request)
        body = connection.read()
        return Answer(response.status, response.headers, body)
    finally:
        connection.close()
