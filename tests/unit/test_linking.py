"""Entity linking: longest match, left to right, Unicode, words and characters, shared names."""

from __future__ import annotations

import pytest

from audience_graph.entities import Dictionary, Entity, Linker, normalise, tokens

DICTIONARY = Dictionary.of(
    [
        Entity("care", "Skin care", "service", ("护肤", "スキンケア")),
        Entity("skin", "Skin", "thing"),
        Entity("spa", "Spa", "service", ("hot-spring",)),
        Entity("football", "Women's football", "sport"),
        Entity("cpp", "C++", "skill"),
        Entity("c", "C", "skill"),
        Entity("phone", "手机", "thing"),
        Entity("iphone", "iPhone 手机", "thing"),
        Entity("cafe", "Café", "place"),
        Entity("long", "skin care for very dry skin", "service"),
    ]
)


@pytest.fixture(scope="module")
def linker() -> Linker:
    return Linker(DICTIONARY)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("skin care and SPA", ("care", "spa")),
        ("SKIN-CARE, skin", ("care", "skin")),
        ("ｓｋｉｎ　ｃａｒｅ", ("care",)),
        ("space and spaniel", ()),
        ("skin care for very dry skin!", ("long",)),
        ("skin care for very dry hair", ("care",)),
        ("我想买护肤品和手机", ("care", "phone")),
        ("我的iPhone手机坏了", ("iphone",)),
        ("スキンケアの店", ("care",)),
        ("womens football, women’s football", ("football",)),
        ("learn C++ then C", ("cpp", "c")),
        ("cafe\u0301 CAFÉ", ("cafe",)),
        ("cafe", ()),
        ("hot spring / hot-spring", ("spa",)),
        ("spa spa spa", ("spa",)),
        ("", ()),
        ("!!! 🧖", ()),
    ],
)
def test_text_is_linked_to_the_longest_names(linker: Linker, text: str, found: tuple[str, ...]) -> None:
    assert linker.link(text) == found


def test_a_shared_form_goes_to_a_name_before_an_alias_then_to_the_smallest_id() -> None:
    shared = Dictionary.of(
        [
            Entity("z", "Apple", "brand"),
            Entity("m", "Apple", "fruit"),
            Entity("a", "Fruit", "thing", ("apple",)),
        ]
    )
    linker = Linker(shared)
    assert linker.link("an APPLE") == ("m",)
    assert linker.ambiguous == {"apple": ("m", "z", "a")}


def test_no_form_is_ambiguous_with_itself() -> None:
    assert Linker(Dictionary.of([Entity("a", "Spa", "x", ("SPA", "spa!"))])).ambiguous == {}


def test_normalise_is_stable() -> None:
    assert normalise(" Ｗomen’s\tFOOTBALL!! ") == "womens football"
    assert tokens("我a1b") == ["我", "a1b"]
    assert normalise(normalise("ﬁancée №5")) == normalise("ﬁancée №5")


def test_link_all_answers_in_order(linker: Linker) -> None:
    assert linker.link_all(["spa", "skin", "spa"]) == [("spa",), ("skin",), ("spa",)]
