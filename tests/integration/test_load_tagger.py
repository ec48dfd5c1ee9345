"""`load events --tagger` with a tagger trained here, against the dictionary in Neo4j, and its proposals."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from audience_graph import cli
from audience_graph.config import Connections, Home
from tagging.tiny import LEARNS, write_data, write_encoder

pytestmark = pytest.mark.usefixtures("clean_stores")

ENTITIES = [
    {"id": "msg", "name": "hot stone massage", "type": "service"},
    {"id": "gym", "name": "gym", "type": "service", "aliases": ["yoga"]},
    {"id": "skin", "name": "facial masks", "type": "service"},
]
TEXTS = ["i want hot stone massage in new york", "best yoga", "best face mask", "sauna near new york", "hello"]


def write(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


class Shell:
    """Runs commands of the command line in one data folder."""

    def __init__(self, home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.home, self._monkeypatch, self._capsys = home, monkeypatch, capsys

    def run(self, *arguments: str, code: int = 0) -> tuple[str, str]:
        folder = [] if arguments[0] == "train" else ["--data-dir", str(self.home.path)]
        self._monkeypatch.setattr(sys, "argv", ["audience-graph", *arguments, *folder])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        assert stop.value.code == code
        return self._capsys.readouterr()


@pytest.fixture
def shell(
    connections: Connections, home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    for name in ("neo4j_uri", "neo4j_username", "neo4j_password", "neo4j_database", "database_url"):
        monkeypatch.setenv(name.upper(), getattr(connections, name))
    return Shell(home, monkeypatch, capsys)


def test_from_tagged_sentences_to_linked_events_and_a_larger_dictionary(shell: Shell, tmp_path: Path) -> None:
    data, encoder = write_data(tmp_path / "data.jsonl"), write_encoder(tmp_path / "encoder")
    settings = [f"--set={setting}" for setting in (*LEARNS, f"encoder={encoder}")]
    tagger = str(tmp_path / "tagger")
    shell.run("train", "tagger", str(data), "--out", tagger, *settings)
    shell.run("load", "entities", str(write(tmp_path / "entities.jsonl", ENTITIES)))
    rows: list[dict[str, object]] = [
        {"event_id": f"e{i}", "user_id": f"u{i % 2}", "time": "2026-01-05", "channel": "search", "text": text}
        for i, text in enumerate(TEXTS)
    ]
    rows.append({**rows[0], "event_id": "own", "entity_ids": ["gym"]})
    events = str(write(tmp_path / "events.jsonl", rows))
    load = ["load", "events", events, "--tagger", tagger, "--tag-type", "service=service"]

    out, err = shell.run(*load, "--json")
    report = json.loads(out)
    # massage and yoga by name and alias, face mask by meaning; sauna and twice new york fit nothing
    assert report["mentions"] == {"found": 6, "linked": 3, "proposed": 3}, err
    again = json.loads(shell.run(*load, "--json")[0])
    assert (again["written"], again["mentions"]["found"]) == (0, 0)

    def links() -> set[tuple[str, str]]:
        target = tmp_path / "sequences.parquet"
        shell.run("sequences", "--as-of", "2026-01-05", "--out", str(target))
        table = pq.read_table(target)
        return set(zip(table.column("event_id").to_pylist(), table.column("entity_id").to_pylist(), strict=True))

    assert links() == {("e0", "msg"), ("e1", "gym"), ("e2", "skin"), ("own", "gym")}

    found = json.loads(shell.run("entities", "proposals", "--min-count", "1", "--json")[0])
    assert [(p["name"], p["type"], p["events"]) for p in found] == [("new york", "city", 2), ("sauna", "service", 1)]
    assert found[1]["examples"] == ["sauna near new york"]
    assert {near["id"] for near in found[1]["nearest"]} == {"msg", "gym", "skin"}
    new = tmp_path / "new.csv"
    new.write_text(shell.run("entities", "proposals", "--csv")[0], encoding="utf-8")
    out, err = shell.run("load", "entities", str(new))
    assert "1 rows read, 1 written" in out
    assert shell.run("entities", "proposals", "--csv")[0].splitlines() == ["id,name,type,events,users,examples,nearest"]
    assert links() >= {("e0", "proposed:new york"), ("e3", "proposed:new york")}


def test_what_is_no_tagger_is_refused_before_anything_is_read(shell: Shell, tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [{"user_id": "u", "time": "2026-01-05", "channel": "search", "text": "a spa"}]
    events = str(write(tmp_path / "events.jsonl", rows))
    shell.run("load", "entities", str(write(tmp_path / "entities.jsonl", ENTITIES)))
    for arguments, words in (
        (["events", events, "--tagger", str(tmp_path / "none")], "is no finished tagger"),
        (["events", events, "--tagger", str(tmp_path), "--tag-type", "service"], "is not of the form TAG=TYPE"),
        (["users", events, "--tagger", str(tmp_path)], "goes with events, not with users"),
    ):
        assert words in shell.run("load", *arguments, code=1)[1]
    assert not (shell.home.warehouse / "events").exists()
