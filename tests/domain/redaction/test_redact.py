"""Secrets go, and what a person needs stays."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unjam.domain.redaction.redact import REDACTED, redact, secret_cells, secrets_among

# Put together here, so that no scanner of this repository takes them for real ones.
SECRETS = {
    "an API key": "sk-" + "ant-api03-abcdefghijkl1234567890",
    "a GitHub token": "ghp" + "_16C7e42F292c6912E7710c838347Ae178B4a",
    "a fine-grained one": "github" + "_pat_11ABCDEFG0aBcDeFgHiJkL_mnopqrstuv",
    "a key of a cloud": "AKIA" + "IOSFODNN7EXAMPLE",
    "a web token": "eyJ" + "hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
    "a random word": "Kd83hfGh38fkLq0293hfKWp2ks",
    "a cut-off key": "MIIEpAIBAAKCAQEA7bq9Zx81Kq77LmPo0vTt5sWnYh2Jc4Rd8Gf6Xe3Ua1Bi9Ck+/=",
}
NAMED = {
    "a variable": "export DB_PASSWORD=hunter2hunter2",
    "JSON": '{"api_key": "hunter2hunter2"}',
    "Python": "client(token='hunter2hunter2')",
    "an option": "aider --api-key hunter2hunter2 --model x",
    "an address": "postgresql://me:hunter2hunter2@host/db",
    "a header": "Authorization: Basic hunter2hunter2",
    "prose": "the password is hunter2hunter2",
    "YAML": "client_secret: hunter2hunter2",
    "lines of YAML": "db:\n  password: |\n    hunter2\n    hunter2hunter2\n  host: here",
    "a list": "api_keys:\n  - hunter2hunter2\n",
    "a list in JSON": '{"tokens": ["hunter2hunter2"]}',
    "JSON in a string": r'"{\"password\": \"hunter2 hunter2\"}"',
    "a header in JSON": '{"Authorization": "Basic hunter2hunter2"}',
    "a header as a pair": "('x-api-key', 'hunter2hunter2')",
    "XML": "<db><password>hunter2hunter2</password></db>",
    "marks within it": "PASSWORD=a,b&c;d'hunter2",
    "lines in quotes": 'token="a\nhunter2hunter2"',
    "a key by its end alone": "STRIPE_KEY=hunter2hunter2",
    "a container's variable": "- name: DB_PASSWORD\n  value: hunter2hunter2",
    "an address with a mark": "postgres://me:a@hunter2@host/db",
    "a token as user": "https://hunter2hunter2@github.com/a/b.git",
    "a signed address": "https://host/a?sv=1&sig=hunter2hunter2&se=2",
    "SQL": "ALTER USER me WITH PASSWORD 'hunter2'",
    "a login file": "machine host login me password hunter2",
    "a user of curl": "curl -u me:hunter2 https://host",
    "in colour": "\x1b[1mpassword\x1b[0m: \x1b[31mhunter2\x1b[0m",
    "the rest of a key": "hunter2\n-----END RSA " + "PRIVATE KEY-----",
    "a key of a mail": "-----BEGIN PGP " + "PRIVATE KEY BLOCK-----\nhunter2",
}
KEPT = (
    "refs/unjam/20261123T012103Z-4084/worktree/agent-4-ws-04",
    "commit 112b33906e0f4b0651e7c8f8abe447e600841520",
    "tests/test_Foo.py::TestBar::test_that_something_holds_2",
    "unjam recover orchestrator_crash --plan 0123456789abcdef",
    "total tokens: 15234, author: Person",
    "row ws-15 is running since 2026-11-22T15:00:00+00:00",
)


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_a_secret_is_known_by_its_shape_wherever_it_stands(secret: str) -> None:
    for text in (secret, f"failed with {secret}: retry", f'["{secret}"]', f"x={secret}\n"):
        assert secret not in redact(text).text


@pytest.mark.parametrize("text", NAMED.values(), ids=NAMED)
def test_a_secret_is_known_by_what_names_it(text: str) -> None:
    cleaned = redact(text)

    assert "hunter2" not in cleaned.text
    assert REDACTED in cleaned.text


@pytest.mark.parametrize("text", KEPT)
def test_what_a_person_needs_stays(text: str) -> None:
    assert redact(text).text == text


def test_a_private_key_goes_whole_even_when_its_end_is_missing() -> None:
    begin = "-----BEGIN RSA " + "PRIVATE KEY-----"
    end = begin.replace("BEGIN", "END")

    whole = redact(f"before\n{begin}\nabc\ndef\n{end}\nafter").text

    assert whole == f"before\n{REDACTED}\nafter"
    assert redact(f"before\n{begin}\nabc\ndef").text == f"before\n{REDACTED}"


def test_what_was_found_by_its_name_is_told_so_that_it_is_known_without() -> None:
    found = redact("password=correct-horse").found

    assert found == {"correct-horse"}
    assert redact("it said correct-horse twice", found).text == f"it said {REDACTED} twice"


@given(
    st.text(string.printable, min_size=8, max_size=60), st.text(max_size=40), st.text(max_size=40)
)
def test_what_is_known_never_stays(secret: str, before: str, after: str) -> None:
    assert secret not in redact(f"{before}{secret}{after}", [secret]).text or secret in REDACTED


def test_variables_are_secret_by_name_or_look_and_a_directory_is_none() -> None:
    environment = [
        ("MY_TOKEN", "hunter2hunter2"),
        ("DEPLOY_KEY", "correct-horse"),
        ("HARMLESS", SECRETS["a GitHub token"]),
        ("PWD", "/home/person/project"),
        ("LANG", "en_GB.UTF-8"),
        ("DATABASE_URL", "postgres://me:open-sesame@host/db"),
        ("DB_PASS", "swordfi"),
        ("SHORT_PASSWORD", "abc"),
    ]

    assert secrets_among(environment) == {
        "hunter2hunter2",
        "correct-horse",
        SECRETS["a GitHub token"],
        "postgres://me:open-sesame@host/db",
        "open-sesame",
        "swordfi",
    }
    assert (
        redact("it said swordfi. A swordfish.", ["swordfi"]).text
        == f"it said {REDACTED}. A swordfish."
    )


def test_a_cell_is_secret_by_its_column_or_by_the_setting_beside_it() -> None:
    assert secret_cells(("id", "api_token"), [("ws-1", "hunter2")]) == {"hunter2"}
    assert secret_cells(("key", "value"), [("db_password", "hunter2"), ("host", "here")]) == {
        "hunter2"
    }
    wide = ("ws-auth", "completed", "agent-1", "core")
    assert secret_cells(("workstream_id", "status", "agent_id", "track"), [wide]) == set()


def test_one_long_line_is_read_in_one_pass() -> None:
    for part in ("a", "-", "://a:", "token "):
        assert redact(part * (200_000 // len(part))).text
