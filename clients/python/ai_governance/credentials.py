"""What the gateway is shown of its caller. A token is in no error, because errors are printed."""

from __future__ import annotations

import ipaddress
import re
from typing import Callable, Union

from ai_governance.address import Address
from ai_governance.errors import GovernanceError, invalid_argument

# A credential as text, or what gives the one that counts now.
Token = Union[str, Callable[[], str]]

# RFC 6750, 2.1; and far below what fits into a head of 16 KiB.
BEARER = re.compile(r"[A-Za-z0-9._~+/-]+=*")
MOST_CHARACTERS = 8192

NO_TOKEN = 'No token was sent: whoever runs the gateway makes one with "aigov keys create".'
WRONG_TOKEN = (
    "The token that was sent does not count here: it may be mistyped, expired or revoked. "
    'Whoever runs the gateway makes a new one with "aigov keys create".'
)


class Credentials:
    """Raises GovernanceError `invalid_argument` for a token that cannot be right, and for one
    that would travel over http to another machine (RFC 6750, 5.3) unless `allow_insecure`.
    """

    def __init__(self, address: Address, token: Token | None, allow_insecure: bool) -> None:
        if token is not None and not callable(token):
            check_token(token)
        if token is not None and not allow_insecure and is_open_to_others(address):
            raise invalid_argument(
                "a token travels over https or to this machine alone: give the address as "
                "https://, or allow_insecure=True (AIGOV_ALLOW_INSECURE=true) where nobody else "
                "can listen on the way"
            )
        self._token = token

    def headers(self, request_id: str) -> dict[str, str]:
        """The headers of one attempt. Raises GovernanceError `token_unavailable`."""
        if self._token is None:
            return {}
        token = self._token if isinstance(self._token, str) else ask(self._token, request_id)
        return {"Authorization": f"Bearer {token}"}

    def advice(self) -> str:
        """What to do where the gateway takes the caller for nobody."""
        return NO_TOKEN if self._token is None else WRONG_TOKEN


def ask(give: Callable[[], str], request_id: str) -> str:
    try:
        token = give()
        check_token(token)
        return token
    except Exception as error:
        why = error.detail if isinstance(error, GovernanceError) else type(error).__name__
        detail = f"the function that gives the token failed, and nothing was sent: {why}"
        raise GovernanceError(None, "token_unavailable", request_id, detail) from error


def check_token(token: object) -> None:
    is_text = isinstance(token, str) and len(token) <= MOST_CHARACTERS
    if not is_text or not BEARER.fullmatch(str(token)):
        raise invalid_argument(
            f"a token is 1 to {MOST_CHARACTERS} characters of A-Za-z0-9._~+/- (and = at its end): "
            "look for spaces, quotes and line breaks"
        )


def is_open_to_others(address: Address) -> bool:
    """Whether others can read what travels to this address."""
    if address.scheme == "https" or address.host == "localhost":
        return False
    try:
        return not ipaddress.ip_address(address.host).is_loopback
    except ValueError:
        return True
