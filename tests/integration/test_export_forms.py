"""The rows of an export: formats, numbered files, and contacts in the ad platforms' normal form."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from audience_graph.audience.send.exports import Exports
from audience_graph.errors import NotFoundError
from audience_graph.vectors.store import Store
from sending.world import (
    SINCE,
    USERS,
    build,
    freeze,
    keys_of,
    manifest,
    set_consent,
)

pytestmark = pytest.mark.usefixtures("clean_stores")
EVIL = ['=cmd|" /C calc"!A0', "+49", "naïve 💄", 'quote" and, comma', "back\\slash`tick", "line\nbreak", "tab\tin"]


@pytest.fixture
def exports(store: Store) -> Exports:
    build(store)
    return Exports(store)


@pytest.mark.parametrize(
    ("value", "form", "plain"),
    [
        (" John_Smith@gmail.com ", "meta-email", "john_smith@gmail.com"),
        ("John.Smith+x@GMail.com", "google-email", "johnsmith+x@gmail.com"),
        ("John.Smith@googlemail.com", "google-email", "johnsmith@googlemail.com"),
        ("John.Smith@example.com", "google-email", "john.smith@example.com"),
        ("John.Smith@gmail.com", "meta-email", "john.smith@gmail.com"),
        ("no mail", "google-email", None),
        ("a@b@c.de", "meta-email", None),
        ("+1 (650) 555-1212", "meta-phone", "16505551212"),
        ("+1 (650) 555-1212", "google-phone", "+16505551212"),
        ("0049 (0)30/123 45 67", "google-phone", "+49301234567"),
        ("030 1234567", "google-phone", None),
        ("+49 30 1234567 ext. 5", "google-phone", None),
        ("16505551212", "meta-phone", None),
    ],
)
def test_contacts_are_hashed_in_the_platforms_normal_form(
    exports: Exports, store: Store, tmp_path: Path, value: str, form: str, plain: str | None
) -> None:
    with store.transaction() as tx:
        query = "UPDATE user_profile SET columns = jsonb_build_object('odd \"`💄', %s::text) WHERE key = %s"
        tx.execute(query, (value, keys_of(tx, ["u0"])[0]))
    exports.send("spring", tmp_path / "a.parquet", hashed={'odd "`💄': form})
    table = pq.read_table(tmp_path / "a.parquet")
    assert table.column_names == ["user_id", f'odd "`💄_{form.replace("-", "_")}']
    assert table[1][0].as_py() == (None if plain is None else hashlib.sha256(plain.encode()).hexdigest())


def test_published_examples_of_the_platforms(exports: Exports, store: Store, tmp_path: Path) -> None:
    with store.transaction() as tx:
        columns = json.dumps({"mail": "John_Smith@gmail.com", "mobile": "+1 (650)555-1212"})
        tx.execute("UPDATE user_profile SET columns = %s::jsonb WHERE key = %s", (columns, keys_of(tx, ["u0"])[0]))
    exports.send("spring", tmp_path / "a.parquet", hashed={"mail": "meta-email", "mobile": "meta-phone"})
    first = pq.read_table(tmp_path / "a.parquet").to_pylist()[0]
    assert first["mail_meta_email"] == "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f"
    assert first["mobile_meta_phone"] == "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176"


def test_who_has_no_contact_is_not_sent_where_only_contacts_leave(
    exports: Exports, store: Store, tmp_path: Path
) -> None:
    with store.transaction() as tx:
        tx.execute("UPDATE user_profile SET columns = '{}' WHERE key = ANY (%s)", (keys_of(tx, ["u1", "u2"]),))
        tx.execute("UPDATE user_profile SET columns = columns - 'mail' WHERE key = ANY (%s)", (keys_of(tx, ["u3"]),))
    hashes = {"mail": "google-email", "mobile": "google-phone"}
    exports.send("spring", tmp_path / "a.parquet", columns=[], hashed=hashes)
    table = pq.read_table(tmp_path / "a.parquet")
    assert (table.num_rows, table["mail_google_email"].null_count) == (298, 1)
    with pytest.raises(NotFoundError, match="'fax'") as error:
        exports.send("spring", tmp_path / "b.csv", hashed={"fax": "google-phone"})
    assert "mail, mobile" in str(error.value.hint)


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl"])
def test_all_formats_hold_the_same_rows_in_numbered_files(
    exports: Exports, store: Store, tmp_path: Path, ending: str
) -> None:
    users = [*EVIL, *USERS[:120]]
    with store.transaction() as tx:
        tx.execute("INSERT INTO user_key (user_id) SELECT unnest(%s::text[])", [EVIL])
    set_consent(store, EVIL, True, SINCE)
    freeze(store, users)
    path = tmp_path / f"a.{ending}"
    columns = ["user_id", "hashed_id", "score", "place", "arm"]
    sent = exports.send("spring", path, columns=columns, chunk_rows=50)
    names = [f"a.000{n}.{ending}" for n in (1, 2, 3)]
    assert {p.name for p in tmp_path.iterdir()} == {*names, f"a.{ending}.manifest.json"}
    assert [file["rows"] for file in manifest(path)["files"]] == [50, 50, 27]
    found = [row for name in names for row in _rows(tmp_path / name)]
    escaped = [f"'{u}" if ending == "csv" and u.startswith(("=", "+")) else u for u in users]
    assert [row["user_id"] for row in found] == escaped
    assert [row["hashed_id"] for row in found] == [hashlib.sha256(u.encode()).hexdigest() for u in users]
    assert [row["place"] for row in found] == list(range(1, 128))
    assert found[1]["score"] == 1 - 1 / 127
    assert {row["arm"] for row in found} == {None}
    assert ("apostrophe" in sent.note) == (ending == "csv")
    exports.send("spring", path, columns=columns, chunk_rows=100)
    assert {p.name for p in tmp_path.iterdir()} == {*names[:2], f"a.{ending}.manifest.json"}


def _rows(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    parse = pyarrow.csv.ParseOptions(newlines_in_values=True)
    options = pyarrow.csv.ConvertOptions(column_types={"arm": "string"}, strings_can_be_null=True)
    return pyarrow.csv.read_csv(path, parse_options=parse, convert_options=options).to_pylist()
