"""A marketer's sentence in the words of training, and the plan that is shown first."""

import pytest

from audience_graph.sentences.rewrite import rewrite
from audience_graph.sentences.templates import PEOPLE, TEMPLATES
from audience_graph.sentences.vocabulary import Value, Vocabulary

NAMES = ("baby food", "nappies", "strollers", "running shoes", "train tickets", "a {brace} name")
VOCABULARY = Vocabulary([Value(name, "entity", f"e{i}") for i, name in enumerate(NAMES)])


def sentences(asked):
    return rewrite(asked, VOCABULARY, payments=("credit_card",)).sentences


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ("who is going to be buying nappies?", ("People who will buy nappies in the next two weeks",)),
        (
            "searching for train tickets within 10 days",
            ("People who will search for train tickets over the next 10 days",),
        ),
        (
            "nappies for the first time, bought within a week",
            ("People who will buy nappies for the first time in the next week",),
        ),
        (
            "spend over $1,200 on running shoes",
            ("People who will spend over 1,200 on running shoes in the next two weeks",),
        ),
        (
            "train tickets paid with a credit card",
            ("People who will pay with a credit card for train tickets in the next two weeks",),
        ),
        ("pays by credit card", ("People who will pay with a credit card in the next two weeks",)),
        (
            "click on nappies or buy strollers",
            (
                "People who will buy nappies or strollers in the next two weeks",
                "People who will click on nappies or strollers in the next two weeks",
            ),
        ),
    ],
)
def test_sentences_are_those_of_training(asked, wanted):
    assert sentences(asked) == wanted


def test_without_a_verb_the_things_are_asked_for_in_several_ways():
    assert [s.split(" in the next")[0] for s in sentences("strollers")] == [
        "People who will buy strollers",
        "People who will look at strollers",
        "People who will search for strollers",
    ]


def test_more_things_than_a_description_has_make_several_sentences():
    found = sentences("buy baby food, nappies, strollers and running shoes")
    assert found == (
        "People who will buy baby food, nappies or strollers in the next two weeks",
        "People who will buy running shoes in the next two weeks",
    )


def test_nothing_known_is_not_rewritten_and_the_plan_says_so():
    plan = rewrite("people who adore glorbnak", VOCABULARY)
    assert plan.sentences == ()
    assert plan.lines()[-1].startswith("nothing in this sentence is known")


def test_the_plan_shows_what_is_known_and_what_is_not():
    lines = rewrite("buy nappies and glorbnak", VOCABULARY).lines()
    assert lines == [
        "asked:     buy nappies and glorbnak",
        "rewritten: People who will buy nappies in the next two weeks",
        "known:     'nappies' is nappies (entity)",
        "unknown:   glorbnak",
        "coverage:  50% of the words with a meaning of their own",
    ]


def test_a_name_with_braces_is_a_name():
    assert sentences("buy a {brace} name") == ("People who will buy a {brace} name in the next two weeks",)


def test_every_family_can_be_said():
    """The first paraphrase of each form that a rewriting uses fills with what a demand holds."""
    for forms in TEMPLATES.values():
        for form in {"plain", "first", "amount", "method", "any"} & set(forms):
            forms[form][0].format(who=PEOPLE[0], what="x", how="y", amount="1")
