"""The Complete Journey: the whole loop on receipts, and households ranked for coupon campaigns.

The receipts are a 5 % sample of lines (see the data set's README): about 20 lines a household in the year, so the
window of a mining run here is everything before its day, not 30 days.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from campaigns import rank_campaign, results_block
from completejourney import read_campaigns, readable, write_completejourney
from real_loop import load_files
from shared_data import Files

from audience_graph.client import AudienceGraph
from audience_graph.config import Connections, Home
from audience_trainers.relations.config import MineConfig


@dataclass(frozen=True)
class Plan:
    files: Files
    config: MineConfig
    campaigns: slice


@pytest.fixture
def plan(completejourney: Path, tmp_path: Path, whole: bool) -> Plan:
    files = write_completejourney(completejourney, tmp_path / "files", least_lines=10 if whole else 250)
    config = MineConfig(days=400) if whole else MineConfig(days=400, epochs=2, dims=64)
    return Plan(files, config, slice(None) if whole else slice(-5, -4))


def test_every_line_names_an_entity_of_its_category(completejourney: Path, tmp_path: Path) -> None:
    files = write_completejourney(completejourney, tmp_path, least_lines=150)
    entities = pd.read_parquet(files.folder / "entities.parquet")
    events = pd.read_parquet(files.folder / "events.parquet")
    assert not entities["name"].str.casefold().duplicated().any()
    assert not entities["id"].duplicated().any()
    names = set(entities["name"])
    named = events["text"].str.split(" | ", regex=False).apply(lambda parts: bool(names & set(parts)))
    assert named.mean() > 0.99
    assert readable("FRZN MEAT/MEAT DINNERS") == "frozen meat meat dinners"


def test_campaigns_have_receipts_before_them_and_only_receivers_redeem(completejourney: Path) -> None:
    campaigns = read_campaigns(completejourney, least_redeemers=10)
    assert len(campaigns) >= 10
    assert all(c.redeemed <= c.received and len(c.redeemed) >= 10 for c in campaigns)
    assert all(c.start >= pd.Timestamp("2017-01-31") for c in campaigns)
    assert all(c.sentence.startswith("households that buy ") and len(c.categories) >= 5 for c in campaigns)


@pytest.mark.usefixtures("clean_stores")
def test_households_are_ranked_for_campaigns_by_their_past(
    home: Home, connections: Connections, plan: Plan, completejourney: Path
) -> None:
    load_files(home, connections, plan.files)
    campaigns = read_campaigns(completejourney, least_redeemers=10)[plan.campaigns]
    results = [rank_campaign(home, connections, plan.files, c, plan.config) for c in campaigns]
    print(f"\n{results_block(results)}")
    for result in results:
        assert 0 < result.redeemed < result.households
        assert 0 < result.auc["sentence"] < 1
    if len(results) > 5:
        assert np.mean([r.auc["sentence"] for r in results]) > 0.5
    with AudienceGraph.connect(connections=connections) as ag:
        near = ag.expand("yogurt")
        best = ag.target("yogurt", size=20)
        why = ag.explain(best.user_ids[0], best)
    assert near.entities
    assert len(best.user_ids) == 20
    assert why.score == pytest.approx(best.scores[0], abs=1e-6)
    assert why.note == ""
    assert abs(why.rounding) <= why.rounding_bound
    assert sum(r.part for r in why.reasons) == pytest.approx(why.score, abs=why.rounding_bound)
    assert why.reasons
    assert all(r.events for r in why.reasons)
