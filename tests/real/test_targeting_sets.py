"""Targeting tasks of the real sets: adapters write folders that can be labelled, and the past of a task is its past."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from shared_data import find_shared_data, why_absent

from audience_trainers.users.tasks.history import read_history
from audience_trainers.users.tasks.labels import labels
from audience_trainers.users.tasks.parse import read_tasks
from audience_trainers.users.tasks.sets.writing import SETS, Made, make_tasks
from audience_trainers.users.tasks.source import open_source


def made(name: str, folder: Path) -> Made:
    source = find_shared_data(SETS[name])
    if source is None:
        pytest.skip(why_absent(name))
    return make_tasks(name, source, folder)


@pytest.mark.parametrize("name", [name for name in SETS if name != "demo"])
def test_every_task_has_positives_and_a_past(name: str, tmp_path: Path) -> None:
    written = made(name, tmp_path)
    assert all(15 <= positives < eligible for eligible, positives in written.tasks.values())
    source = open_source(tmp_path)
    for cut in {task.cut for task in read_tasks(tmp_path).values()}:
        history = read_history(source, cut)
        assert len(history.time) == 0 or history.time.max() < cut
        assert len(history.user) > 0 or history.profile


def test_campaigns_ask_who_received_and_answer_who_redeemed(tmp_path: Path) -> None:
    made("completejourney", tmp_path)
    folder = find_shared_data("completejourney")
    assert folder is not None
    received = pd.read_parquet(folder / "campaigns.parquet")
    redeemed = pd.read_parquet(folder / "coupon_redemptions.parquet")
    dates = pd.read_parquet(folder / "campaign_descriptions.parquet").set_index("campaign_id")
    tasks = read_tasks(tmp_path)
    for campaign in (13, 18, 19):
        task = tasks[f"campaign_{campaign}"]
        begin, end = (pd.Timestamp(dates.loc[campaign, name], tz="UTC") for name in ("start_date", "end_date"))
        assert (task.cut, task.end) == (begin.timestamp(), (end + pd.Timedelta(days=1)).timestamp())
        found = labels(task, open_source(tmp_path))
        mailed = {f"h{one:04d}" for one in received.loc[received["campaign_id"] == campaign, "household_id"]}
        winners = {f"h{one:04d}" for one in redeemed.loc[redeemed["campaign_id"] == campaign, "household_id"]}
        assert set(found.users) <= mailed
        assert set(found.users[found.y == 1]) == winners & set(found.users)
        assert len(found.users) > 0.95 * len(mailed)


def test_anonymous_and_returned_lines_are_nobodys_purchase(tmp_path: Path) -> None:
    made("online_retail", tmp_path)
    events = pd.read_parquet(tmp_path / "events.parquet")
    assert events["user_id"].str.match(r"c\d+$").all()
    assert set(events["status"]) == {"ok", "returned"}
    assert (events.loc[events["status"] == "ok", "amount"] >= 0).all()
    task = read_tasks(tmp_path)["doormat_buyers"]
    found = labels(task, open_source(tmp_path))
    inside = events["time"].ge(pd.Timestamp(task.cut, unit="s", tz="UTC"))
    inside &= events["time"].lt(pd.Timestamp(task.end, unit="s", tz="UTC"))
    inside &= events["status"].eq("ok") & events["text"].str.contains("doormat")
    assert set(found.users[found.y == 1]) == set(events.loc[inside, "user_id"]) & set(found.users)


@pytest.mark.parametrize(("name", "last"), [("amazon_beauty_seq", 2), ("ml_latest_small", 10)])
def test_where_order_stands_for_time_each_user_keeps_the_last_ones(name: str, last: int, tmp_path: Path) -> None:
    made(name, tmp_path)
    task = next(iter(read_tasks(tmp_path).values()))
    events = pd.read_parquet(tmp_path / "events.parquet", columns=["user_id", "time"])
    after = events[events["time"] >= pd.Timestamp(task.cut, unit="s", tz="UTC")]
    assert set(after["user_id"].value_counts()) == {last}
    assert after["user_id"].nunique() == events["user_id"].nunique()
    assert (after["time"] < pd.Timestamp(task.end, unit="s", tz="UTC")).all()
    assert not events.duplicated().any()


def test_arms_are_kept_from_every_scorer(tmp_path: Path) -> None:
    made("hillstrom_email", tmp_path)
    source = open_source(tmp_path)
    task = read_tasks(tmp_path)["visit_mens"]
    assert not {"segment", "visit", "conversion", "spend"} & set(read_history(source, task.cut).profile)
    found = labels(task, source)
    assert found.treated is not None
    assert ((found.treated == 1).sum(), (found.treated == 0).sum()) == (21_307, 21_306)
    assert found.y[found.treated == 1].mean() == pytest.approx(0.1828, abs=1e-4)
    assert found.y[found.treated == 0].mean() == pytest.approx(0.1062, abs=1e-4)
