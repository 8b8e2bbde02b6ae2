"""The client: one method for each thing that the control plane does."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlencode

from ai_governance.address import parse_address
from ai_governance.call import Call, make_request
from ai_governance.errors import GovernanceError, invalid_argument
from ai_governance.exchange import Request
from ai_governance.expected import is_decision, is_entry_of, is_record_of
from ai_governance.stream import complete_chunks, open_stream

DEFAULT_URL = "http://127.0.0.1:8080"


class Client:
    """Calls the gateway at `base_url`.

    `timeout` is the time in seconds for a call as a whole, waiting and retries included.
    `retries` is how often a request is sent again at most. Reads and decisions are sent
    again on a lost connection and on 429, 502, 503 and 504; what changes something only on
    429 and on a 503 that says nothing was changed.

    Answers are what docs/API.md says, as Python values. Every method raises
    GovernanceError.
    """

    def __init__(
        self, base_url: str = DEFAULT_URL, *, timeout: float = 15.0, retries: int = 3
    ) -> None:
        if not (isinstance(timeout, (int, float)) and 0 < timeout < math.inf):
            raise invalid_argument("timeout is a number of seconds above 0")
        if not isinstance(retries, int) or retries < 0:
            raise invalid_argument("retries is a number, 0 or more")
        self.base_url = base_url
        self._address = parse_address(base_url)
        self._timeout = timeout
        self._retries = retries
        self._sleep = time.sleep

    # --- The stack --------------------------------------------------------------------

    def services(self) -> dict[str, Any]:
        """`GET /mcp`: `{ services, directory }`."""
        return self._get("/mcp")

    def status(self) -> dict[str, Any]:
        """Whether everything is ready: `{ url, ready, gateway, services, policy }`.

        `gateway` and each of `services` is `{ ready, missing }`; `policy` is `{ name,
        version, digest }` of the set that decides, or null. Raises only if the gateway
        does not answer.
        """
        names = self.services()["services"]
        gateway = self._readiness("/readyz")
        services = {name: self._readiness(f"/{quote(name, safe='')}/readyz") for name in names}
        policy = None
        if services.get("mcp-policy", {}).get("ready"):
            known = self.policies()
            policy = {name: known[name] for name in ("name", "version", "digest")}
        ready = gateway["ready"] and all(service["ready"] for service in services.values())
        return {
            "url": self.base_url,
            "ready": ready,
            "gateway": gateway,
            "services": services,
            "policy": policy,
        }

    def _readiness(self, path: str) -> dict[str, Any]:
        try:
            self._get(path, retries=0)
        except GovernanceError as error:
            missing = [f"{item.get('path')} {item.get('message')}" for item in error.errors]
            return {"ready": False, "missing": missing or [str(error)]}
        return {"ready": True, "missing": []}

    # --- Lineage ----------------------------------------------------------------------

    def register(
        self,
        model_id: str,
        version: str,
        created_by: str,
        *,
        artifacts: list[str] | None = None,
        parents: list[dict[str, str]] | None = None,
        metadata: dict[str, Any] | None = None,
        aibom: dict[str, Any] | None = None,
        request_id: str | None = None,
    ) -> dict[str, Any]:
        """Registers a model version; the record, committed with its log entry."""
        body = {
            "model_id": model_id,
            "version": version,
            "created_by": created_by,
            **given(artifacts=artifacts, parents=parents, metadata=metadata, aibom=aibom),
        }
        what = "the record of this registration"
        return self._post(
            "/mcp-lineage/register", body, request_id, lambda found: is_record_of(found, body), what
        )

    def lineage(
        self,
        model_id: str,
        *,
        version: str | None = None,
        at: str | None = None,
        limit: int | None = None,
        before: int | None = None,
    ) -> list[dict[str, Any]]:
        """One page of the records of a model, newest first; empty for an unknown one."""
        # In the query, where every character of a model id may travel.
        query = {"model_id": model_id, "version": version, "at": at}
        return self._get("/mcp-lineage/lineage", **query, limit=limit, before=before)

    def models(self, *, limit: int | None = None, before: int | None = None) -> list[Any]:
        """One page of the latest records of each model."""
        return self._get("/mcp-lineage/models", limit=limit, before=before)

    # --- Policy -----------------------------------------------------------------------

    def validate(self, payload: dict[str, Any], *, request_id: str | None = None) -> dict[str, Any]:
        """The decision on a payload; `allowed` says what it is."""
        body = {"payload": payload}
        return self._post(
            "/mcp-policy/validate", body, request_id, is_decision, "a decision", changes=False
        )

    def policies(self) -> dict[str, Any]:
        """The policy set that decides."""
        return self._get("/mcp-policy/policies")

    # --- Audit ------------------------------------------------------------------------

    def log(
        self,
        event_type: str,
        subject: str,
        decision: bool,
        details: dict[str, Any] | None = None,
        *,
        request_id: str | None = None,
    ) -> dict[str, Any]:
        """Puts an event on the log; the entry as it was committed."""
        body = {
            "event_type": event_type,
            "subject": subject,
            "decision": decision,
            **given(details=details),
        }
        what = "the entry of this event"
        return self._post(
            "/mcp-audit/log", body, request_id, lambda found: is_entry_of(found, body), what
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
        return self._get(f"/mcp-audit/events/{quote(str(id), safe='')}")

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

    def verify(self) -> dict[str, Any]:
        """Lets the services check themselves: `{ ok, audit, lineage }`.

        Each is `{ ok, checked, first_bad_id, reason }`, walked step by step to the end;
        the timeout is for each step. To trust no service, verify an export.
        """
        audit = self._verify_all("/mcp-audit/verify", "entries")
        lineage = self._verify_all("/mcp-lineage/verify", "records")
        return {"ok": audit["ok"] and lineage["ok"], "audit": audit, "lineage": lineage}

    def verify_step(
        self, service: str, from_id: int | None = None, limit: int | None = None
    ) -> dict[str, Any]:
        """One step of `GET /verify` of mcp-audit or mcp-lineage, as it answers."""
        return self._get(f"/{quote(service, safe='')}/verify", from_id=from_id, limit=limit)

    # --- Below the methods ------------------------------------------------------------

    def _verify_all(self, path: str, counted: str) -> dict[str, Any]:
        checked, from_id = 0, None
        while True:
            step = self._get(path, from_id=from_id)
            checked += step[counted]
            following = step["next_from_id"]
            if step["ok"] is not True or following is None:
                found = {name: step[name] for name in ("first_bad_id", "reason")}
                return {"ok": step["ok"] is True, **found, "checked": checked}
            # What was not looked at must not pass for verified.
            if following <= (from_id or 1):
                raise no_progress()
            from_id = following

    def _call(self, request: Request, *, changes: bool, retries: int | None = None) -> Call:
        return Call(
            self._address,
            request,
            changes=changes,
            timeout=self._timeout,
            retries=self._retries if retries is None else retries,
        )

    def _get(self, path: str, retries: int | None = None, **query: Any) -> Any:
        request = make_request("GET", target_of(path, **query), None, None)
        call = self._call(request, changes=False, retries=retries)
        return call.run(call.exchange, self._sleep)

    def _post(
        self,
        path: str,
        body: Any,
        request_id: str | None,
        fits: Callable[[Any], bool],
        what: str,
        changes: bool = True,
    ) -> Any:
        """`fits`: whether an answer is `what` it must be. If not, nobody knows what was done."""
        request = make_request("POST", path, body, request_id)
        call = self._call(request, changes=changes)
        found = call.run(call.exchange, self._sleep)
        if not fits(found):
            raise GovernanceError(
                200,
                "invalid_answer",
                request.headers["X-Request-ID"],
                f"the answer is not {what}.",
                outcome_unknown=changes,
            )
        return found


def no_progress() -> GovernanceError:
    """Without it a loop over answers would never end."""
    return GovernanceError(200, "invalid_answer", None, "the next answer brings nothing new")


def given(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def target_of(path: str, **query: Any) -> str:
    texts = {name: query_text(value) for name, value in given(**query).items()}
    return path + ("?" + urlencode(texts, quote_via=quote, safe="") if texts else "")


def query_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
