"""Tasks: what tasks.toml may say, who is eligible, who is positive, and that nothing of the future can be seen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from planted_tasks import CUT, write_events, write_planted

from audience_graph.errors import InputError
from audience_trainers.users.tasks.history import read_history
from audience_trainers.users.tasks.labels import Labels, labels
from audience_trainers.users.tasks.parse import read_tasks
from audience_trainers.users.tasks.source import open_source
from audience_trainers.users.tasks.task import Arms, Query, Task

T = int(CUT.timestamp())
GOOD = '[[task]]\nname="a"\nsentence="People."\ncut=2024-03-01\nhorizon_days=7\ntruth={channel="visit"}\n'


def event(user: str, days: float, channel: str = "purchase", **more: Any) -> dict[str, Any]:
    return {"user_id": user, "time": CUT + timedelta(days=days), "channel": channel} | more


def task(truth: Query, **more: Any) -> Task:
    return Task("t", "People.", truth, T, **({"horizon_days": 7} | more))


def said(found: Labels) -> dict[str, int]:
    return dict(zip(found.users.tolist(), found.y.tolist(), strict=True))


def test_a_template_gives_a_task_per_row(tmp_path: Path) -> None:
    (tmp_path / "tasks.toml").write_text(
        'cut = 2024-03-01T12:00:00Z\nhorizon_days = 7\n[[template]]\nname = "buy_{k}"\nsentence = "Who buys {k}?"\n'
        'truth = { text_contains = "{words}", amount_at_least = 2 }\n'
        'each = [{ k = "tea", words = ["tea", "chai"] }, { k = "ale", words = "ale", horizon_days = 3 }]\n'
    )
    tasks = read_tasks(tmp_path)
    assert list(tasks) == ["buy_tea", "buy_ale"]
    assert tasks["buy_tea"].truth == Query(text_contains=("tea", "chai"), amount_at_least=2.0)
    assert tasks["buy_tea"].cut == T + 43_200
    assert (tasks["buy_ale"].sentence, tasks["buy_ale"].end) == ("Who buys ale?", T + 43_200 + 3 * 86_400)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[task]", "not a TOML file"),
        ("", "'task': expected at least one"),
        (GOOD + "colour=1\n", "task 'a', key 'colour': expected one of"),
        (GOOD + GOOD, "task 'a', key 'name': expected a name of its own"),
        (GOOD.replace("cut=2024-03-01\n", ""), "task 'a', key 'cut': expected a value"),
        (GOOD.replace("2024-03-01", '"soon"'), "key 'cut': expected a date or a time, like 2024-05-01, found 'soon'"),
        (GOOD.replace("=7", "=0"), "key 'horizon_days': expected a whole number of at least 1, found 0"),
        (GOOD.replace('channel="visit"', 'chanel="visit"'), "key 'truth.chanel': expected one of"),
        (GOOD.replace('channel="visit"', "channel=3"), "key 'truth.channel': expected a text or a list of texts"),
        (GOOD.replace('channel="visit"', 'column="x"'), "key 'truth': expected `column` and `equals` together"),
        (GOOD.replace('channel="visit"', 'column="x",equals=1,channel="y"'), "expected with `column` only"),
        (GOOD + 'eligible={first_time=true}\n', "key 'eligible.first_time': expected one of"),
        ('[[template]]\nname="{x}"\neach=[{y="1"}]\n', "template '{x}', key 'name': expected a value for {x}"),
        ('[[template]]\nname="b"\n', "key 'each': expected a list of tables"),
    ],
)  # fmt: skip
def test_an_error_names_file_task_key_and_what_was_expected(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "tasks.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as told:
        read_tasks(tmp_path)
    assert words in str(told.value)
    assert str(tmp_path / "tasks.toml") in str(told.value)


def test_labels_are_of_the_half_open_window_and_of_users_known_before(tmp_path: Path) -> None:
    rows = [event(user, -1, "visit") for user in "abcdef"]
    rows += [event("a", 0), event("b", 6.999), event("c", 7), event("d", -0.001), event("new", 1)]
    rows += [event("e", 1, status="returned"), event("f", 1, status="ok", amount=1.0)]
    write_events(tmp_path, rows)
    source = open_source(tmp_path)
    assert said(labels(task(Query(channel=("purchase",))), source)) == {"a": 1, "b": 1, "c": 0, "d": 0, "e": 1, "f": 1}
    assert said(labels(task(Query(status=("ok",), amount_at_least=1.0)), source))["f"] == 1
    assert labels(task(Query(status=("ok",), amount_at_least=1.0)), source).y.sum() == 1
    shorter = said(labels(task(Query(channel=("purchase",), within_days=6)), source))
    assert shorter["b"] == 0
    first = said(labels(task(Query(channel=("purchase",), first_time=True)), source))
    assert first == {"a": 1, "b": 1, "c": 0, "e": 1, "f": 1}


def test_lists_texts_and_counts_are_matched(tmp_path: Path) -> None:
    rows = [event(user, -1, "visit") for user in "abc"]
    rows += [event("a", 1, items=["x", "y"], text="Green TEA"), event("b", 1, entity_ids=["e1"], text="ale")]
    rows += [event("a", 2, items=["y"])]
    write_events(tmp_path, rows)
    source = open_source(tmp_path)
    assert said(labels(task(Query(items=("y", "z"))), source)) == {"a": 1, "b": 0, "c": 0}
    assert said(labels(task(Query(entity_ids=("e1",))), source)) == {"a": 0, "b": 1, "c": 0}
    assert said(labels(task(Query(text_contains=("tea",))), source)) == {"a": 1, "b": 0, "c": 0}
    assert said(labels(task(Query(text=("ale",))), source)) == {"a": 0, "b": 1, "c": 0}
    assert said(labels(task(Query(items=("y",), count_at_least=2)), source)) == {"a": 1, "b": 0, "c": 0}
    with pytest.raises(InputError, match="all 3 eligible users are 0"):
        labels(task(Query(items=("y",), count_at_least=3)), source)


def test_lists_may_be_written_as_text(tmp_path: Path) -> None:
    rows = [event(user, -1, "visit") for user in "abc"] + [event("a", 1), event("b", 1)]
    frame = pd.DataFrame(rows).assign(items=[None, None, None, "x|y", '["y", "z"]'])
    frame.to_parquet(tmp_path / "events.parquet", index=False)
    assert said(labels(task(Query(items=("x",))), open_source(tmp_path))) == {"a": 1, "b": 0, "c": 0}
    assert said(labels(task(Query(items=("z",))), open_source(tmp_path))) == {"a": 0, "b": 1, "c": 0}


def test_eligibility_reads_up_to_the_cut_itself(tmp_path: Path) -> None:
    rows = [event(user, -9, "visit") for user in "abcd"]
    rows += [event("a", 0, "mail"), event("b", 0.001, "mail"), event("c", -5, "mail"), event("a", 1)]
    write_events(tmp_path, rows)
    mailed = task(Query(channel=("purchase",)), eligible=Query(channel=("mail",)))
    assert said(labels(mailed, open_source(tmp_path))) == {"a": 1, "c": 0}
    recent = task(Query(channel=("purchase",)), eligible=Query(channel=("mail",), within_days=3))
    with pytest.raises(InputError, match="all 1 eligible users are 1"):
        labels(recent, open_source(tmp_path))


def test_columns_are_outcomes_dated_inside_the_window(tmp_path: Path) -> None:
    day = timedelta(days=1)
    pd.DataFrame({"user_id": list("abcd"), "as_of": CUT - day, "age": [1, 2, 3, 4]}).to_parquet(
        tmp_path / "users.parquet", index=False
    )
    pd.DataFrame(
        {"user_id": ["a", "b", "c", "d", "d"], "as_of": [CUT, CUT, CUT + 7 * day, CUT, CUT + day],
         "bought": [1, 0, 1, 0, 1], "arm": ["m", "n", "m", "n", None], "near": [0, 1, 0, 0, 0]}
    ).to_parquet(tmp_path / "outcomes.parquet", index=False)  # fmt: skip
    source = open_source(tmp_path)
    truth = Query(column="bought", equals=(1,), hard="near")
    found = labels(task(truth, arms=Arms("arm", ("m",), ("n",))), source)
    assert said(found) == {"a": 1, "b": 0, "d": 1}  # c's outcome came later
    assert found.treated is not None
    assert found.treated.tolist() == [1, 0, 0]
    assert found.hard is not None
    assert found.hard.tolist() == [False, True, False]
    assert said(labels(task(truth, eligible=Query(column="age", equals=(1, 2))), source)) == {"a": 1, "b": 0}
    with pytest.raises(InputError, match="no column 'gone'"):
        labels(task(Query(column="gone", equals=(1,))), source)
    assert set(read_history(source, T).profile) == {"age"}


def test_a_user_who_comes_later_is_not_known(tmp_path: Path) -> None:
    write_events(tmp_path, [event("a", -1, "visit"), event("b", -1, "visit"), event("a", 1), event("late", 2)])
    pd.DataFrame({"user_id": ["a", "late"], "age": [1, 2]}).to_parquet(tmp_path / "users.parquet", index=False)
    source = open_source(tmp_path)
    assert said(labels(task(Query(channel=("purchase",))), source)) == {"a": 1, "b": 0}
    assert read_history(source, T).users.tolist() == ["a", "b"]


def test_the_cut_itself_is_the_future_of_events_and_the_past_of_profiles(tmp_path: Path) -> None:
    write_events(tmp_path, [event("a", -1, "visit"), event("b", -1, "visit"), event("a", 0)])
    day = timedelta(days=1)
    pd.DataFrame({"user_id": ["a", "a", "a"], "as_of": [CUT - day, CUT, CUT + day], "age": [1, 2, 3]}).to_parquet(
        tmp_path / "users.parquet", index=False
    )
    history = read_history(open_source(tmp_path), T)
    assert history.channel.words == ("visit",)
    assert history.profile["age"].tolist() == [2, None]


def test_a_time_without_a_zone_is_utc(tmp_path: Path) -> None:
    rows = [event("a", -1, "visit"), event("b", -1, "visit"), event("a", 0)]
    write_events(tmp_path, rows)
    aware = said(labels(task(Query(channel=("purchase",))), open_source(tmp_path)))
    frame = pd.read_parquet(tmp_path / "events.parquet")
    for written in (frame["time"].dt.tz_convert("UTC").dt.tz_localize(None), frame["time"].map(datetime.isoformat)):
        frame.assign(time=written).to_parquet(tmp_path / "events.parquet", index=False)
        assert said(labels(task(Query(channel=("purchase",))), open_source(tmp_path))) == aware == {"a": 1, "b": 0}


def scrambled(folder: Path, *, before: bool) -> pd.DataFrame:
    """Return the events with everything but user and time of one side of the cut changed, and some of them doubled."""
    frame = pd.read_parquet(folder / "events.parquet")
    side = (frame["time"] < CUT) if before else (frame["time"] >= CUT)
    changed = frame[side].assign(channel="purchase", text="fresh coffee and tea", status="ok", amount=9.0)
    return pd.concat([frame[~side], changed, changed.iloc[::3]])


def test_changing_the_past_never_changes_a_label(tmp_path: Path) -> None:
    folder = write_planted(tmp_path)
    before = {name: labels(one, open_source(folder)) for name, one in read_tasks(folder).items()}
    scrambled(folder, before=True).to_parquet(folder / "events.parquet", index=False)
    for name, one in read_tasks(folder).items():
        after = labels(one, open_source(folder))
        assert after.users.tolist() == before[name].users.tolist()
        assert after.y.tolist() == before[name].y.tolist()
        assert 0 < after.y.sum() < len(after.y)


def test_changing_the_future_never_changes_what_a_scorer_sees(tmp_path: Path) -> None:
    folder = write_planted(tmp_path)
    people = pd.read_parquet(folder / "users.parquet")
    before = read_history(open_source(folder), T)
    assert before.time.max() < T
    scrambled(folder, before=False).to_parquet(folder / "events.parquet", index=False)
    later = people.assign(as_of=CUT + timedelta(seconds=1), age=-1, city="elsewhere", told="yes")
    pd.concat([people, later]).to_parquet(folder / "users.parquet", index=False)
    after = read_history(open_source(folder), T)
    for name in ("users", "user", "time", "mention_event"):
        assert np.array_equal(getattr(before, name), getattr(after, name)), name
    for name in ("channel", "text", "mention", "category"):
        one, other = getattr(before, name), getattr(after, name)
        assert one.words == other.words
        assert np.array_equal(one.code, other.code)
    assert set(after.profile) == {"age", "city"}
    assert all(np.array_equal(before.profile[name], after.profile[name]) for name in before.profile)


def test_a_history_is_in_order_and_says_what_an_event_is(tmp_path: Path) -> None:
    rows = [event("b", -1, text="second"), event("b", -2, items=["x", "y"]), event("a", -3, entity_ids=["e1"])]
    write_events(tmp_path, rows)
    pd.DataFrame({"id": ["e1"], "name": ["a name"], "type": ["t"]}).to_parquet(tmp_path / "entities.parquet")
    history = read_history(open_source(tmp_path), int(datetime(2024, 3, 1, tzinfo=UTC).timestamp()))
    assert history.users[history.user].tolist() == ["a", "b", "b"]
    assert [history.text.words[c] for c in history.text.code] == ["a name", "x, y", "second"]
    mentions = [history.mention.words[code] for code in history.mention.code]
    assert list(zip(history.mention_event.tolist(), mentions, strict=True)) == [
        (0, "e1"), (1, "x"), (1, "y"), (2, "second"),
    ]  # fmt: skip
    assert history.counts(history.mention).toarray().sum(1).tolist() == [1, 3]
