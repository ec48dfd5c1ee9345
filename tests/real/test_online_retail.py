"""Online Retail: the whole loop on item receipts, whose lines carry entity ids."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from online_retail import write_online_retail
from ranking import lift_at
from real_loop import load_files, mine_and_publish, score_users
from shared_data import Files

from audience_graph.client import AudienceGraph
from audience_graph.config import Connections, Home
from audience_trainers.relations.config import MineConfig

ITEMS = 20
AS_OF = pd.Timestamp("2011-11-08", tz="UTC")  # a month before the end of the data


@dataclass(frozen=True)
class Plan:
    files: Files
    config: MineConfig


@pytest.fixture
def plan(online_retail: Path, tmp_path: Path, whole: bool) -> Plan:
    if whole:
        return Plan(
            write_online_retail(online_retail, tmp_path / "files", least_lines=20, customers=None), MineConfig(days=180)
        )
    files = write_online_retail(online_retail, tmp_path / "files", least_lines=60, customers=800)
    return Plan(files, MineConfig(days=180, epochs=2, dims=64))


def test_items_are_goods_and_lines_name_them(online_retail: Path, tmp_path: Path) -> None:
    files = write_online_retail(online_retail, tmp_path, least_lines=60, customers=800)
    entities = pd.read_parquet(files.folder / "entities.parquet")
    events = pd.read_parquet(files.folder / "events.parquet")
    assert set(events["entity_ids"].explode()) <= set(entities["id"])
    assert entities["id"].str.match(r"\d{5}").all()
    assert set(events["channel"]) == {"purchase", "return"}
    assert not events["user_id"].isna().any()


@pytest.mark.usefixtures("clean_stores")
def test_next_months_new_buyers_of_an_item_are_found(home: Home, connections: Connections, plan: Plan) -> None:
    load_files(home, connections, plan.files)
    mine_and_publish(home, connections, (AS_OF - pd.Timedelta(days=1)).date(), plan.config)
    events = pd.read_parquet(plan.files.folder / "events.parquet").query("channel == 'purchase'").explode("entity_ids")
    past, later = events[events["time"] < AS_OF], events[events["time"] >= AS_OF]
    users = np.array(sorted(past["user_id"].unique()))
    activity = past["user_id"].value_counts().reindex(users).to_numpy(dtype=np.float64)
    lifts = []
    with AudienceGraph.connect(connections=connections) as ag:
        for item in later["entity_ids"].value_counts().sort_index().sort_values(ascending=False).index[:ITEMS]:
            fresh = ~np.isin(users, past.loc[past["entity_ids"] == item, "user_id"])
            acted = np.isin(users, later.loc[later["entity_ids"] == item, "user_id"])
            if (fresh & acted).sum() < 3:
                continue
            scores = score_users(ag, [item], users)
            lifts.append([lift_at(own, acted, fresh, 0.1) for own in (scores, activity)])
        found = ag.expand(ag.resolve(str(item)).ids[0], limit=10)
    assert len(found.entities) > 0
    assert len(lifts) >= 3
    graph, active = np.median(lifts, axis=0)
    print(
        f"\nonline_retail, {len(lifts)} items: median lift at 10 % of new buyers {graph:.2f}, most active {active:.2f}"
    )
    assert graph > 0.8
