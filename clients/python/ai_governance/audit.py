"""mcp-audit: the log, what vouches for it, and what is erased from it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ai_governance.call import make_request
from ai_governance.calls import Calls, given, new_key, no_progress, segment, target_of
from ai_governance.credentials import Token
from ai_governance.expected import are_entries_of, is_entry_of, is_erasure, is_hold
from ai_governance.proofs import (
    is_consistency,
    is_inclusion,
    is_proven,
    read_verifier_key,
    signed_checkpoint,
)
from ai_governance.stream import complete_chunks, open_stream


class AuditCalls(Calls):
    """Calls of mcp-audit. See `Client`."""

    def __init__(
        self,
        base_url: str,
        timeout: float,
        retries: int,
        audit_key: str | None,
        token: Token | None,
        allow_insecure: bool,
    ) -> None:
        super().__init__(base_url, timeout, retries, token, allow_insecure)
        self._audit_key = None if audit_key is None else read_verifier_key(audit_key)

    def log(
        self,
        event_type: str,
        subject: str,
        decision: bool,
        details: dict[str, Any] | None = None,
        *,
        proof: bool = False,
        request_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> dict[str, Any]:
        """Puts an event on the log; the entry as it was committed.

        With `proof` the entry has one more member `proof`, `{ index, size, hashes, checkpoint }`,
        or null and `proof_error`, `{ code, detail }`: the entry is on the log also then.
        """
        body = {
            "event_type": event_type,
            "subject": subject,
            "decision": decision,
            **given(details=details),
        }

        def fits(found: Any) -> bool:
            return is_entry_of(found, body) and (not proof or is_proven(found, self._audit_key))

        path = target_of("/mcp-audit/log", proof=proof or None)
        key = new_key() if idempotency_key is None else idempotency_key
        what = "the entry of this event" + (" with its proof" if proof else "")
        return self._post(path, body, request_id, fits, what, key=key)

    def log_batch(
        self,
        events: list[dict[str, Any]],
        *,
        request_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> list[dict[str, Any]]:
        """Puts events on the log, all or none; their entries, in the same order.

        Each is `{ event_type, subject, decision, details? }`; 10,000 at most.
        """
        key = new_key() if idempotency_key is None else idempotency_key
        return self._post(
            "/mcp-audit/log/batch",
            {"events": events},
            request_id,
            lambda found: are_entries_of(found, events),
            "the entries of these events",
            key=key,
        )

    def events(self, **filters: Any) -> list[dict[str, Any]]:
        """One page of entries, newest first.

        Filters: limit, before, after, offset, event_type, subject, actor, decision,
        `from_` and `to` (times, RFC 3339 with an offset).
        """
        query = {"from" if name == "from_" else name: value for name, value in filters.items()}
        return self._get("/mcp-audit/events", **query)

    def iterate_events(self, **filters: Any) -> Iterator[dict[str, Any]]:
        """All entries that fit, newest first, page by page; filters as for `events`."""
        while page := self.events(**filters):
            yield from page
            before, filters["before"] = filters.get("before"), page[-1]["id"]
            if before is not None and filters["before"] >= before:
                raise no_progress()

    def event(self, id: int) -> dict[str, Any]:
        """One entry; GovernanceError `not_found` if there is none."""
        return self._get(f"/mcp-audit/events/{segment(id)}")

    @contextmanager
    def export(
        self, fmt: str = "ndjson", *, from_id: int | None = None, to_id: int | None = None
    ) -> Iterator[Iterator[bytes]]:
        """The log as a stream of bytes, to be used in `with`:

            with client.export() as chunks:
                for chunk in chunks:
                    file.write(chunk)

        The timeout is for the head of the answer, and then for each wait for more bytes.
        Raises GovernanceError `export_incomplete` while reading if the export broke off;
        whether an NDJSON export has its trailer, `verify_export` says.
        """
        target = target_of("/mcp-audit/export", fmt=fmt, from_id=from_id, to_id=to_id)
        request = make_request("GET", target, None, None, accept="*/*")
        call = self._call(request, changes=False)
        connection = call.run(lambda: open_stream(call, self._timeout), self._sleep)
        try:
            yield complete_chunks(call, connection)
        finally:
            connection.close()

    # --- Checkpoints and proofs -------------------------------------------------------

    def checkpoint(self) -> str:
        """The signed checkpoint of all there is, a note: keep it where nobody else writes.

        With `audit_key` it is one that this key signed, or `invalid_answer`. GovernanceError
        `signing_key_missing` where the service has no key.
        """
        return self._get_text(
            "/mcp-audit/checkpoint",
            lambda note: signed_checkpoint(note, self._audit_key) is not None,
            "a checkpoint of the log",
        )

    def checkpoint_key(self) -> str:
        """The verifier key that the service claims. A key to pin comes from elsewhere."""
        found = self._get_text(
            "/mcp-audit/checkpoint/key", lambda key: "+" in key, "a verifier key"
        )
        return found.strip()

    def inclusion_proof(self, id: int, size: int | None = None) -> dict[str, Any]:
        """`{ index, size, hashes, checkpoint }` of an entry, to be held against its
        `entry_hash` by `verify_inclusion`."""
        return self._get_proof(
            "/mcp-audit/proof/inclusion",
            lambda proof: is_inclusion(proof, self._audit_key) and proof["index"] == id - 1,
            "an inclusion proof of this entry",
            id=id,
            size=size,
        )

    def consistency_proof(self, from_: int, to: int | None = None) -> dict[str, Any]:
        """`{ from, to, hashes, checkpoint }` from one size of the log to a later one, to be
        held against a checkpoint that was kept by `verify_consistency`."""
        return self._get_proof(
            "/mcp-audit/proof/consistency",
            lambda proof: is_consistency(proof, self._audit_key) and proof["from"] == from_,
            "a consistency proof from this size",
            **{"from": from_, "to": to},
        )

    # --- Erasure and legal holds ------------------------------------------------------

    def erase(
        self, id: int, reason: str, legal_basis: str, *, request_id: str | None = None
    ) -> dict[str, Any]:
        """Erases the details of an entry: `{ count, audit }`, the entry that attests it.

        GovernanceError `legal_hold` where it is held, `never_erased` where it may not be.
        """
        body = {"reason": reason, "legal_basis": legal_basis}
        path = f"/mcp-audit/events/{segment(id)}/erase"
        return self._post(
            path, body, request_id, lambda found: is_erasure(found, "count"), "an erasure"
        )

    def retention(
        self,
        before: str,
        reason: str,
        legal_basis: str,
        *,
        event_type: str | None = None,
        request_id: str | None = None,
    ) -> dict[str, Any]:
        """Erases the details of entries older than a time (RFC 3339 with an offset), of one
        type or of all: `{ count, skipped_held, more, audit }`; `more` says to ask again."""
        body = {"before": before, "reason": reason, "legal_basis": legal_basis}
        return self._post(
            "/mcp-audit/retention",
            {**body, **given(event_type=event_type)},
            request_id,
            lambda found: is_erasure(found, "count", "skipped_held"),
            "a run of retention",
        )

    def hold(
        self,
        reason: str,
        *,
        subject: str | None = None,
        first_id: int | None = None,
        last_id: int | None = None,
        request_id: str | None = None,
    ) -> dict[str, Any]:
        """Keeps the entries of a subject, or from `first_id` to `last_id`, from being erased."""
        body = {"reason": reason, **given(subject=subject, first_id=first_id, last_id=last_id)}
        return self._post(
            "/mcp-audit/holds",
            body,
            request_id,
            lambda found: is_hold(found, released=False, **body),
            "this hold",
        )

    def release(self, id: int, reason: str, *, request_id: str | None = None) -> dict[str, Any]:
        """Ends a hold; GovernanceError `already_released` where that was done before."""
        return self._post(
            f"/mcp-audit/holds/{segment(id)}/release",
            {"reason": reason},
            request_id,
            lambda found: is_hold(found, released=True, id=id),
            "this hold, released",
        )

    def holds(self, *, limit: int | None = None, before: int | None = None) -> list[dict[str, Any]]:
        """One page of holds, newest first, also those that were released."""
        return self._get("/mcp-audit/holds", limit=limit, before=before)
