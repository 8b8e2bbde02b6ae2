"""What a call can fail with."""

from __future__ import annotations

from typing import Any


class GovernanceError(Exception):
    """A call that failed. Match on `code`; the message is for people.

    Codes of the services are in docs/API.md. Codes of this client: `invalid_argument`
    (nothing was sent), `connection` (no answer), `deadline` (the time for the call is
    over), `invalid_answer` (not what this API answers), `answer_too_large`,
    `export_incomplete` (the export broke off), `token_unavailable` (your function for the
    token failed, and the attempt was not sent).

    `status` is the HTTP status, None where there was no answer. `request_id` is what the
    request is called in the logs and log entries of the services. `errors` are of
    `{ path, message }`. `retry_after` is in seconds.

    `outcome_unknown`: the change may have been made although nobody said so. Send it again
    under the same `idempotency_key`, or where there is none look for it (by `request_id`)
    before you do.
    """

    def __init__(
        self,
        status: int | None,
        code: str,
        request_id: str | None,
        detail: str,
        errors: list[dict[str, Any]] | None = None,
        *,
        retry_after: float | None = None,
        outcome_unknown: bool = False,
    ) -> None:
        super().__init__(code, detail)
        self.status = status
        self.code = code
        self.request_id = request_id
        self.detail = detail
        self.errors = errors or []
        self.retry_after = retry_after
        self.outcome_unknown = outcome_unknown
        self.idempotency_key: str | None = None

    def __str__(self) -> str:
        unknown = " The change may or may not have been made." if self.outcome_unknown else ""
        return f"{self.code}: {self.detail}{unknown}"


def invalid_argument(detail: str) -> GovernanceError:
    return GovernanceError(None, "invalid_argument", None, detail)
