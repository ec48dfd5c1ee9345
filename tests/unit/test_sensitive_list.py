"""The list of what is sensitive: what it finds, what it leaves alone, and how a load decides by it."""

from __future__ import annotations

from collections import Counter

import pytest

from audience_graph.demo.scenarios import SCENARIOS
from audience_graph.entities.dictionary import Entity
from audience_graph.entities.sensitive import Category, Hit, SensitiveList, sensitive_list
from audience_graph.entities.text import normalise, singular
from audience_graph.ingest.sensitive import decide, sensitive_notes


def categories(text: str) -> list[str]:
    return [hit.category for hit in sensitive_list().find(text)]


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("Debt help", "financial_hardship"),
        ("DEBTS", "financial_hardship"),
        ("payday loans near me", "financial_hardship"),
        ("债务咨询", "financial_hardship"),
        ("Breast cancer screening", "health"),
        ("糖尿病饮食", "health"),
        ("couples counselling", "mental_health"),
        ("抑郁症自测", "mental_health"),
        ("LGBTQ+ dating", "sexuality"),
        ("maternity care", "pregnancy_and_fertility"),
        ("试管婴儿", "pregnancy_and_fertility"),
        ("Catholic radio", "religion"),
        ("清真寺", "religion"),
        ("trade unions", "politics_and_trade_unions"),
        ("ethnic minority grants", "ethnicity"),
        ("criminal lawyers", "crime_and_legal_trouble"),
        ("Craft beers", "addiction"),
        ("网上赌博", "addiction"),
        ("toys for teens", "minors"),
        ("Guns & ammo", "weapons"),
        ("ｃａｎｃｅｒ", "health"),
    ],
)
def test_what_is_sensitive_is_found(text: str, category: str) -> None:
    assert category in categories(text)


@pytest.mark.parametrize(
    "text",
    [
        "health food",
        "health insurance",
        "vitamins",
        "dental care",
        "glue guns",
        "Top Gun",
        "beerenberg jam",  # a whole word, not a part of one
        "ginger beer",
        "cocktail dresses",
        "Western Union",
        "credit union",
        "career counselling",
        "baby food",
        "coding for kids",
        "mortgage",
        "Christmas trees",
        "technical debt",
        "Bullet trains",
        "酒店预订",
        "消毒液",
        "民族风连衣裙",
        "",
        "🙂",
        "`'\"\\",
    ],
)
def test_what_only_looks_like_it_is_left_alone(text: str) -> None:
    assert categories(text) == []


def test_the_longest_phrase_wins_and_an_exception_covers_its_own_words_only() -> None:
    known = SensitiveList(
        [Category("weapons", "", ("gun", "stun gun"), ()), Category("x", "", ("show",), ())], ["top gun"]
    )
    assert known.find("stun guns") == (Hit("weapons", "stun guns"),)
    assert known.find("top gun gun show") == (Hit("weapons", "gun"), Hit("x", "show"))
    assert known.find("top of the gun") == (Hit("weapons", "gun"),)


def test_names_aliases_and_types_are_read_descriptions_only_on_demand() -> None:
    known = sensitive_list()
    assert known.match(Entity("1", "Number 7", "shop", ("whisky bar",))) == Hit("addiction", "whisky")
    assert known.match(Entity("1", "Glenlivet", "Alcohol")) == Hit("addiction", "type Alcohol")
    grocery = Entity("1", "Corner shop", "shop", (), "Sells food, wine and soap.")
    assert known.match(grocery) is None
    assert known.match(grocery, description=True) == Hit("addiction", "wine")


def test_the_list_holds_each_phrase_once_and_no_single_common_character() -> None:
    words = [w for c in sensitive_list().categories for w in c.words]
    forms = Counter(" ".join(singular(t) for t in normalise(w).split(" ")) for w in words)
    assert [form for form, count in forms.items() if count > 1] == []
    assert all(forms)
    assert [w for w in words if not w.isascii() and len(w) == 1] == ["癌", "弩"]


def test_the_demo_is_asked_without_a_reason() -> None:
    assert [s.name for s in SCENARIOS if categories(s.sentence)] == []


def loaded(**more: object) -> Entity:
    return Entity("d", "debt help", "service", **more)  # type: ignore[arg-type]


def test_the_list_decides_where_nobody_did() -> None:
    flagged = loaded(sensitive=True, category="financial_hardship", decided_by="list")
    assert decide(loaded(), None) == flagged
    assert decide(loaded(), loaded()) == flagged  # a dictionary from before the list
    assert decide(loaded(), flagged) == flagged
    spa = Entity("s", "spa", "service")
    assert decide(spa, None) == spa
    assert decide(spa, Entity("s", "debt", "service", sensitive=True, decided_by="list")) == spa  # renamed
    old = Entity("s", "spa", "service", sensitive=True)
    assert decide(spa, old) == old  # flagged by nobody knows whom


def test_a_file_and_a_person_go_before_the_list() -> None:
    denied = loaded(decided_by="file")
    assert decide(denied, None) == denied
    assert decide(denied, loaded(sensitive=True, decided_by="person")) == denied
    assert decide(loaded(), denied) == denied
    cleared = loaded(decided_by="person")
    assert decide(loaded(), cleared) == cleared
    said = Entity("s", "spa", "service", sensitive=True, decided_by="file")
    assert decide(said, None) == said
    assert decide(loaded(sensitive=True, decided_by="file"), None).category == "financial_hardship"


def test_the_notes_of_a_load_tell_what_changed_and_what_contradicts() -> None:
    flagged, denied = decide(loaded(), None), loaded(decided_by="file")
    assert "with a reason only" in sensitive_notes([flagged], {})[0]
    assert sensitive_notes([flagged], {"d": flagged}) == []
    (note,) = sensitive_notes([denied], {})
    assert note.startswith("1 entity (debt help) on the list")
    assert "sensitive check" in note
    assert any("no longer sensitive" in note for note in sensitive_notes([denied], {"d": flagged}))
