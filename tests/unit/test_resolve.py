"""Phrase to entities: the rule for a clear winner, and what is asked of Neo4j."""

from __future__ import annotations

from typing import Any

import pytest
from asking_fakes import FakeRunner

from audience_graph.entities.matches import Match, decide_meaning, decide_text, match_exactly, match_text
from audience_graph.entities.phrase import check_phrase, coverage, exact_query, fold, words_query
from audience_graph.entities.resolve import resolve
from audience_graph.errors import AmbiguousError, ConfigError, NotFoundError


def row(entity_id: str, name: str, kind: str = "service", **more: Any) -> dict[str, Any]:
    return {
        "position": 0,
        "id": entity_id,
        "name": name,
        "type": kind,
        "aliases": [],
        "sensitive": False,
        "mirror": 3,
        "score": 2.0,
        **more,
    }


def near(*scores: float) -> list[Match]:
    return [Match("x", f"e{i}", f"n{i}", "t", "meaning", s) for i, s in enumerate(scores)]


@pytest.mark.parametrize(
    ("text", "normal"),
    [("  Skin\tCARE ", "skin care"), ("ＳＰＡ", "spa"), ("Straße", "strasse"), ("ﬁt", "fit"), ("", "")],
)
def test_names_are_compared_in_one_form(text: str, normal: str) -> None:
    assert fold(text) == normal


def test_lucene_never_sees_an_operator() -> None:
    assert words_query("women's (football") == "women's^2 women's~1 football^2 football~1"
    assert words_query('a AND (b OR "c') == "a^2 and^2 b^2 or^2 c^2"
    assert words_query('+-&|!(){}[]^"~*?:\\/') is None
    assert exact_query('say "hi" \\ now') == '"say \\"hi\\" \\\\ now"'
    assert len(words_query("word " * 100).split()) == 64  # type: ignore[union-attr]


@pytest.mark.parametrize("phrase", ["", "  ", "x" * 501, "\ud800", None, 7])
def test_what_is_no_phrase_is_not_found(phrase: Any) -> None:
    with pytest.raises(NotFoundError):
        check_phrase(phrase)


def test_id_beats_name_beats_alias_and_the_others_stay_visible() -> None:
    rows = [row("b", "spa"), row("spa", "sauna"), row("c", "hot tub", aliases=["Spa"])]
    found = match_exactly("spa", rows)
    assert found is not None
    assert (found.match.id, [m.matched for m in found.choices]) == ("spa", ["id", "name", "alias"])  # type: ignore[union-attr]
    by_name = match_exactly("Spa", rows[0::2])
    assert by_name is not None
    assert by_name.match is not None
    assert by_name.match.id == "b"


def test_two_equal_names_are_ambiguous() -> None:
    found = match_exactly("spa", [row("b", "Spa", "brand"), row("a", "spa")])
    assert found is not None
    assert found.match is None
    with pytest.raises(AmbiguousError, match=r"Spa \(brand, id b\)") as error:
        found.require()
    assert error.value.choices == ("a", "b")


@pytest.mark.parametrize(
    ("names", "winner"),
    [
        (["women football"], "e0"),
        (["football shoes"], "e0"),
        (["football shoes", "women's football"], None),
        (["football", "football shoes"], "e0"),
        (["basketball"], "nothing"),
    ],
)
def test_full_text_wins_with_all_words_alone(names: list[str], winner: str | None) -> None:
    hits = match_text("football", [row(f"e{i}", n, score=9.0 - 8 * i) for i, n in enumerate(names)])
    found = decide_text("football", hits)
    assert (None if found is None or found.match is None else found.match.id) == (
        None if winner == "nothing" else winner
    )
    assert (found is None) == (winner == "nothing")


@pytest.mark.parametrize(
    ("scores", "winner", "choices"),
    [
        ((0.9, 0.6), "e0", 2),
        ((0.75, 0.70), "e0", 2),
        ((0.9, 0.86), None, 2),
        ((0.7, 0.3), None, 1),
        ((0.8,), "e0", 1),
        ((0.49, 0.2), None, 0),
    ],
)
def test_meaning_wins_near_and_ahead(scores: tuple[float, ...], winner: str | None, choices: int) -> None:
    found = decide_meaning("x", near(*scores))
    assert (0 if found is None else len(found.choices)) == choices
    assert (None if found is None or found.match is None else found.match.id) == winner


def test_coverage_counts_words_and_parts_where_there_are_no_spaces() -> None:
    assert coverage("football women's", "women's football") == 1
    assert coverage("foot", "football") == 0
    assert coverage("护肤", "护肤品") == 0.5
    assert coverage("()", "football") == 0


def test_one_round_trip_when_everything_is_exact() -> None:
    runner = FakeRunner({"entities/resolve_exact": [row("e1", "skin care"), row("e2", "spa", position=1)]})
    found = resolve(runner, ["Skin care", "e2", "Skin care"])
    assert found.ids == ("e1", "e2")
    assert runner.names == ["entities/resolve_exact"]
    assert found.mirror == 3


def test_types_are_asked_for_before_any_limit() -> None:
    runner = FakeRunner({"entities/resolve_meaning": [row("e9", "wellness", "brand", score=0.9)]})
    found = resolve(runner, "feel good", types=["brand"], encoder=lambda: lambda texts: [[1.0] * 384 for _ in texts])
    assert found.ids == ("e9",)
    assert [parameters["types"] for _, _, parameters in runner.ran] == [["brand"]] * 3
    assert runner.ran[2][2]["nearest"] > 100 * runner.ran[2][2]["limit"]


def test_values_travel_as_parameters() -> None:
    evil = "`}) DETACH DELETE e // '"
    runner = FakeRunner()
    with pytest.raises(NotFoundError):
        resolve(runner, evil)
    assert runner.names == ["entities/resolve_exact", "entities/resolve_text"]
    assert all("DELETE e" not in text for _, text, _ in runner.ran)
    assert runner.ran[0][2]["phrases"][0]["id"] == evil


def test_the_encoder_is_made_only_for_what_nothing_else_finds() -> None:
    made = []

    def encoder() -> Any:
        made.append(1)
        return lambda texts: [[1.0] * 384 for _ in texts]

    answers = {
        "entities/resolve_exact": lambda p: [row("e1", "spa")] if p["phrases"][0]["id"] == "spa" else [],
        "entities/resolve_meaning": [row("e9", "wellness", score=0.9)],
    }
    assert resolve(FakeRunner(answers), "spa", encoder=encoder).ids == ("e1",)
    assert made == []
    found = resolve(FakeRunner(answers), "feel good", encoder=encoder)
    assert (found.ids, found.resolved[0].choices[0].matched) == (("e9",), "meaning")


def test_without_the_encoder_the_hint_names_the_extra_and_the_nearest() -> None:
    def encoder() -> Any:
        raise ConfigError("not installed")

    runner = FakeRunner({"entities/resolve_text": [row("e5", "football")]})
    with pytest.raises(NotFoundError) as error:
        resolve(runner, "fotball", encoder=encoder)
    assert "nearest names: football" in (error.value.hint or "")
    assert "audience-graph[text]" in (error.value.hint or "")


def test_each_entity_is_a_seed_once() -> None:
    runner = FakeRunner({"entities/resolve_exact": [row("e1", "spa"), row("e1", "spa", position=1)]})
    assert resolve(runner, ["spa", "SPA"]).ids == ("e1",)
