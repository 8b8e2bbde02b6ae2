"""A call: one request, sent again where that is safe, until its deadline."""

from __future__ import annotations

import json
import re
import time
import uuid
from typing import Any, Callable

from ai_governance.address import Address
from ai_governance.credentials import Credentials
from ai_governance.errors import GovernanceError, invalid_argument
from ai_governance.exchange import Answer, NoAnswer, Request, exchange
from ai_governance.retry import is_unknown, may_repeat, parse_retry_after, wait_before
from ai_governance.version import __version__

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
IDEMPOTENCY_KEY = re.compile(r"[!-~]{1,200}")


def make_request(
    method: str,
    target: str,
    body: Any,
    request_id: str | None,
    *,
    accept: str = "application/json",
    key: str | None = None,
) -> Request:
    """Raises GovernanceError `invalid_argument` for a body that is not JSON.

    `key` is an idempotency key: the services carry out what has the same key once.
    """
    if request_id is not None and not REQUEST_ID.fullmatch(request_id):
        raise invalid_argument("a request id is 1 to 64 characters of A-Za-z0-9._-")
    if key is not None and not IDEMPOTENCY_KEY.fullmatch(key):
        raise invalid_argument("an idempotency key is 1 to 200 visible ASCII characters")
    headers = {
        "Accept": accept,
        "Connection": "close",
        "User-Agent": f"ai-governance-client-python/{__version__}",
        "X-Request-ID": request_id or uuid.uuid4().hex,
    }
    if method == "GET":
        return Request(method, target, headers, None)
    try:
        text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        encoded = text.encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        raise invalid_argument(f"the body is not JSON: {error}") from error
    headers["Content-Type"] = "application/json"
    if key is not None:
        headers["Idempotency-Key"] = key
    return Request(method, target, headers, encoded)


class Call:
    """One call. `changes`: it may change something, so that it is not sent again lightly
    unless it has a key.

    `timeout` in seconds is for the call as a whole, waiting included; `retries` is how
    often a request is sent again at most.
    """

    def __init__(
        self,
        address: Address,
        request: Request,
        credentials: Credentials,
        *,
        changes: bool,
        timeout: float,
        retries: int,
    ) -> None:
        self.address = address
        self.request = request
        self.credentials = credentials
        self.changes = changes
        self.repeatable = not changes or "Idempotency-Key" in request.headers
        self.deadline = time.monotonic() + timeout
        self.retries = retries

    def run(self, attempt: Callable[[], Any], sleep: Callable[[float], None]) -> Any:
        """`attempt` until it succeeds. It raises GovernanceError or NoAnswer."""
        unknown = False
        for count in range(1, self.retries + 2):
            try:
                return attempt()
            except NoAnswer as failure:
                error = self.unanswered(failure)
                again = error.code == "connection" and self.repeatable
            except GovernanceError as failure:
                error = failure
                again = may_repeat(error.status or 0, sent_code(error), repeatable=self.repeatable)
            # Whatever this attempt came to, one before it may have been carried out.
            unknown = error.outcome_unknown = unknown or error.outcome_unknown
            error.idempotency_key = self.request.headers.get("Idempotency-Key")
            wait = wait_before(count + 1, error.retry_after)
            if not again or count > self.retries or time.monotonic() + wait >= self.deadline:
                raise error
            sleep(wait)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def exchange(self) -> Any:
        """One attempt. The JSON value of the answer."""
        return self.read(json.loads, "JSON")

    def exchange_text(self) -> str:
        """One attempt. The answer, which is a text."""
        return self.read(str, "a text in UTF-8")

    def read(self, reader: Callable[[str], Any], what: str) -> Any:
        answer = exchange(self.address, self.attempt_request(), self.deadline)
        if answer.status != 200:
            raise self.refused(answer)
        try:
            return reader(answer.body.decode("utf-8"))
        except (ValueError, RecursionError):
            detail = f"the answer is not {what}: is this the address of a gateway?"
            raise self.invalid(detail) from None

    def attempt_request(self) -> Request:
        """The request of one attempt: with the credentials that count now."""
        headers = self.credentials.headers(self.request.headers["X-Request-ID"])
        return self.request._replace(headers={**self.request.headers, **headers})

    def invalid(self, detail: str) -> GovernanceError:
        """An answer 200 that cannot be what it must be: nobody knows what was done."""
        request_id = self.request.headers["X-Request-ID"]
        return GovernanceError(
            200, "invalid_answer", request_id, detail, outcome_unknown=self.changes
        )

    def unanswered(self, failure: NoAnswer) -> GovernanceError:
        code, what = "connection", "no answer"
        if failure.late:
            code, what = "deadline", "no answer in time"
        elif failure.large:
            code, what = "answer_too_large", "no usable answer"
        at = f"{self.address.scheme}://{self.address.host}:{self.address.port}"
        return GovernanceError(
            None,
            code,
            self.request.headers["X-Request-ID"],
            f"{what} from {at}: {failure}",
            outcome_unknown=self.changes and failure.sent,
        )

    def refused(self, answer: Answer) -> GovernanceError:
        """The error that an answer other than 200 stands for."""
        problem = parse_problem(answer)
        request_id = self.request.headers["X-Request-ID"]
        code = problem.get("code")
        if code is None:
            detail = f"status {answer.status} without problem details: is this a gateway?"
        else:
            detail = problem.get("detail") or problem.get("title") or code
        if code == "unauthorized":
            detail = f"{detail.rstrip('.')}. {self.credentials.advice()}"
        errors = problem.get("errors")
        return GovernanceError(
            answer.status,
            code or "invalid_answer",
            problem.get("request_id") or answer.headers.get("X-Request-ID") or request_id,
            detail,
            [item for item in errors if isinstance(item, dict)] if isinstance(errors, list) else [],
            retry_after=parse_retry_after(answer.headers.get("Retry-After")),
            outcome_unknown=self.changes and is_unknown(answer.status, code),
        )


def sent_code(error: GovernanceError) -> str | None:
    """The code as the service sent it; None where this client named it."""
    return None if error.code == "invalid_answer" else error.code


def parse_problem(answer: Answer) -> dict[str, Any]:
    """Problem details (RFC 9457), with only those members that have the type they should."""
    try:
        problem = json.loads(answer.body.decode("utf-8"))
    except (ValueError, RecursionError):
        return {}
    if not isinstance(problem, dict):
        return {}
    texts = ("code", "detail", "title", "request_id")
    good = {name: problem[name] for name in texts if isinstance(problem.get(name), str)}
    return {**good, "errors": problem.get("errors")}
