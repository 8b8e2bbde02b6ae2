"""Tokens: where they go, where they never go, and what is said where they do not count."""

import tempfile
import traceback
import unittest
import unittest.mock
from pathlib import Path

from cli_case import CliTest
from client_case import ClientTest
from server import REFERENCE, Server, answer, hang_up, made, problem
from test_gate_cli import DECISION

from ai_governance import Client, GovernanceError

SECRET = "s3cr3T-_" * 5 + "s3c"
TOKEN = f"mcp_abcdefgh_{SECRET}"
OK = answer(200, {"ok": True})


class Tokens(ClientTest):
    def with_token(self, token, *scripts, **options):
        self.server = Server(self, *scripts)
        client = Client(self.server.url, token=token, **options)
        client._sleep = lambda seconds: None
        return client

    def sent(self):
        return [seen.headers.get("Authorization") for seen in self.server.seen]

    def test_a_token_is_sent_as_a_bearer_credential_with_each_call(self):
        client = self.with_token(TOKEN, OK)
        client.policies()
        with client.export() as chunks:
            list(chunks)
        self.assertEqual(self.sent(), [f"Bearer {TOKEN}"] * 2)
        self.serve(OK).policies()
        self.assertEqual(self.sent(), [None])

    def test_a_function_gives_the_token_of_each_attempt(self):
        tokens = iter(["first", "second"])
        client = self.with_token(lambda: next(tokens), problem(503, "overloaded"), made())
        self.assertEqual(client.log("e", "s", True)["id"], REFERENCE["id"])
        self.assertEqual(self.sent(), ["Bearer first", "Bearer second"])

    def test_where_the_function_fails_nothing_is_sent(self):
        def away():
            raise OSError("the issuer is away")

        for give in (away, lambda: "two words", lambda: None):
            client = self.with_token(give, OK)
            log = lambda client=client: client.log("e", "s", True)  # noqa: E731
            error = self.fails(log, "token_unavailable")
            self.assertIsNotNone(error.__cause__)
            self.assertFalse(error.outcome_unknown)
            self.assertEqual(self.server.seen, [])

    def test_a_token_is_never_carried_along_a_redirect(self):
        other = Server(self, OK)
        for status in (301, 302, 303, 307, 308):
            client = self.with_token(TOKEN, answer(status, b"", Location=f"{other.url}/mcp"))
            self.fails(client.policies, "invalid_answer")
            self.assertEqual(len(self.server.seen), 1)
        self.assertEqual(other.seen, [])

    def test_a_token_goes_over_http_to_this_machine_alone_unless_more_is_allowed(self):
        for host in ("10.0.0.1", "gov.example.org", "127.0.0.1.example.org", "[::2]"):
            with self.assertRaises(GovernanceError) as caught:
                Client(f"http://{host}:8080", token=TOKEN)
            self.assertEqual(caught.exception.code, "invalid_argument")
            self.assertIn("allow_insecure", str(caught.exception))
            Client(f"http://{host}:8080", token=TOKEN, allow_insecure=True)
            Client(f"https://{host}", token=TOKEN)
            Client(f"http://{host}:8080")
        for host in ("127.0.0.1", "127.8.8.8", "localhost", "[::1]", "LOCALHOST"):
            Client(f"http://{host}:8080", token=TOKEN)

    def test_what_is_no_token_is_refused_at_once_and_never_repeated(self):
        bad = ("", "a b", "a\n", "a\r\nX-Evil: 1", '"abc"', "é", "a=b", "x" * 8193, b"abc", 7)
        for token in bad:
            with self.subTest(token), self.assertRaises(GovernanceError) as caught:
                Client(token=token)
            self.assertEqual(caught.exception.code, "invalid_argument")
            if len(str(token)) > 2:
                self.assertNotIn(str(token), str(caught.exception))

    def test_a_call_that_is_refused_as_unauthorized_says_what_to_do_and_is_not_sent_again(self):
        for token, advice in ((None, "No token was sent"), (TOKEN, "does not count here")):
            client = self.with_token(token, problem(401, "unauthorized"))
            error = self.fails(lambda client=client: client.log("e", "s", True), "unauthorized")
            self.assertEqual((error.status, error.outcome_unknown), (401, False))
            self.assertIn("about unauthorized. ", error.detail)
            self.assertIn(advice, error.detail)
            self.assertIn("aigov keys create", error.detail)
            self.assertEqual(len(self.server.seen), 1)

    def test_a_missing_scope_is_not_sent_again(self):
        client = self.with_token(TOKEN, problem(403, "insufficient_scope"))
        self.assertEqual(self.fails(client.policies, "insufficient_scope").status, 403)
        self.assertEqual(len(self.server.seen), 1)

    def test_a_rate_limit_is_waited_for_as_long_as_the_time_of_the_call_allows(self):
        client = self.serve(problem(429, "rate_limited", Retry_After="7"), made())
        client.log("e", "s", True)
        self.assertGreaterEqual(self.waits[0], 7)
        client = self.serve(problem(429, "rate_limited", Retry_After="31"))
        self.assertEqual(self.fails(client.policies, "rate_limited").retry_after, 31)
        self.assertEqual(self.waits, [])

    def test_a_token_is_in_no_error(self):
        scripts = (problem(401, "unauthorized"), hang_up, answer(200, b"<html>"))
        clients = [self.with_token(TOKEN, script, retries=0) for script in scripts]
        clients.append(Client("http://127.0.0.1:1", token=TOKEN, retries=0))
        for client in clients:
            with self.assertRaises(GovernanceError) as caught:
                client.log("e", "s", True)
            error = caught.exception
            text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
            self.assertNotIn(SECRET, text + repr(vars(error)))
            self.assertNotIn(SECRET, repr(client))

    def test_status_says_that_the_caller_is_refused_not_that_services_are_not_ready(self):
        directory = answer(200, {"services": ["mcp-audit"]})
        client = self.with_token(TOKEN, directory, OK, problem(401, "unauthorized"))
        self.fails(client.status, "unauthorized")

    def test_status_goes_on_without_the_policies_where_the_key_is_not_for_them(self):
        directory = answer(200, {"services": ["mcp-policy"]})
        client = self.with_token(TOKEN, directory, OK, OK, problem(403, "insufficient_scope"))
        found = client.status()
        self.assertEqual((found["ready"], found["policy"]), (True, None))


class CommandLine(CliTest):
    def refused(self, *arguments, code=2, **environment):
        result = self.run_with(environment, *arguments, code=code)
        self.assertEqual(result.stdout, b"")
        self.assertNotIn(SECRET.encode(), result.stderr)
        return result.stderr.decode()

    def run_with(self, environment, *arguments, code=0):
        with unittest.mock.patch.dict("os.environ", environment):
            return self.run_it(*arguments, stdin=b'{"a":1}', code=code)

    def test_the_token_of_the_environment_is_sent(self):
        file = self.folder / "token"
        file.write_text(f"{TOKEN}\n")
        for environment in ({"AIGOV_TOKEN": TOKEN}, {"AIGOV_TOKEN_FILE": str(file)}):
            self.serve(answer(200, DECISION))
            self.run_with(environment, "validate", "-")
            self.assertEqual(self.server.seen[0].headers["Authorization"], f"Bearer {TOKEN}")

    def test_what_is_wrong_with_the_credentials_is_said_before_anything_is_sent(self):
        self.serve(answer(200, DECISION))
        with tempfile.TemporaryDirectory() as folder:
            none, empty, binary = (str(Path(folder) / name) for name in ("none", "empty", "binary"))
            Path(empty).write_text("")
            Path(binary).write_bytes(b"\xff")
            cases = (
                ({"AIGOV_TOKEN": TOKEN, "AIGOV_TOKEN_FILE": "x"}, "one of AIGOV_TOKEN and"),
                ({"AIGOV_TOKEN_FILE": none}, "cannot be read: No such file"),
                ({"AIGOV_TOKEN_FILE": binary}, "cannot be read: it is no text"),
                ({"AIGOV_TOKEN_FILE": empty}, "a token is 1 to"),
                ({"AIGOV_TOKEN": "two words"}, "a token is 1 to"),
                ({"AIGOV_TOKEN": TOKEN, "AIGOV_ALLOW_INSECURE": "perhaps"}, "true or false"),
            )
            for environment, said in cases:
                self.assertIn(said, self.refused("validate", "-", **environment))
        url = ("--url", "http://gov.example.org")
        self.assertIn("AIGOV_ALLOW_INSECURE=true", self.refused("status", *url, AIGOV_TOKEN=TOKEN))
        self.assertEqual(self.server.seen, [])

    def test_refusals_end_with_7_and_say_what_to_do(self):
        said = {401: "AIGOV_TOKEN_FILE", 403: "--scope", 429: "Ask less often"}
        codes = {401: "unauthorized", 403: "insufficient_scope", 429: "rate_limited"}
        for status, code in codes.items():
            self.serve(problem(status, code, Retry_After="31"))
            error = self.refused("validate", "-", code=7, AIGOV_TOKEN=TOKEN)
            self.assertIn(f"{code}: about {code}", error)
            self.assertIn(said[status], error)

    def test_a_token_on_the_command_line_is_refused_and_not_repeated(self):
        for arguments in (("status", "--token", TOKEN), (f"--token={TOKEN}", "status")):
            self.assertIn("AIGOV_TOKEN_FILE", self.refused(*arguments))


if __name__ == "__main__":
    unittest.main()
