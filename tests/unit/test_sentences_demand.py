"""What a marketer's sentence asks for, and what of it is not understood."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audience_graph.entities.text import singular
from audience_graph.errors import ConfigError
from audience_graph.sentences.demand import read_demand
from audience_graph.sentences.vocabulary import Value, Vocabulary

NAMES = ("baby food", "nappies", "strollers", "lip makeup", "eye makeup", "base makeup", "running shoes", "running",
         "used cars", "credit cards", "train tickets", "跑鞋")  # fmt: skip
PAYMENTS = ("credit_card", "balance")
MEANINGS = {"baby meals": "baby food", "rail passes": "train tickets"}


def encode(texts):
    """Return one axis per name; a text of like meaning lies near its name, every other text on an axis of its own."""
    rows = np.zeros((len(texts), len(NAMES) + 1), np.float32)
    for row, text in enumerate(texts):
        name = MEANINGS.get(text, text)
        rows[row, NAMES.index(name) if name in NAMES else -1] = 1.0
        rows[row, -1] += 0.4 * (text in MEANINGS)
    return rows


VALUES = tuple(Value(name, "entity", f"e{i}") for i, name in enumerate(NAMES))
VOCABULARY = Vocabulary(VALUES)
BY_MEANING = Vocabulary(VALUES, encode=encode)


def read(sentence, vocabulary=VOCABULARY):
    return read_demand(sentence, vocabulary, payments=PAYMENTS)


def things(demand):
    return [found.value.text for found in demand.found]


@pytest.mark.parametrize(
    ("sentence", "families", "found"),
    [
        ("People who will buy nappies or a stroller.", ("purchase",), ["nappies", "strollers"]),
        ("Users searching for train tickets, then paying for them", ("search", "payment"), ["train tickets"]),
        ("people who tap or click on RUNNING  SHOES", ("click",), ["running shoes"]),
        ("running", (), ["running"]),
        ("will read about running shoes and running", ("browse",), ["running shoes", "running"]),
        ("lip, eye or base makeup", (), ["lip makeup", "eye makeup", "base makeup"]),
        ("nappies, nappies and 'nappies'", (), ["nappies"]),
        ("购买跑鞋的人", ("purchase",), ["跑鞋"]),
    ],
)
def test_verbs_say_the_behaviour_and_names_the_things(sentence, families, found):
    demand = read(sentence)
    assert (demand.families, things(demand)) == (families, found)
    assert demand.coverage == 1.0
    assert demand.not_understood == ()
    assert demand.understood


@pytest.mark.parametrize(
    ("sentence", "days"),
    [
        ("buy nappies in the next two weeks", 14),
        ("buy nappies within 10 days", 10),
        ("buy nappies next month", 30),
        ("buy nappies tomorrow", 2),
        ("buy nappies today", 1),
        ("buy nappies this week", 7),
        ("buy nappies over the coming quarter", 91),
        ("buy nappies in a fortnight", 14),
        ("buy nappies", None),
    ],
)
def test_time_is_read_in_days(sentence, days):
    demand = read(sentence)
    assert demand.quantities.days == days
    assert demand.coverage == 1.0


@pytest.mark.parametrize(
    ("sentence", "at_least", "at_most", "times"),
    [
        ("spend over $1,200.50 on nappies", 1200.5, None, None),
        ("nappies for at most 20 euros", None, 20.0, None),
        ("buy nappies at least 3 times", None, None, 3),
        ("buy nappies more than two times", None, None, 3),
        ("buy nappies twice", None, None, 2),
        ("nappies of 50€ or more", 50.0, None, None),
        ("buy nappies from a shop", None, None, None),
        ("buy nappies over two weeks", None, None, None),
        ("spend over a thousand on nappies", None, None, None),
        ("buy nappies", None, None, None),
    ],
)
def test_amounts_and_times_are_read_as_numbers(sentence, at_least, at_most, times):
    found = read(sentence).quantities
    assert (found.at_least, found.at_most, found.times) == (at_least, at_most, times)


def test_a_payment_channel_is_how_and_its_entity_is_what():
    demand = read("Users who will pay with a credit card for train tickets")
    assert (demand.payment, things(demand)) == ("credit_card", ["train tickets"])
    assert things(read("people interested in credit cards")) == ["credit cards"]
    assert read("people who pay by balance").understood


def test_for_the_first_time_is_marked():
    assert read("buy nappies for the first time").first_time
    assert not read("buy nappies").first_time


def test_what_is_not_known_is_said_and_not_guessed():
    demand = read("people who adore glorbnak widgets", BY_MEANING)
    assert demand.not_understood == ("adore", "glorbnak", "widgets")
    assert (demand.coverage, demand.understood, demand.found) == (0.0, False, ())


def test_half_known_sentences_tell_the_share_that_was_understood():
    demand = read("people who buy nappies and glorbnak")
    assert demand.not_understood == ("glorbnak",)
    assert demand.coverage == 0.5
    assert demand.understood


def test_unknown_words_are_found_by_meaning():
    found = read("buy baby meals", BY_MEANING).found
    assert [(f.said, f.value.text, f.how) for f in found] == [("baby meals", "baby food", "meaning")]
    assert 0.6 <= found[0].score < 1.0
    assert read("buy baby meals").not_understood == ("baby", "meals")


def test_a_name_counts_before_a_meaning():
    asked = []
    vocabulary = Vocabulary(VALUES, encode=lambda texts: asked.append(texts) or encode(texts))
    read("buy nappies", vocabulary)
    assert asked == []


def test_scripts_that_the_encoder_cannot_read_are_not_looked_up():
    assert read("购买 数码相机", BY_MEANING).not_understood == ("数", "码", "相", "机")


@pytest.mark.parametrize("sentence", ["", "  \n", "x" * 2_001])
def test_empty_and_endless_sentences_are_refused(sentence):
    with pytest.raises(ConfigError):
        read(sentence)


def test_values_of_one_name_go_to_the_one_met_most_often():
    vocabulary = Vocabulary([Value("Coffee", "entity", "e1", 2.0), Value("coffee", "category", None, 5.0)])
    assert len(vocabulary) == 1
    assert read_demand("coffee", vocabulary).found[0].value.kind == "category"


@pytest.mark.parametrize(
    ("word", "wanted"),
    [("cars", "car"), ("berries", "berry"), ("watches", "watch"), ("glass", "glass"), ("bus", "bus"), ("gas", "gas")],
)
def test_plural_endings_are_dropped(word, wanted):
    assert singular(word) == wanted


@given(st.text(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_text_is_read_or_refused(text):
    try:
        demand = read(text)
    except ConfigError:
        assert not text.strip()
    else:
        assert 0.0 <= demand.coverage <= 1.0
        assert demand.understood == bool(demand.found or demand.payment)
