"""What the model reads of a user, as a fingerprint: it moves when that does, and only then."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from audience_graph.errors import RunError
from audience_trainers.users.histories import Moments, read_histories
from audience_trainers.users.inputs import Known
from audience_trainers.users.profiles import read_profiles
from audience_trainers.users.source import open_folder
from audience_trainers.users.standing import Standing, fingerprints
from audience_trainers.users.tabular.schema import TabularSchema
from users.folders import day, event, seconds, write_folder

EVENTS = [
    event("ann", 1, "search", text="green tea"),
    event("ann", 2, "visit", text="read about spa"),
    event("bob", 1, "visit", text="read about spa"),
    event("bob", 3, "visit", text="novels"),
    event("cat", 2.5, "search", text="tents"),
]
USERS = [{"user_id": u, "as_of": day(at), "age": age} for u, at, age in (("ann", 0, 30.0), ("bob", 0, 40.0))]


def prints(folder, events, users=USERS, *, at=10.0, width=8):
    with open_folder(write_folder(folder, events, users=users)) as source:
        histories = read_histories(source)
        profiles = read_profiles(source, histories)
    schema = TabularSchema.fit({"age": np.array([30.0, 40.0, np.nan])})
    vectors = np.zeros((len(histories.texts), 2), np.float32)
    known = Known(histories, vectors, width, 5, ("search",), profiles, schema)
    moments = Moments(np.arange(len(histories.user_ids)), np.full(len(histories.user_ids), seconds(at)))
    return dict(zip(histories.user_ids, fingerprints(known, moments).tolist(), strict=True)), known


def test_what_is_new_of_one_user_moves_that_user_alone(tmp_path):
    before, _ = prints(tmp_path / "a", EVENTS)
    assert len(set(before.values())) == 3
    changes = {
        "event": ([*EVENTS, event("bob", 9, "visit", text="green tea")], USERS, {"bob"}),
        "text": ([replaced(EVENTS, 4, text="new tents")], USERS, {"cat"}),
        "channel": ([replaced(EVENTS, 4, channel="visit")], USERS, {"cat"}),
        "time": ([replaced(EVENTS, 4, time=day(2.6))], USERS, {"cat"}),
        "column": (EVENTS, [*USERS, {"user_id": "ann", "as_of": day(5), "age": 40.0}], {"ann"}),
        "first row": (EVENTS, [*USERS, {"user_id": "cat", "as_of": day(5), "age": 40.0}], {"cat"}),
        "other text": ([event("zoe", 0.1, "app", text="first of all"), *EVENTS], USERS, {"zoe"}),
    }
    for name, (events, users, moved) in changes.items():
        listed = events[0] if isinstance(events[0], list) else events
        after, _ = prints(tmp_path / name, listed, users)
        assert {u for u in after if after[u] != before.get(u)} == moved, name


def replaced(events, place, **values):
    return [row if i != place else row | values for i, row in enumerate(events)]


def test_what_lies_after_the_day_is_not_read_and_of_what_lies_before_the_width_the_number(tmp_path, monkeypatch):
    monkeypatch.setattr("audience_trainers.users.standing.MOST", 2)
    before, _ = prints(tmp_path / "a", EVENTS, at=4.0, width=2)
    later, _ = prints(tmp_path / "b", [*EVENTS, event("ann", 4.5, "visit", text="later")], at=4.0, width=2)
    assert later == before
    same, _ = prints(tmp_path / "d", EVENTS, at=9.0, width=2)
    assert same == before  # another day alone moves nobody
    longer, _ = prints(tmp_path / "c", [event("bob", 0.5, "visit", text="long ago"), *EVENTS], at=4.0, width=2)
    assert {user for user in before if longer[user] != before[user]} == {"bob"}  # activity counts all events
    other, _ = prints(tmp_path / "e", [event("bob", 0.5, "visit", text="something else"), *EVENTS], at=4.0, width=2)
    assert other == longer


class Planted:
    """Stands in for a trained model: its vectors tell who was asked for, and when."""

    def __init__(self, known):
        self.known = known

    def embed(self, moments):
        return np.stack([moments.user, moments.time], axis=1).astype(np.float32)


def test_users_without_an_event_by_the_day_have_no_place(tmp_path):
    _, known = prints(tmp_path / "a", EVENTS)
    standing = Standing(Planted(known), date(2026, 1, 2))  # day 1 ends before ann's second event
    assert standing.users()["user_id"].to_pylist() == ["ann", "bob"]
    found = standing.embed(["bob", "ann"])
    assert found[:, 0].tolist() == [1, 0]
    assert found[0, 1] == pytest.approx(seconds(2))
    whole = Standing(Planted(replace(known, width=8)), date(2026, 1, 9))
    assert whole.users().num_rows == 3
    with pytest.raises(RunError, match="no user has an event up to 2025-12-30"):
        Standing(Planted(known), date(2025, 12, 30))
