"""What every method of the client stands on: how it asks, and what it makes of the answer."""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

from ai_governance.address import parse_address
from ai_governance.call import Call, make_request
from ai_governance.credentials import Credentials, Token
from ai_governance.errors import GovernanceError, invalid_argument
from ai_governance.exchange import Request

Fits = Callable[[Any], bool]


class Calls:
    """Calls the gateway at `base_url`. See `Client`."""

    def __init__(
        self,
        base_url: str,
        timeout: float,
        retries: int,
        token: Token | None,
        allow_insecure: bool,
    ) -> None:
        if not (isinstance(timeout, (int, float)) and 0 < timeout < math.inf):
            raise invalid_argument("timeout is a number of seconds above 0")
        if not isinstance(retries, int) or retries < 0:
            raise invalid_argument("retries is a number, 0 or more")
        self.base_url = base_url
        self._address = parse_address(base_url)
        self._credentials = Credentials(self._address, token, allow_insecure)
        self._timeout = timeout
        self._retries = retries
        self._sleep = time.sleep

    def _call(self, request: Request, *, changes: bool, retries: int | None = None) -> Call:
        return Call(
            self._address,
            request,
            self._credentials,
            changes=changes,
            timeout=self._timeout,
            retries=self._retries if retries is None else retries,
        )

    def _ask(self, call: Call, attempt: Callable[[], Any], fits: Fits, what: str) -> Any:
        """The answer, or `invalid_answer` where it is not `what` it must be."""
        found = call.run(attempt, self._sleep)
        if not fits(found):
            raise call.invalid(f"the answer is not {what}.")
        return found

    def _get(self, path: str, retries: int | None = None, **query: Any) -> Any:
        request = make_request("GET", target_of(path, **query), None, None)
        call = self._call(request, changes=False, retries=retries)
        return call.run(call.exchange, self._sleep)

    def _get_proof(self, path: str, fits: Fits, what: str, **query: Any) -> Any:
        request = make_request("GET", target_of(path, **query), None, None)
        call = self._call(request, changes=False)
        return self._ask(call, call.exchange, fits, what)

    def _get_text(self, path: str, fits: Fits, what: str) -> str:
        request = make_request("GET", path, None, None, accept="text/plain")
        call = self._call(request, changes=False)
        return self._ask(call, call.exchange_text, fits, what)

    def _post(
        self,
        path: str,
        body: Any,
        request_id: str | None,
        fits: Fits,
        what: str,
        *,
        changes: bool = True,
        key: str | None = None,
    ) -> Any:
        request = make_request("POST", path, body, request_id, key=key)
        call = self._call(request, changes=changes)
        return self._ask(call, call.exchange, fits, what)


def new_key() -> str:
    """An idempotency key that nobody has used."""
    return str(uuid.uuid4())


def no_progress() -> GovernanceError:
    """Without it a loop over answers would never end."""
    return GovernanceError(200, "invalid_answer", None, "the next answer brings nothing new")


def given(**members: Any) -> dict[str, Any]:
    """The members that are not None."""
    return {name: value for name, value in members.items() if value is not None}


def target_of(path: str, **query: Any) -> str:
    texts = {name: query_text(value) for name, value in given(**query).items()}
    return path + ("?" + urlencode(texts, quote_via=quote, safe="") if texts else "")


def query_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def segment(value: Any) -> str:
    """A value as one segment of a path."""
    return quote(str(value), safe="")
