"""Mentions go to entities by name, alias and meaning, or to nobody, with the nearest ones named."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from audience_graph.entities import Dictionary, Entity
from audience_graph.entities.mention_linking import Linked, LinkOptions, MentionLinker

DICTIONARY = Dictionary.of(
    [
        Entity("a1", "Apple", "fruit"),
        Entity("b1", "Apple", "brand"),
        Entity("c1", "Day spa", "service", ("Wellness", "apple")),
        Entity("d1", "Sauna", "service"),
        Entity("e1", "Football", "sport"),
    ]
)
# Angles of texts on a circle, in degrees: cosines are known.
ANGLES = {
    "Apple": 200,
    "Day spa": 0,
    "Sauna": 40,
    "Football": 120,
    "steam bath": 38,
    "spas": 10,
    "middle": 20,
    "kick": 80,
}


def encode(texts: Sequence[str], kept: Path | None) -> np.ndarray:  # noqa: ARG001 - the signature
    angle = np.radians([ANGLES[text] for text in texts])
    return np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)


def link(text: str, tag: str = "x", **options: object) -> Linked:
    return MentionLinker(DICTIONARY, encode=encode, options=LinkOptions(**options)).link_all([(text, tag)])[0]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("DAY-SPA", ("c1", "name")),
        ("apple", ("a1", "name")),  # a name before an alias, then the smallest id
        ("wellness!", ("c1", "alias")),
        ("steam bath", ("d1", "meaning")),
        ("spas", ("c1", "meaning")),
        ("middle", (None, None)),  # as near to one as to the other
        ("kick", (None, None)),  # too far from everything: cosine .766 and .766
    ],
)
def test_name_alias_meaning_or_nothing(text: str, wanted: tuple[str | None, str | None]) -> None:
    found = link(text)
    assert (found.entity_id, found.how) == wanted


def test_minimum_and_margin_decide() -> None:
    assert link("kick", minimum=0.7, margin=0.0).entity_id in {"d1", "e1"}
    assert link("middle", margin=0.0).entity_id == "c1"
    assert link("steam bath", minimum=0.9999).entity_id is None
    assert link("spas", margin=0.2).entity_id is None


def test_what_links_to_nothing_has_its_nearest_entities_best_first() -> None:
    found = link("kick")
    assert {near.id for near in found.nearest[:2]} == {"d1", "e1"}
    assert [near.score for near in found.nearest] == sorted((near.score for near in found.nearest), reverse=True)
    assert found.nearest[0].score == pytest.approx(np.cos(np.radians(40)), abs=1e-4)


def test_a_mapped_type_links_to_its_type_only() -> None:
    types = {"BRAND": "brand", "PLACE": "place"}
    assert link("apple", "BRAND", types=types).entity_id == "b1"
    assert link("apple", "FOOD", types=types).entity_id == "a1"  # not mapped: any type
    assert link("steam bath", "PLACE", types=types) == Linked(None)
    assert link("steam bath", "BRAND", types=types).entity_id is None


def test_without_an_encoder_names_and_aliases_link() -> None:
    linker = MentionLinker(DICTIONARY)
    assert [found.entity_id for found in linker.link_all([("sauna", "x"), ("steam bath", "x"), ("sauna", "x")])] == [
        "d1",
        None,
        "d1",
    ]


def test_what_the_encoder_cannot_read_is_not_compared() -> None:
    both = Dictionary.of([Entity("z1", "温泉", "service"), Entity("z2", "Sauna", "service", ("桑拿",))])
    asked: list[str] = []

    def same(texts: Sequence[str], kept: Path | None) -> np.ndarray:  # noqa: ARG001 - the signature
        asked.extend(texts)
        return np.ones((len(texts), 1), np.float32)

    linker = MentionLinker(both, encode=same)
    mentions = ["水疗", "温泉", "桑拿", "steam room", "123"]
    found = [linked.entity_id for linked in linker.link_all([(text, "x") for text in mentions])]
    assert found == [None, "z1", "z2", "z2", None]
    assert "水疗" not in asked


def test_an_empty_dictionary_links_nothing() -> None:
    assert MentionLinker(Dictionary.of([]), encode=encode).link_all([("spas", "x")]) == [Linked(None)]


def test_the_best_two_are_exact_among_many() -> None:
    rng = np.random.default_rng(5)
    vectors = rng.normal(size=(3_000, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    many = Dictionary.of(Entity(f"e{i:04}", f"name {i}", "x") for i in range(2_000))

    def lookup(texts: Sequence[str], kept: Path | None) -> np.ndarray:  # noqa: ARG001 - the signature
        return vectors[[int(text.split()[1]) for text in texts]]

    asked = [(f"other {i}", "x") for i in range(2_000, 3_000)]
    found = MentionLinker(many, encode=lookup, options=LinkOptions(minimum=0.0, margin=0.02)).link_all(asked)
    scores = vectors[2_000:] @ vectors[:2_000].T
    order = np.argsort(-scores, axis=1)
    for row, linked in enumerate(found):
        first, second = order[row, :2]
        clear = scores[row, first] - scores[row, second] >= 0.02
        assert linked.entity_id == (f"e{first:04}" if clear else None)
