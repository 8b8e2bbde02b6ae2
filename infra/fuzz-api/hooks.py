"""What schemathesis cannot read from the document: NDJSON, and rules that no JSON Schema can state.

Loaded by `schemathesis run` as SCHEMATHESIS_HOOKS, see run.ts.
"""

import json
import re

import schemathesis

NDJSON = "application/x-ndjson"
SAFE = 2**53 - 1

# Valid by the document, refused for a relation between two values or to what the log holds: docs/API.md names each.
# A refusal of a valid request with any other reason is a failure.
RELATIONS = re.compile(
    r"must not be smaller than (first_id|from_id)$"
    r"|must be at most (size, )?\d+$"
    r"|ends at \d+: there is nothing to verify$"
)
# Refusals of something too large, whatever else is wrong with it.
TOO_LARGE = (413, 414, 431)
REJECTED_VALID = "RejectedPositiveData"
ACCEPTED_INVALID = "AcceptedNegativeData"


@schemathesis.serializer(NDJSON)
def write_ndjson(context, value):
    """The document describes NDJSON as the array of its lines."""
    if isinstance(value, bytes):
        return value
    lines = value if isinstance(value, list) else [value]
    return "\n".join(json.dumps(line) for line in lines).encode()


@schemathesis.deserializer(NDJSON)
def read_ndjson(context, response):
    # Not splitlines(), which ends a line at U+2028 and others too.
    lines = response.content.decode().split("\n")
    return [json.loads(line) for line in lines if line]


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """False for what is no contradiction between service and document."""
    kind = type(failure).__name__
    if kind == REJECTED_VALID:
        return not is_relation(response)
    if kind == ACCEPTED_INVALID:
        return response.status_code not in TOO_LARGE and not only_large_floats(case)
    return True


def is_relation(response):
    problem = json.loads(response.content)
    reasons = [item["message"] for item in problem.get("errors", [])] or [problem["detail"]]
    return problem["code"] == "invalid_request" and all(RELATIONS.search(reason) for reason in reasons)


def only_large_floats(case):
    """Whether its numbers beyond 2^53-1 are all written with an exponent, which is taken; the schema sees no text."""
    large = [number for number in numbers_of(case.body) if abs(number) > SAFE]
    return len(large) > 0 and all(isinstance(number, float) for number in large)


def numbers_of(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [number for item in value for number in numbers_of(item)]
    return [value] if isinstance(value, (int, float)) and not isinstance(value, bool) else []
