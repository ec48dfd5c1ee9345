"""Entities in Neo4j and users in Postgres: loaded, loaded again, changed."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audience_graph import cli
from audience_graph.config import Connections, Home
from audience_graph.entities import Entity, read_dictionary
from audience_graph.entities.type_labels import label_types, type_label
from audience_graph.errors import InputError
from audience_graph.graph.queries import Query, load_query
from audience_graph.graph.runner import Neo4jRunner
from audience_graph.ingest import LoadOptions, load_entities, load_users
from audience_graph.vectors.store import Store

pytestmark = pytest.mark.usefixtures("clean_stores")
HOSTILE = '`x`\'; MATCH (n) DETACH DELETE n //\n"🧖‍♀️" \\ $id {y}'


def jsonl(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_entities_are_written_once_and_changed_in_place(runner: Neo4jRunner, tmp_path: Path) -> None:
    spa = {"id": "spa", "name": "Spa", "type": "service", "aliases": ["hot spring", " hot spring "]}
    care = {"id": HOSTILE, "name": HOSTILE, "type": "x", "description": "d", "sensitive": True}
    report = load_entities(jsonl(tmp_path / "a.jsonl", [spa, care, spa]), runner=runner)
    assert (report.read, report.written, report.unchanged) == (3, 2, 1)
    known = {entity.id: entity for entity in read_dictionary(runner).entities}
    assert known["spa"] == Entity("spa", "Spa", "service", ("hot spring",))
    assert known[HOSTILE] == Entity(HOSTILE, HOSTILE, "x", (), "d", True, decided_by="file")

    assert load_entities(tmp_path / "a.jsonl", runner=runner).written == 0

    (tmp_path / "b.csv").write_text("id,name,type\nspa,Day spa,service\n")
    report = load_entities(tmp_path / "b.csv", runner=runner)
    assert report.written == 1
    assert {e.id: e for e in read_dictionary(runner).entities}["spa"] == Entity(
        "spa", "Day spa", "service", ("hot spring",)
    )


def test_a_type_is_a_label_and_one_that_changes_loses_the_old(runner: Neo4jRunner, tmp_path: Path) -> None:
    def labels() -> dict[str, list[str]]:
        rows = runner.read(
            Query("tests/labels", "MATCH (e:Entity) RETURN e.id AS id, labels(e) AS labels", (), (), Path(__file__))
        )
        return {row["id"]: sorted(row["labels"]) for row in rows}

    rows = [{"id": "a", "name": "A", "type": "Entity"}, {"id": "b", "name": "B", "type": HOSTILE},
            {"id": "c", "name": "C", "type": "品牌"}, {"id": "d", "name": "D", "type": "home care"}]  # fmt: skip
    load_entities(jsonl(tmp_path / "a.jsonl", rows), runner=runner)
    assert labels() == {
        "a": ["Entity", "Type_Entity"], "b": ["Entity", type_label(HOSTILE)], "c": ["Entity", "Type_品牌"],
        "d": ["Entity", "Type_home_care"],
    }  # fmt: skip
    load_entities(jsonl(tmp_path / "b.jsonl", [{"id": "a", "name": "A", "type": "brand"}]), runner=runner)
    assert labels()["a"] == ["Entity", "Type_brand"]
    style = runner.read(load_query("browser_pages/read"))[1]["text"]
    assert "node.Type_brand {" in style
    assert "node.Type_Entity {" not in style
    assert label_types(runner, ["品牌"]) == 3  # the others are not among those that have a label
    assert labels()["a"] == ["Entity"]
    assert label_types(runner, ["品牌"]) == 0


def test_a_dry_run_counts_and_writes_no_entity(runner: Neo4jRunner, tmp_path: Path) -> None:
    path = jsonl(tmp_path / "a.jsonl", [{"id": "a", "name": "A", "type": "t"}])
    assert load_entities(path, runner=runner, options=LoadOptions(dry_run=True)).written == 1
    assert len(read_dictionary(runner)) == 0


def test_shared_names_are_reported(runner: Neo4jRunner, tmp_path: Path) -> None:
    rows = [{"id": "b", "name": "Apple", "type": "brand"}, {"id": "a", "name": "apple", "type": "fruit"}]
    (note,) = load_entities(jsonl(tmp_path / "a.jsonl", rows), runner=runner).notes
    assert note.startswith("1 names or aliases mean several entities")
    assert "'apple': a, b" in note


def profiles(store: Store) -> list[tuple[str, datetime, dict[str, Any]]]:
    with store.transaction(read_only=True) as tx:
        rows = tx.rows("SELECT * FROM user_profile JOIN user_key USING (key) ORDER BY user_id, as_of")
    return [(row["user_id"], row["as_of"], row["columns"]) for row in rows]


def consents(store: Store) -> list[tuple[str, str, bool]]:
    with store.transaction(read_only=True) as tx:
        rows = tx.rows("SELECT * FROM consent JOIN user_key USING (key) ORDER BY user_id, purpose, as_of")
    return [(row["user_id"], row["purpose"], row["granted"]) for row in rows]


def test_users_with_profile_and_consent(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    path.write_text(
        "user_id,as_of,consent_marketing,consent_research,age,zip,member,note\n"
        f'u1,2026-01-01,yes,,31,01234,true,"{HOSTILE.replace(chr(34), chr(34) * 2)}"\n'
        "u2,2026-01-01,no,yes,40.5,99999,false,\n"
        "u2,2026-02-01,yes,,41,99999,true,x\n"
    )
    report = load_users(path, store=store)
    assert (report.read, report.written) == (3, 3)
    january = datetime(2026, 1, 1, tzinfo=UTC)
    assert profiles(store)[0] == ("u1", january, {"age": 31, "zip": "01234", "member": True, "note": HOSTILE})
    assert profiles(store)[1] == ("u2", january, {"age": 40.5, "zip": "99999", "member": False})
    assert consents(store) == [
        ("u1", "marketing", True),
        ("u2", "marketing", False),
        ("u2", "marketing", True),
        ("u2", "research", True),
    ]

    again = load_users(path, store=store)
    assert (again.written, again.unchanged) == (0, 3)

    path.write_text(path.read_text().replace("u1,2026-01-01,yes", "u1,2026-01-01,no"))
    assert load_users(path, store=store, options=LoadOptions(dry_run=True)).written == 1
    assert consents(store)[0] == ("u1", "marketing", True)
    assert load_users(path, store=store).written == 1
    assert consents(store)[0] == ("u1", "marketing", False)


def test_users_of_every_format_are_the_same_users(store: Store, tmp_path: Path) -> None:
    rows = [{"user_id": "u1", "consent": {"marketing": True}, "age": 31}, {"user_id": "u2", "age": None}]
    assert load_users(jsonl(tmp_path / "u.jsonl", rows), store=store).written == 2
    (tmp_path / "u.csv").write_text("user_id,consent_marketing,age\nu1,1,31\nu2,,\n")
    assert load_users(tmp_path / "u.csv", store=store).written == 0
    table = pa.table(
        {"user_id": ["u1", "u2"], "consent": [{"marketing": True}, {"marketing": None}], "age": [31, None]}
    )
    pq.write_table(table, tmp_path / "u.parquet")
    assert load_users(tmp_path / "u.parquet", store=store).written == 0
    assert [(user, as_of.year) for user, as_of, _ in profiles(store)] == [("u1", 1970), ("u2", 1970)]


@pytest.mark.parametrize("fmt", ["csv", "jsonl"])
def test_columns_of_any_name_are_stored_under_it(store: Store, tmp_path: Path, fmt: str) -> None:
    row = {"user_id": "u1", "row": 1, "codes": "x", "age": 31, "Age": "old", "c0": "zero", "consent_ads": True}
    path = tmp_path / f"u.{fmt}"
    if fmt == "jsonl":
        jsonl(path, [row, row, {"user_id": "u2", "AGE": 7}])
    else:
        path.write_text(f"{','.join(row)},AGE\n" + f"{','.join(map(str, row.values()))},\n" * 2 + "u2,,,,,,,7\n")
    report = load_users(path, store=store)
    assert (report.read, report.written, report.unchanged) == (3, 2, 1)
    known = {name: value for name, value in row.items() if name not in ("user_id", "consent_ads")}
    assert [columns for _, _, columns in profiles(store)] == [known, {"AGE": 7}]
    assert consents(store) == [("u1", "ads", True)]


def test_one_user_twice_with_other_content_is_refused(store: Store, tmp_path: Path) -> None:
    rows = [{"user_id": "u1", "age": 31}, {"user_id": "u1", "age": 32}, {"user_id": "u1", "age": 31}]
    with pytest.raises(InputError, match="1 problem in 1 row"):
        load_users(jsonl(tmp_path / "u.jsonl", rows), store=store)
    assert profiles(store) == []


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["audience-graph", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 0


def test_the_command_line_loads_and_writes_sequences(
    connections: Connections,
    home: Home,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("neo4j_uri", "neo4j_username", "neo4j_password", "neo4j_database", "database_url"):
        monkeypatch.setenv(name.upper(), getattr(connections, name))
    entities = jsonl(tmp_path / "e.jsonl", [{"id": "spa", "name": "Spa", "type": "service"}])
    (tmp_path / "v.csv").write_text("who,time,channel,text\nu1,2026-01-05,search,a spa\nu1,never,search,a spa\n")
    (tmp_path / "map.toml").write_text('[events]\nuser_id = "who"\n')
    folder = ["--data-dir", str(home.path)]
    run(monkeypatch, "load", "entities", str(entities), *folder, "--json")
    assert json.loads(capsys.readouterr().out)["written"] == 1
    rejects = ["--config", str(tmp_path / "map.toml"), "--reject-to", str(tmp_path / "bad.csv")]
    run(monkeypatch, "load", "events", str(tmp_path / "v.csv"), *folder, *rejects)
    words = capsys.readouterr()
    assert "events: 2 rows read, 1 written, 0 unchanged, 1 rejected" in words.out
    assert "1 bad row" in words.err
    out = tmp_path / "sequences.parquet"
    run(monkeypatch, "sequences", "--as-of", "2026-01-05", "--out", str(out), *folder, "--json")
    assert json.loads(capsys.readouterr().out)["mentions"] == 1
    assert pq.read_table(out).column("entity_id").to_pylist() == ["spa"]
