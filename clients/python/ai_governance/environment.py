"""Credentials of the command line: from the environment, because every process sees arguments."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ai_governance.credentials import Token
from ai_governance.text import UsageError


def token_of(environment: Mapping[str, str]) -> Token | None:
    """AIGOV_TOKEN, or what is in the file of AIGOV_TOKEN_FILE when it is asked for.

    Raises UsageError.
    """
    text = environment.get("AIGOV_TOKEN", "").strip()
    path = environment.get("AIGOV_TOKEN_FILE", "")
    if text and path:
        raise UsageError("Set one of AIGOV_TOKEN and AIGOV_TOKEN_FILE, not both.")
    return (lambda: token_in(path)) if path else text or None


def token_in(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise UsageError(f"AIGOV_TOKEN_FILE: {path} cannot be read: {why}.") from None


def allow_insecure_of(environment: Mapping[str, str]) -> bool:
    """Raises UsageError."""
    text = environment.get("AIGOV_ALLOW_INSECURE", "")
    if text in ("true", "1"):
        return True
    if text in ("", "false", "0"):
        return False
    raise UsageError("AIGOV_ALLOW_INSECURE is true or false.")


def refuse_token_option(arguments: Sequence[str]) -> None:
    """Raises UsageError for a token among the arguments, before anything repeats it."""
    if any(re.match(r"--token(=|$)", argument) for argument in arguments):
        raise UsageError(
            "A token is never given on the command line, where every process of this machine can "
            "read it: set AIGOV_TOKEN, or AIGOV_TOKEN_FILE to the path of a file with it. Make a "
            "new one if this one was real."
        )
