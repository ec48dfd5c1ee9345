"""The last events before a moment equal a plain loop; no text of an event breaks a description."""

from __future__ import annotations

import string

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from audience_graph.sentences.wording import LEAST_CENTS, clean, method_words, round_amount
from audience_trainers.users.histories import Histories, Moments, last_events, last_texts
from audience_trainers.users.segments import bisect

_EVENTS = st.lists(st.tuples(st.integers(0, 3), st.integers(-5, 12), st.integers(0, 2), st.integers(0, 4)), max_size=40)
_MOMENTS = st.lists(st.tuples(st.integers(0, 3), st.integers(-7, 14)), max_size=12)


def histories_of(events: list[tuple[int, int, int, int]]) -> Histories:
    ordered = sorted(events, key=lambda e: (e[0], e[1]))
    columns = np.array(ordered, np.int64).reshape(-1, 4).T
    return Histories(
        user_ids=("a", "b", "c", "d"),
        start=np.searchsorted(columns[0], np.arange(5)).astype(np.int64),
        time=columns[1],
        source=columns[2].astype(np.int16),
        text=columns[3].astype(np.int32),
        sources=("s0", "s1", "s2"),
        texts=tuple(string.ascii_lowercase[:5]),
    )


@settings(deadline=None, max_examples=200)
@given(events=_EVENTS, moments=_MOMENTS, width=st.integers(1, 6))
def test_the_last_events_equal_a_plain_loop(events, moments, width):  # type: ignore[no-untyped-def]
    histories = histories_of(events)
    if not events:
        return
    asked = Moments(np.array([m[0] for m in moments], np.int64), np.array([m[1] for m in moments], np.int64))
    block = last_events(histories, asked, width)
    assert block.text.shape == (len(moments), width)
    ordered = sorted(events, key=lambda e: (e[0], e[1]))
    for i, (user, t1) in enumerate(moments):
        past = [e for e in ordered if e[0] == user and e[1] < t1]
        rows, length = past[-width:], len(past[-width:])
        assert block.length[i] == length
        for column, place in ((block.time, 1), (block.source, 2), (block.text, 3)):
            assert column[i].tolist() == [row[place] for row in rows] + [0] * (width - length)
        searched = [string.ascii_lowercase[e[3]] for e in past if e[2] in (0, 2)]
        assert last_texts(histories, asked[[i]], width, ("s0", "s2")) == [searched[-width:]]


@settings(deadline=None, max_examples=200)
@given(
    runs=st.lists(st.lists(st.integers(0, 9), max_size=9), min_size=1, max_size=5),
    right=st.booleans(),
    at=st.integers(-1, 11),
)
def test_bisecting_runs_equals_searchsorted(runs, right, at):  # type: ignore[no-untyped-def]
    values = np.array([v for run in runs for v in sorted(run)], np.int64)
    if len(values) == 0:
        return
    ends = np.cumsum([len(run) for run in runs])
    low, high = ends - [len(run) for run in runs], ends
    side = "right" if right else "left"
    wanted = [a + int(np.searchsorted(values[a:b], at, side=side)) for a, b in zip(low, high, strict=True)]
    assert bisect(values, low, high, np.full(len(runs), at), right=right).tolist() == wanted


@settings(deadline=None, max_examples=300)
@given(text=st.text(max_size=120))
def test_a_cleaned_value_is_one_short_line_with_a_letter(text):  # type: ignore[no-untyped-def]
    said = clean(text)
    if said is not None:
        assert said == said.strip()
        assert len(said.split()) <= 8
        assert len(said) <= 80
        assert not set(said) & set("\n\r\t\0_")
    assert isinstance(method_words(text or "x"), str)


@settings(deadline=None, max_examples=300)
@given(cents=st.integers(0, 10**15))
def test_a_round_amount_lies_below_the_sum_and_not_far(cents):  # type: ignore[no-untyped-def]
    amount = round_amount(cents)
    assert (amount is None) == (cents < LEAST_CENTS)
    if amount is not None:
        assert amount * 100 < cents
        assert cents <= amount * 100 * 2 + 10_000
        assert str(amount)[0] in "1235"
        assert set(str(amount)[1:]) <= {"0"}
