"""Events loaded with a tagger: what is linked, what is proposed, and that loading twice changes nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from audience_graph.config import Home
from audience_graph.entities import Dictionary, Entity
from audience_graph.entities.mention_linking import LinkOptions, MentionLinker
from audience_graph.entities.taggers import Mention
from audience_graph.errors import ConfigError, InputError
from audience_graph.ingest import LoadOptions, build_sequences, load, load_events
from audience_graph.ingest.load import TaggerOptions
from audience_graph.ingest.proposals import read_proposals
from audience_graph.ingest.report import MentionCounts
from audience_graph.ingest.tagging import Tagging
from audience_graph.ingest.warehouse import warehouse

DICTIONARY = Dictionary.of([Entity("spa", "Day spa", "service", ("wellness",)), Entity("yoga", "Yoga", "service")])
ROWS = [
    {"event_id": "e1", "user_id": "u1", "text": "a <hot tub> and yoga"},  # the dictionary finds yoga
    {"event_id": "e2", "user_id": "u1", "text": "<wellness> in <Rome>"},
    {"event_id": "e3", "user_id": "u2", "text": "<rome> again"},
    {"event_id": "e4", "user_id": "u2", "text": "<Rome> again", "entity_ids": ["yoga"]},
    {"event_id": "e5", "user_id": "u3", "text": "a <hot tub> and yoga"},
    {"event_id": "e6", "user_id": "u3", "items": ["<Rome>"]},
]


class Bracketed:
    """A tagger that finds what stands in <angle brackets>, and counts the texts it was given."""

    name = "bracketed"

    def __init__(self) -> None:
        self.seen: list[str] = []

    def tag(self, texts: Sequence[str]) -> list[tuple[Mention, ...]]:
        self.seen += texts
        return [self._one(text) for text in texts]

    def _one(self, text: str) -> tuple[Mention, ...]:
        if "<" not in text:
            return ()
        found, end = [], 0
        while (start := text.find("<", end) + 1) > 0:
            end = text.find(">", start)
            found.append(Mention("PLACE" if text[start].isupper() else "THING", start, end, text[start:end]))
        return tuple(found)


def tagging(tagger: Bracketed, **types: str) -> Tagging:
    return Tagging(tagger, MentionLinker(DICTIONARY, options=LinkOptions(types=types)))


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    whole = [{"time": "2026-01-05T10:00:00Z", "channel": "search", **row} for row in rows]
    path.write_text("".join(json.dumps(row) + "\n" for row in whole), encoding="utf-8")
    return path


def links(home: Home, dictionary: Dictionary = DICTIONARY) -> set[tuple[str, str]]:
    table = build_sequences(home, dictionary, date(2026, 1, 5)).table
    return set(zip(table.column("event_id").to_pylist(), table.column("entity_id").to_pylist(), strict=True))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def test_mentions_add_to_the_dictionary_and_explicit_ids_stay(tmp_path: Path, home: Home) -> None:
    tubs = Dictionary.of([*DICTIONARY.entities, Entity("tub", "Hot tub", "thing")])
    tagger = Bracketed()
    linker = MentionLinker(tubs)
    report = load_events(write(tmp_path / "e.jsonl", ROWS), home=home, tagging=Tagging(tagger, linker))
    assert report.mentions == MentionCounts(found=5, linked=3, proposed=2)
    assert sorted(tagger.seen) == sorted({row["text"] for row in ROWS if "text" in row and "entity_ids" not in row})
    wanted = {("e1", "yoga"), ("e1", "tub"), ("e2", "spa"), ("e4", "yoga"), ("e5", "yoga"), ("e5", "tub")}
    assert links(home, tubs) == wanted
    day = date(2026, 1, 5)
    assert build_sequences(home, tubs, day, engine="spark").table.equals(build_sequences(home, tubs, day).table)
    # An entity that the dictionary lost is in no sequence.
    assert links(home) == {(event, entity) for event, entity in wanted if entity != "tub"}
    (batch,) = warehouse(home).batches("events")
    assert [row["entity_ids"] for row in pq.read_table(batch).sort_by("event_id").to_pylist()][:4] == [
        [],
        [],
        [],
        ["yoga"],
    ]


def test_a_mention_by_meaning_is_linked_where_no_dictionary_word_stands(tmp_path: Path, home: Home) -> None:
    import numpy as np

    def encode(texts: Sequence[str], kept: Path | None) -> np.ndarray:  # noqa: ARG001 - the signature
        near = {"Day spa": (1, 0), "Yoga": (0, 1), "hot tub": (0.9, 0.4359)}
        return np.array([near.get(text, (-1, 0)) for text in texts], np.float32)

    linker = MentionLinker(DICTIONARY, encode=encode)
    load_events(write(tmp_path / "e.jsonl", ROWS), home=home, tagging=Tagging(Bracketed(), linker))
    assert {("e1", "spa"), ("e5", "spa")} <= links(home)
    (found,) = read_proposals(home, DICTIONARY)
    assert (found.name, found.nearest[0][0]) == ("Rome", "yoga")


def test_proposals_are_counted_with_examples_and_go_when_accepted(tmp_path: Path, home: Home) -> None:
    load_events(write(tmp_path / "e.jsonl", ROWS), home=home, tagging=tagging(Bracketed(), PLACE="city"))
    found = read_proposals(home, DICTIONARY, least_events=1)
    assert [(p.id, p.name, p.type, p.events, p.users) for p in found] == [
        ("proposed:hot tub", "hot tub", "THING", 2, 2),
        ("proposed:rome", "Rome", "THING", 2, 2),  # THING and city once each: the first in name order
    ]
    assert set(found[1].examples) == {"<rome> again", "<wellness> in <Rome>"}
    assert read_proposals(home, DICTIONARY, least_events=3) == []
    accepted = Dictionary.of([*DICTIONARY.entities, Entity("x", "ROME", "city")])
    assert [p.name for p in read_proposals(home, accepted)] == ["hot tub"]
    assert {("e2", "x"), ("e3", "x")} <= links(home, accepted)  # the dictionary finds it in events of before


def test_loading_again_changes_nothing_and_overlaps_count_once(tmp_path: Path, home: Home) -> None:
    tagger = Bracketed()
    path = write(tmp_path / "e.jsonl", ROWS)
    load_events(path, home=home, tagging=tagging(tagger))
    before = (links(home), read_proposals(home, DICTIONARY))
    files = sorted(p.name for p in home.path.rglob("*.parquet"))
    tagger.seen.clear()
    report = load_events(path, home=home, tagging=tagging(tagger))
    assert (report.written, report.mentions, tagger.seen) == (0, MentionCounts(0, 0, 0), [])
    assert (links(home), read_proposals(home, DICTIONARY)) == before
    assert sorted(p.name for p in home.path.rglob("*.parquet")) == files
    more = write(tmp_path / "more.jsonl", [*ROWS, {"event_id": "e9", "user_id": "u9", "text": "<Rome> again"}])
    report = load_events(more, home=home, tagging=tagging(tagger))
    assert (report.written, report.mentions) == (1, MentionCounts(1, 0, 1))
    assert tagger.seen == ["<Rome> again"]
    assert {p.name: p.events for p in read_proposals(home, DICTIONARY)} == {"Rome": 3, "hot tub": 2}


def test_events_without_ids_of_their_own_load_once(tmp_path: Path, home: Home) -> None:
    rows = [{key: value for key, value in row.items() if key != "event_id"} for row in ROWS]
    path = write(tmp_path / "e.jsonl", [*rows, rows[0]])
    assert load_events(path, home=home, tagging=tagging(Bracketed())).written == 7
    assert load_events(path, home=home).written == 0  # without the tagger they are the same rows
    assert {p.name: p.events for p in read_proposals(home, DICTIONARY)} == {"Rome": 2, "hot tub": 3}


def test_mentions_of_a_load_that_was_killed_are_not_there(tmp_path: Path, home: Home) -> None:
    path = write(tmp_path / "e.jsonl", ROWS)
    load_events(path, home=home, tagging=tagging(Bracketed()))
    (batch,) = warehouse(home).batches("events")
    (mentions,) = warehouse(home).batches("mentions")
    assert batch.name == mentions.name
    batch.unlink()  # as if it was killed between the two
    assert links(home) == set()
    assert read_proposals(home, DICTIONARY) == []
    load_events(write(tmp_path / "one.jsonl", ROWS[:1]), home=home)
    assert warehouse(home).batches("mentions") == ()
    assert load_events(path, home=home, tagging=tagging(Bracketed())).written == 5


def test_a_dry_run_and_a_refused_file_tag_nothing(tmp_path: Path, home: Home) -> None:
    tagger = Bracketed()
    report = load_events(
        write(tmp_path / "e.jsonl", ROWS), home=home, options=LoadOptions(dry_run=True), tagging=tagging(tagger)
    )
    assert (report.written, report.mentions, tagger.seen) == (6, None, [])
    assert not home.path.exists()


def test_a_tagger_goes_with_events_only(tmp_path: Path, home: Home) -> None:
    path = write(tmp_path / "u.jsonl", [{"user_id": "u1"}])
    with pytest.raises(ConfigError, match="goes with events, not with users"):
        load("users", path, home=home, tagger=TaggerOptions(tmp_path))


def test_an_event_with_ids_takes_no_mention_of_an_equal_text(tmp_path: Path, home: Home) -> None:
    rows = [{"user_id": "u1", "text": "<wellness>"}, {"user_id": "u1", "text": "<wellness>", "entity_ids": ["yoga"]}]
    report = load_events(write(tmp_path / "e.jsonl", rows), home=home, tagging=tagging(Bracketed()))
    assert report.mentions == MentionCounts(1, 1, 0)
    assert sorted(entity for _, entity in links(home)) == ["spa", "yoga"]


def test_a_file_that_is_refused_is_not_tagged_first(home: Home, tmp_path: Path) -> None:
    load_events(write(tmp_path / "a.jsonl", ROWS), home=home)
    tagger = Bracketed()
    changed = [{**ROWS[0], "text": "<something> else"}, {"event_id": "e9", "user_id": "u9", "text": "<new>"}]
    with pytest.raises(InputError):
        load_events(write(tmp_path / "b.jsonl", changed), home=home, tagging=tagging(tagger))
    assert tagger.seen == []
