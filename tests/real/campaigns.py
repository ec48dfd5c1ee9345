"""Rank households for a coupon campaign from a sentence, with receipts of before its start only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pandas as pd
import pyarrow.compute as pc
from completejourney import Campaign
from ranking import auc, lift_at
from real_loop import mine_and_publish, score_users
from shared_data import Files

from audience_graph.client import AudienceGraph
from audience_graph.config import Connections, Home
from audience_graph.entities.dictionary import read_dictionary
from audience_graph.entities.linking import Linker
from audience_graph.graph.runner import open_runner
from audience_trainers.relations.config import MineConfig

SHARE = 0.10


@dataclass(frozen=True, slots=True)
class CampaignResult:
    """AUC and lift at 10 % among the households that received a campaign, by ranking."""

    campaign: Campaign
    households: int
    redeemed: int
    auc: dict[str, float]
    lift: dict[str, float]


def rank_campaign(
    home: Home, connections: Connections, files: Files, campaign: Campaign, config: MineConfig
) -> CampaignResult:
    """Mine everything before the campaign's start, target its sentence, and compare with who redeemed.

    Eligible are the households that received the campaign (only they could redeem). Popularity = receipt lines before
    the start. Raises AssertionError if any event that was read lies after the start.
    """
    published = mine_and_publish(home, connections, (campaign.start - timedelta(days=1)).date(), config)
    latest = pc.max(published.run.read_table("sequences")["time"]).as_py()
    assert pd.Timestamp(latest).tz_localize(None) < campaign.start, "an event of after the start was read"
    users = np.array(sorted(campaign.received))
    with open_runner(connections) as runner:
        seeds = Linker(read_dictionary(runner)).link(campaign.sentence)
    with AudienceGraph.connect(connections=connections) as ag:
        scores = score_users(ag, seeds, users)
    events = pd.read_parquet(files.folder / "events.parquet", columns=["user_id", "time"])
    before = events[events["time"] < campaign.start.tz_localize("UTC")]["user_id"].value_counts()
    rankings = {
        "sentence": scores,
        "most active": before.reindex(users).fillna(0).to_numpy(dtype=np.float64),
        "random": np.random.default_rng(campaign.id).random(len(users)),
    }
    positive, everybody = np.isin(users, list(campaign.redeemed)), np.ones(len(users), dtype=bool)
    return CampaignResult(
        campaign=campaign,
        households=len(users),
        redeemed=int(positive.sum()),
        auc={name: auc(own, positive) for name, own in rankings.items()},
        lift={name: lift_at(own, positive, everybody, SHARE) for name, own in rankings.items()},
    )


def results_block(results: list[CampaignResult]) -> str:
    """Return a Markdown table: one row per campaign, then the mean with its standard deviation over campaigns."""
    names = list(results[0].auc)
    lines = [
        "| campaign | type | start | received | redeemed | " + " | ".join(f"AUC {n} | lift {n}" for n in names) + " |",
        "|---|---|---|---|---|" + "---|---|" * len(names),
    ]
    for r in results:
        cells = " | ".join(f"{r.auc[n]:.3f} | {r.lift[n]:.2f}" for n in names)
        c = r.campaign
        lines.append(f"| {c.id} | {c.kind} | {c.start.date()} | {r.households:,} | {r.redeemed} | {cells} |")
    cells = " | ".join(
        f"{_spread([r.auc[n] for r in results], 3)} | {_spread([r.lift[n] for r in results], 2)}" for n in names
    )
    lines.append(f"| mean ± sd |  |  |  |  | {cells} |")
    return "\n".join(lines)


def _spread(values: list[float], digits: int) -> str:
    return f"{np.mean(values):.{digits}f} ± {np.std(values, ddof=1) if len(values) > 1 else 0.0:.{digits}f}"
