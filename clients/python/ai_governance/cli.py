"""The command line: aigov-py, or python3 -m ai_governance."""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
from collections.abc import Callable

import verify_export
from ai_governance import commands, gate_commands
from ai_governance.client import DEFAULT_URL, Client
from ai_governance.environment import allow_insecure_of, refuse_token_option, token_of
from ai_governance.errors import GovernanceError
from ai_governance.text import UsageError, printable

DESCRIPTION = """Client of the AI Governance Control Plane.

Where the gateway asks for credentials, AIGOV_TOKEN holds the token, or AIGOV_TOKEN_FILE the
path of a file with it. Results go to standard output, everything else to standard error."""

EXIT_CODES = """exit codes:
  0    done; allowed; verified
  1    something on this machine failed, such as writing a file
  2    the command or what it was given is not right
  3    denied by the policies
  4    not verified: the log, the lineage or a summary is not what it should be
  5    verified as far as the export goes, which is not all
  6    the gateway could not be reached, did not answer in time, or broke off
  7    the gateway or a service refused, is not ready, or did not answer as it should
  8    the export is consistent, and no key was pinned or nothing is signed
  9    the export is unusable: it is no NDJSON, or it broke off
  130  interrupted"""

HINTS = {
    "connection": "Is the stack running, and is --url (or AIGOV_URL) right?",
    "deadline": "Give it more time with --timeout, or look at: aigov-py status",
    "invalid_answer": "Is --url (or AIGOV_URL) the address of the gateway?",
    "unauthorized": "Put the token into AIGOV_TOKEN, or the path of a file into AIGOV_TOKEN_FILE.",
    "insufficient_scope": "The token counts, but is not for this: a key is given its scopes by "
    '"aigov keys create --scope".',
    "rate_limited": "Ask less often, or have the limits of the gateway raised.",
    "artifacts_conflict": "Register changed artifacts under a new version.",
    "no_subject": "A summary is about artifacts: name them in the payload, by their digests.",
    "event_type_reserved": "Choose an event type of your own, such as model.released.",
    "idempotency_conflict": "This key was used for something else: choose another, or none.",
}
# How many of the things that are wrong with a request are shown.
MOST_ERRORS = 20
UNREACHABLE = ("connection", "deadline", "export_incomplete")


Command = Callable[[Client, argparse.Namespace], int]


def make_parser() -> argparse.ArgumentParser:
    # The common options may stand before and after the command; suppressed defaults keep
    # the second parser from undoing what the first has read.
    common = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    common.add_argument("--url", help=f"the gateway; default AIGOV_URL, then {DEFAULT_URL}")
    common.add_argument("--timeout", type=float, help="seconds for each call, retries included; 30")
    common.add_argument("--json", action="store_true", help="the whole answer as a line of JSON")
    parser = argparse.ArgumentParser(
        prog="aigov-py",
        description=DESCRIPTION,
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[common],
    )
    verbs = parser.add_subparsers(dest="verb", metavar="command", required=True)

    def add(command: Command, text: str, example: str) -> argparse.ArgumentParser:
        name, epilog = command.__name__, f"example: {example}"
        verb = verbs.add_parser(name, help=text, description=text, epilog=epilog, parents=[common])
        verb.set_defaults(command=command)
        return verb

    add(commands.status, "show whether everything is ready", "aigov-py status")
    verb = add(
        commands.register,
        "register a model version",
        "aigov-py register --model-id fraud-detector --version 1.2.3 --created-by team-fraud",
    )
    verb.add_argument("file", nargs="?", help="JSON object with the members, - for standard input")
    verb.add_argument("--model-id")
    verb.add_argument("--version")
    verb.add_argument("--created-by", help="a pseudonym: it stays for ever")
    verb.add_argument("--artifact", action="append", help="a digest; may be repeated")
    verb.add_argument("--metadata", metavar="FILE", help="JSON object of your own")
    verb.add_argument("--idempotency-key", metavar="KEY", help="done once, however often sent")
    verb.add_argument("--aibom", metavar="FILE", help="signed bill of materials")
    add_decisions(add)
    verb = add(
        commands.log,
        "put an event on the log",
        "aigov-py log --event-type model.released --subject m@1 --decision true",
    )
    verb.add_argument("file", nargs="?", help="JSON object with the members, - for standard input")
    verb.add_argument("--event-type")
    verb.add_argument("--subject", help="a pseudonym: it stays for ever")
    verb.add_argument("--decision", choices=("true", "false"))
    verb.add_argument("--details", metavar="JSON|FILE", help="JSON object, or a file with one")
    verb.add_argument("--idempotency-key", metavar="KEY", help="done once, however often sent")
    verb = add(commands.export, "take the log away", "aigov-py export --out export.ndjson")
    verb.add_argument("--out", metavar="FILE", default="-", help="default -, standard output")
    verb.add_argument("--format", choices=("ndjson", "json", "csv"), default="ndjson")
    verb.add_argument("--from-id", type=int, metavar="ID", help="first entry")
    verb.add_argument("--to-id", type=int, metavar="ID", help="last entry")
    verb.add_argument("--force", action="store_true", help="replace the file if it is there")
    verb = add(
        commands.verify,
        "verify an export; without a file, let the services check themselves",
        "aigov-py verify export.ndjson --key verifier-key.txt --checkpoint kept.txt",
    )
    verb.add_argument("file", nargs="?", help="an NDJSON export, - for standard input")
    verify_export.add_options(verb)
    return parser


def add_decisions(add: Callable[[Command, str, str], argparse.ArgumentParser]) -> None:
    """The commands of `gate_commands`."""
    verb = add(
        gate_commands.validate,
        "ask whether a model may be released",
        "aigov-py validate payload.json",
    )
    add_payload(verb)
    verb = add(
        gate_commands.gate,
        "have it decided whether a model may be released, and recorded",
        "aigov-py gate payload.json --subject fraud-detector@1.2.3 --proof --out receipt.json",
    )
    add_payload(verb)
    verb.add_argument("--subject", required=True, help="a pseudonym: it stays for ever")
    record = "full: the payload goes on record too; digest (default): its digest"
    verb.add_argument("--record", choices=("digest", "full"), default="digest", help=record)
    verb.add_argument("--proof", action="store_true", help="with the proof that the log holds it")
    key = "asked again under it, the first decision is the answer"
    verb.add_argument("--idempotency-key", metavar="KEY", help=key)
    verb.add_argument(
        "--out", metavar="FILE", help="write the whole answer, the receipt, to a file"
    )
    verb.add_argument("--force", action="store_true", help="replace the file of --out")
    verb = add(
        gate_commands.vsa,
        "fetch a decision of the gate as a signed SLSA Verification Summary, and verify it",
        "aigov-py vsa 7 --key log.vkey --artifact sha256:9f86…",
    )
    verb.add_argument("id", type=entry_id, help="of the log entry")
    key = "verifier key of the log, or a file with it, from somebody you trust"
    verb.add_argument("--key", required=True, help=key)
    artifact = "digest that must be among those that were decided about"
    verb.add_argument("--artifact", metavar="DIGEST", type=digest, help=artifact)
    verb.add_argument("--out", metavar="FILE", help="write the envelope to a file, if it verifies")
    verb.add_argument("--force", action="store_true", help="replace the file of --out")


def add_payload(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("file", help="JSON object with the payload, - for standard input")
    verb.add_argument("--aibom", metavar="FILE", help="signed bill, put into the payload")


def entry_id(text: str) -> int:
    if not re.fullmatch("[1-9][0-9]{0,15}", text):
        raise argparse.ArgumentTypeError("it must be the position of an entry, such as 7")
    return int(text)


def digest(text: str) -> str:
    if not re.fullmatch("[a-z0-9-]+:[0-9a-f]{64,128}", text):
        raise argparse.ArgumentTypeError("it must be a digest, such as sha256:… in hex")
    return text


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; the exit code."""
    try:
        refuse_token_option(sys.argv[1:] if arguments is None else arguments)
    except UsageError as error:
        return say(str(error), commands.USAGE)
    options = make_parser().parse_args(arguments)
    options.json = getattr(options, "json", False)
    url = getattr(options, "url", None) or os.environ.get("AIGOV_URL") or DEFAULT_URL
    try:
        client = Client(
            url,
            timeout=getattr(options, "timeout", 30.0),
            token=token_of(os.environ),
            allow_insecure=allow_insecure_of(os.environ),
        )
        return options.command(client, options)
    except UsageError as error:
        return say(str(error), commands.USAGE)
    except GovernanceError as error:
        return explain(error)
    except (KeyError, TypeError) as error:
        # The shape of an answer is not checked member by member.
        detail = f"{type(error).__name__} {error}"
        return say(f"the answer is not what this API answers ({detail})", commands.REFUSED)
    except BrokenPipeError:
        # Who reads the output has seen enough. Without this, closing it fails once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return commands.FAILED
    except OSError as error:
        return say(f"{error.filename or 'output'}: {error.strerror}", commands.FAILED)
    except KeyboardInterrupt:
        return commands.INTERRUPTED


def explain(error: GovernanceError) -> int:
    """What a failed call means, on standard error; the exit code."""
    if isinstance(error.__cause__, UsageError):
        return say(str(error.__cause__), commands.USAGE)
    lines = [str(error)]
    lines += [f"  {item.get('path')}: {item.get('message')}" for item in error.errors[:MOST_ERRORS]]
    if len(error.errors) > MOST_ERRORS:
        lines.append(f"  and {len(error.errors) - MOST_ERRORS} more")
    if error.outcome_unknown and error.idempotency_key:
        again = f"--idempotency-key {error.idempotency_key}"
        lines.append(f"Send it again with {again}, under which it is made once.")
    if error.code in HINTS:
        lines.append(HINTS[error.code])
    if error.request_id:
        lines.append(f"request {error.request_id}")
    code = commands.REFUSED
    if error.code in ("invalid_argument", "token_unavailable"):
        code = commands.USAGE
    elif error.code in UNREACHABLE:
        code = commands.UNREACHABLE
    return say("\n".join(printable(line) for line in lines), code, safe=True)


def say(text: str, code: int, *, safe: bool = False) -> int:
    print(f"aigov-py: {text if safe else printable(text)}", file=sys.stderr)
    return code


def run() -> None:
    """Runs the command and ends the process with its exit code."""
    # Whatever the locale is: a text of a model in any script must not end in a traceback.
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            # So that what is half written is removed, as after Ctrl-C.
            signal.signal(getattr(signal, name), signal.default_int_handler)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    sys.exit(main())
