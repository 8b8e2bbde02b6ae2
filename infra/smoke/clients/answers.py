"""Makes calls with the Python client and prints what came of each.

Standard input is a JSON array of { "method", "args", "kwargs" }; the arguments are the URL of a gateway and the
verifier key of its log.
Standard output is an array of the same length: { "ok": answer } or { "error": { ... } }.
"""

import json
import sys

from ai_governance import Client, GovernanceError

client = Client(sys.argv[1], audit_key=sys.argv[2])
answers = []
for call in json.load(sys.stdin):
    try:
        answers.append({"ok": getattr(client, call["method"])(*call["args"], **call["kwargs"])})
    except GovernanceError as error:
        members = ("status", "code", "detail", "errors")
        answers.append({"error": {name: getattr(error, name) for name in members}})
json.dump(answers, sys.stdout)
