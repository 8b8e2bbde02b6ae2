"""An export as a stream: its head by the deadline of the call, then chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator

from ai_governance.call import Call
from ai_governance.errors import GovernanceError
from ai_governance.exchange import Answer, Exchange, NoAnswer


def open_stream(call: Call, idle: float) -> Exchange:
    """One attempt: a connection whose answer is 200 and whose body is still to be read."""
    connection = Exchange(call.address, call.deadline)
    try:
        response = connection.open(call.attempt_request())
        if response.status != 200:
            raise call.refused(Answer(response.status, response.headers, connection.read()))
        connection.stream(idle)
        return connection
    except BaseException:
        connection.close()
        raise


def complete_chunks(call: Call, connection: Exchange) -> Iterator[bytes]:
    try:
        yield from connection.chunks()
    except NoAnswer as failure:
        detail = f"the export broke off: {failure}"
        request_id = call.request.headers["X-Request-ID"]
        raise GovernanceError(200, "export_incomplete", request_id, detail) from failure
