"""The client: one method for each thing that the control plane does."""

from __future__ import annotations

from typing import Any

from ai_governance.calls import given, new_key, no_progress, segment
from ai_governance.credentials import Token
from ai_governance.errors import GovernanceError
from ai_governance.expected import is_decision, is_record_of
from ai_governance.gate import GateCalls

DEFAULT_URL = "http://127.0.0.1:8080"


class Client(GateCalls):
    """Calls the gateway at `base_url`.

    `timeout` is the time in seconds for a call as a whole, waiting and retries included.
    `retries` is how often a request is sent again at most. Reads and decisions are sent
    again on a lost connection and on 429, 502, 503 and 504, and so is what has an idempotency
    key: `log`, `log_batch` and `register` make one for each call unless they are given one.
    Any other change is sent again only on 429 and on a 503 that says nothing was changed.

    `audit_key` is the verifier key of the log, got elsewhere: then checkpoints and proofs
    that it did not sign, or that do not hold, are `invalid_answer`.

    `token` is sent as `Authorization: Bearer`, to the gateway alone: a text, or a function that
    is asked before each attempt, such as one that refreshes a token of OpenID Connect. Over
    http to another machine, where others may read it, it goes only with `allow_insecure`.

    Answers are what docs/API.md says, as Python values. Every method raises
    GovernanceError.
    """

    def __init__(
        self,
        base_url: str = DEFAULT_URL,
        *,
        timeout: float = 15.0,
        retries: int = 3,
        audit_key: str | None = None,
        token: Token | None = None,
        allow_insecure: bool = False,
    ) -> None:
        super().__init__(base_url, timeout, retries, audit_key, token, allow_insecure)

    # --- The stack --------------------------------------------------------------------

    def services(self) -> dict[str, Any]:
        """`GET /mcp`: `{ services, directory }`."""
        return self._get("/mcp")

    def status(self) -> dict[str, Any]:
        """Whether everything is ready: `{ url, ready, gateway, services, policy }`.

        `gateway` and each of `services` is `{ ready, missing }`; `policy` is `{ name,
        version, digest }` of the set that decides, or null. Raises only if the gateway
        does not answer, or takes the caller for nobody. `policy` is null too where the
        caller may not know it.
        """
        names = self.services()["services"]
        gateway = self._readiness("/readyz")
        services = {name: self._readiness(f"/{segment(name)}/readyz") for name in names}
        policy = None
        if services.get("mcp-policy", {}).get("ready"):
            policy = self._policies_shown()
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
            # Of the caller, these say nothing about a service.
            if error.code in ("unauthorized", "token_unavailable"):
                raise
            missing = [f"{item.get('path')} {item.get('message')}" for item in error.errors]
            return {"ready": False, "missing": missing or [str(error)]}
        return {"ready": True, "missing": []}

    def _policies_shown(self) -> dict[str, Any] | None:
        try:
            known = self.policies()
        except GovernanceError as error:
            if error.code == "insufficient_scope":
                return None
            raise
        return {name: known[name] for name in ("name", "version", "digest")}

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
        idempotency_key: str | None = None,
    ) -> dict[str, Any]:
        """Registers a model version; the record, committed with its log entry."""
        body = {
            "model_id": model_id,
            "version": version,
            "created_by": created_by,
            **given(artifacts=artifacts, parents=parents, metadata=metadata, aibom=aibom),
        }
        key = new_key() if idempotency_key is None else idempotency_key
        return self._post(
            "/mcp-lineage/register",
            body,
            request_id,
            lambda found: is_record_of(found, body),
            "the record of this registration",
            key=key,
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

    # --- Verification -----------------------------------------------------------------

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
        return self._get(f"/{segment(service)}/verify", from_id=from_id, limit=limit)

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
