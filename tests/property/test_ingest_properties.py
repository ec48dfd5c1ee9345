"""Any text survives a load; the quote watch never misses an open quote; linking equals its definition."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from pathlib import Path

import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from audience_graph.config import Home
from audience_graph.entities import Dictionary, Entity, Linker, tokens
from audience_graph.ingest import load_events
from audience_graph.ingest.read_csv import QuoteWatch
from audience_graph.ingest.warehouse import warehouse

_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40).filter(
    lambda text: text.strip(" \t\n\r\u00a0\u3000") != ""
)


@settings(deadline=None, max_examples=30)
@given(texts=st.lists(_TEXT, min_size=1, max_size=8), as_json=st.booleans())
def test_any_text_survives_a_load(texts: list[str], as_json: bool) -> None:
    rows = [{"event_id": f"e{i}", "user_id": "u", "time": "2026-01-05", "channel": "c", "text": text}
            for i, text in enumerate(texts)]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("e.jsonl" if as_json else "e.csv")
        with path.open("w", encoding="utf-8", newline="") as file:
            if as_json:
                file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            else:
                writer = csv.DictWriter(file, list(rows[0]), quoting=csv.QUOTE_ALL)
                writer.writeheader()
                writer.writerows(rows)
        home = Home(Path(folder) / "home")
        load_events(path, home=home)
        stored = pq.read_table(warehouse(home).batches("events")[0]).to_pylist()
    assert {row["event_id"]: row["text"] for row in stored} == {row["event_id"]: row["text"] for row in rows}


@settings(deadline=None, max_examples=500)
@given(text=st.text('ab",\n', max_size=25), size=st.integers(1, 6))
def test_the_quote_watch_never_misses_what_a_strict_parser_refuses(text: str, size: int) -> None:
    watch = QuoteWatch()
    raw = text.encode()
    for start in range(0, len(raw), size):
        watch(raw[start : start + size])
    suspicious = watch.finish()
    try:
        list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error:
        assert suspicious


_WORD = st.sampled_from(["a", "b", "cd", "护", "肤", "C++"])
_NAME = st.lists(_WORD, min_size=1, max_size=3).map(" ".join)


@settings(deadline=None, max_examples=300)
@given(names=st.lists(_NAME, min_size=1, max_size=8), words=st.lists(_WORD, max_size=10))
def test_linking_equals_its_definition(names: list[str], words: list[str]) -> None:
    entities = [Entity(f"{i:02}", name, "t") for i, name in enumerate(names)]
    text = " ".join(words)
    forms: dict[tuple[str, ...], str] = {}
    for entity in entities:
        forms.setdefault(tuple(tokens(entity.name)), entity.id)
    left, found = tokens(text), []
    while left:
        fits = [form for form in forms if tuple(left[: len(form)]) == form]
        if fits:
            best = max(fits, key=len)
            found.append(forms[best])
            left = left[len(best) :]
        else:
            left = left[1:]
    assert Linker(Dictionary.of(entities)).link(text) == tuple(dict.fromkeys(found))
