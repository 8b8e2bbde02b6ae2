"""Which request may be sent again, and when. docs/API.md, Errors."""

from __future__ import annotations

import email.utils
import random
import time

# Seconds: the first wait is at most FIRST, doubled each time, never more than LONGEST.
FIRST = 0.2
LONGEST = 5.0
# Later than any deadline.
LONGEST_RETRY_AFTER = 2.0**31


def may_repeat(status: int, code: str | None, *, repeatable: bool) -> bool:
    """Whether an error answer allows the request to be sent again.

    `repeatable`: coming twice it does what it does coming once, because it changes nothing or
    has a key. If not, only where nothing was changed: 429, and 503 of the control plane itself
    (it has a code) other than `outcome_unknown`.
    """
    if status == 429:
        return True
    if not repeatable:
        return status == 503 and code not in (None, "outcome_unknown")
    return status in (502, 503, 504)


def is_unknown(status: int, code: str | None) -> bool:
    """Whether a change may have been made although the answer does not say so.

    A 4xx changes nothing, nor does a 503 that the control plane explains by its code. A
    503 of something in between explains nothing.
    """
    if 400 <= status < 500:
        return False
    return status != 503 or code in (None, "outcome_unknown")


def parse_retry_after(value: str | None) -> float | None:
    """Seconds (RFC 9110, 10.2.3: decimal seconds or a date); None if there are none."""
    if value is None:
        return None
    if value.isascii() and value.isdigit():
        return min(float(value), LONGEST_RETRY_AFTER)
    try:
        at = email.utils.parsedate_to_datetime(value).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
    return max(0.0, at - time.time())


def wait_before(attempt: int, retry_after: float | None) -> float:
    """Seconds to wait before attempt 2, 3, …: full jitter, never less than Retry-After."""
    jitter = random.uniform(0, min(LONGEST, FIRST * 2.0 ** (attempt - 2)))
    return (retry_after or 0.0) + jitter
