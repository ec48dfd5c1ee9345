"""`export`, `suppress` and `holdout` on the command line: what they print, write and refuse."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from audience_graph.cli import audience_graph
from audience_graph.config import Connections
from audience_graph.errors import AudienceGraphError
from audience_graph.vectors.store import Store
from sending.receiver import receiving
from sending.world import USERS, build

pytestmark = pytest.mark.usefixtures("clean_stores")


@pytest.fixture
def env(connections: Connections, store: Store) -> dict[str, str]:
    build(store)
    return {
        **os.environ,
        "NEO4J_URI": connections.neo4j_uri,
        "NEO4J_USERNAME": connections.neo4j_username,
        "NEO4J_PASSWORD": connections.neo4j_password,
        "NEO4J_DATABASE": connections.neo4j_database,
        "DATABASE_URL": connections.database_url,
        "AUDIENCE_GRAPH_ACTOR": "bo",
    }


def run(env: dict[str, str], *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "audience_graph.cli", *words], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_send_list_show_and_hold_out(env: dict[str, str], store: Store, tmp_path: Path) -> None:
    listed = tmp_path / "no.txt"
    listed.write_text("\n".join(USERS[:20]) + "\n")
    said = json.loads(run(env, "suppress", "add", str(listed), "--reason", "asked", "--json").stdout)
    assert (said["given"], said["users"], said["rows"]) == (20, None, [{"reason": "asked", "users": None}])
    run(env, "holdout", "set", "spring", "--share", "0.1")
    shown = run(env, "holdout", "show", "spring", "--json")
    assert json.loads(shown.stdout)["rows"] == [
        {"arm": "treatment", "share": 0.9},
        {"arm": "holdout", "share": 0.1},
    ]
    path = tmp_path / "spring.csv"
    words = ["--column", "user_id", "--column", "arm", "--hashed", "mail=google-email", "--chunk-rows", "100"]
    done = run(env, "export", "send", "spring", "--to", str(path), *words)
    assert "mode replace" in done.stderr
    assert "under 100" in done.stdout
    header = (tmp_path / "spring.0001.csv").read_text().splitlines()[0]
    assert header == '"user_id","arm","mail_google_email"'
    found = json.loads(run(env, "export", "list", "spring", "--json").stdout)["rows"]
    assert [(one["status"], one["made_by"], one["to"]) for one in found] == [("done", "bo", str(path))]
    facts = json.loads(run(env, "export", "show", str(found[0]["id"]), "--json").stdout)
    assert (facts["status"], facts["mode"], facts["compared_with"]) == ("done", "replace", None)
    steps = {row["step"]: row["users"] for row in facts["rows"]}
    assert (steps["in_snapshot"], steps["suppressed"]) == (300, None)
    assert steps["sent"] % 10 == 0
    run(env, "suppress", "remove", str(listed))
    with store.transaction() as tx:
        assert tx.rows("SELECT count(*) AS n FROM suppression") == [{"n": 0}]


def test_a_stopped_webhook_is_resumed(env: dict[str, str]) -> None:
    with receiving() as receiver:
        receiver.answer = lambda n: (400, {}) if n == 1 else (200, {})
        done = run(env, "export", "send", "spring", "--to", receiver.url, "--chunk-rows", "100", code=1)
        assert done.stderr.splitlines()[-2].startswith("Error: export 1 stopped at chunk 2 of 3")
        assert "resume 1" in done.stderr.splitlines()[-1]
        told = json.loads(run(env, "export", "resume", "1", "--json").stdout)
        assert (told["status"], told["chunks_sent"]) == ("done", 3)
        assert receiver.users() == USERS


def test_approval_is_switched(env: dict[str, str], tmp_path: Path) -> None:
    run(env, "export", "approval", "on")
    done = run(env, "export", "send", "spring", "--to", str(tmp_path / "a.csv"), code=1)
    assert "is a draft" in done.stderr
    run(env, "export", "approval", "off")
    run(env, "export", "send", "spring", "--to", str(tmp_path / "a.csv"))


def test_expected_errors_are_one_line_and_a_hint(env: dict[str, str], tmp_path: Path) -> None:
    to = ("--to", str(tmp_path / "a.csv"))
    (tmp_path / "bad.txt").write_bytes(b"u1\n\xff\n")
    (tmp_path / "spaced.txt").write_text("u1\n u2\nu3 \n")
    (tmp_path / "empty.txt").write_text("\n\n")
    for words, message in (
        (("export", "send", "winter", *to), "no snapshot of an audience 'winter'"),
        (("export", "send", "spring", *to, "--purpose", "ads"), "no consent for a purpose 'ads'"),
        (("export", "send", "spring", *to, "--hashed", "mail"), "is not COLUMN=FORM"),
        (("export", "send", "spring", *to, "--hashed", "mail=md5"), "no normal form 'md5'"),
        (("export", "send", "spring", *to, "--snapshot", "77"), "no snapshot 77"),
        (("export", "send", "spring", "--to", "http://example.com/"), "by https only"),
        (("export", "resume", "7"), "no export 7"),
        (("export", "abandon", "7"), "no export 7"),
        (("suppress", "add", str(tmp_path / "no file"), "--reason", "x"), "cannot read"),
        (("suppress", "add", str(tmp_path / "bad.txt"), "--reason", "x"), "is not UTF-8 text"),
        (("suppress", "add", str(tmp_path / "spaced.txt"), "--reason", "x"), "row 2: expected an id without space"),
        (("suppress", "add", str(tmp_path / "empty.txt"), "--reason", "x"), "names nobody"),
        (("suppress", "add", str(tmp_path / "spaced.txt"), "--reason", " "), "not all are user ids"),
        (("holdout", "set", "spring"), "pass a share"),
        (("holdout", "set", "spring", "--arm", "a=x"), "is not NAME=SHARE"),
        (("holdout", "set", "winter", "--share", "0.1"), "no audience 'winter'"),
    ):
        done = CliRunner(env=env).invoke(audience_graph, words)  # in this process: sixteen others take a minute
        assert isinstance(done.exception, AudienceGraphError), words
        assert message in " ".join([done.exception.message, *map(str, getattr(done.exception, "problems", ()))])
        assert done.stdout == ""
    assert not (tmp_path / "a.csv").exists()
