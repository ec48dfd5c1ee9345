"""The Complete Journey (grocery receipts, a 5 % sample of lines) in the input contract, and its coupon campaigns.

Entities: product categories, product types and larger manufacturers. Events: receipt lines, in words only, so that
they are linked by the dictionary. Users: households with their demographics where known.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from shared_data import Files, write_files

from audience_trainers.users.tasks.sets.completejourney import readable

_LEAST_HISTORY = 30  # days of receipts before a campaign
_SPOKEN = ("product_type", "product_category", "manufacturer_id")


@dataclass(frozen=True, slots=True)
class Campaign:
    """One coupon campaign: who received it, who redeemed, when it began, which categories its coupons are for."""

    id: int
    kind: str
    start: pd.Timestamp
    received: frozenset[str]
    redeemed: frozenset[str]
    categories: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """What a marketer would type."""
        return f"households that buy {', '.join(self.categories)}"


def write_completejourney(source: Path, folder: Path, *, least_lines: int) -> Files:
    """Write entities, events and users. Product types and manufacturers with fewer lines than that get no entity."""
    lines = pd.read_parquet(source / "transactions_sample.parquet")
    products = pd.read_parquet(source / "products.parquet")
    rows = lines[lines["quantity"] > 0].merge(products, on="product_id", how="left")
    for column in ("product_category", "product_type"):
        rows[column] = rows[column].fillna("").astype(object)
    entities = _entities(rows, least_lines)
    events = pd.DataFrame(
        {
            "user_id": _household(rows["household_id"]),
            "time": pd.to_datetime(rows["transaction_timestamp"]).dt.tz_localize("UTC"),
            "channel": "purchase",
            "text": [_line(*cells) for cells in zip(*(rows[c] for c in _SPOKEN), strict=True)],
            "merchant": "store " + rows["store_id"].astype(str),
            "category": rows["department"].astype(object),
            "amount": rows["sales_value"],
        }
    )
    households = np.sort(lines["household_id"].unique())
    known = pd.read_parquet(source / "demographics.parquet")
    users = pd.DataFrame({"household_id": households}).merge(known, on="household_id", how="left")
    users = users.assign(user_id=_household(users["household_id"])).drop(columns="household_id")
    users = users.astype(object).where(users.notna(), None)
    write_files(folder, entities=entities, events=events, users=users)
    return Files(folder, lines["transaction_timestamp"].max().date(), len(entities), len(events))


def read_campaigns(source: Path, *, least_redeemers: int, categories: int = 10) -> list[Campaign]:
    """Return the campaigns with enough redeeming households and some receipts before them, in order of their start.

    The categories are those of most of its coupons' products.
    """
    products = pd.read_parquet(source / "products.parquet")[["product_id", "product_category"]].dropna()
    coupons = pd.read_parquet(source / "coupons.parquet").merge(products, on="product_id")
    received = pd.read_parquet(source / "campaigns.parquet")
    redeemed = pd.read_parquet(source / "coupon_redemptions.parquet")
    first = pd.read_parquet(source / "transactions_sample.parquet", columns=["transaction_timestamp"]).min().iloc[0]
    campaigns = []
    for row in pd.read_parquet(source / "campaign_descriptions.parquet").sort_values("start_date").itertuples():
        winners = _households_of(redeemed, row.campaign_id)
        if len(winners) < least_redeemers or pd.Timestamp(row.start_date) < first + pd.Timedelta(days=_LEAST_HISTORY):
            continue
        own = coupons.loc[coupons["campaign_id"] == row.campaign_id].drop_duplicates(["product_id"])
        counts = own["product_category"].value_counts().sort_index().sort_values(ascending=False, kind="stable")
        campaigns.append(
            Campaign(
                id=int(row.campaign_id),
                kind=str(row.campaign_type),
                start=pd.Timestamp(row.start_date),
                received=_households_of(received, row.campaign_id),
                redeemed=winners,
                categories=tuple(readable(name) for name in counts.index[:categories]),
            )
        )
    return campaigns


def _entities(rows: pd.DataFrame, least_lines: int) -> pd.DataFrame:
    entities: dict[str, tuple[str, str, set[str]]] = {}
    for column, kind, least in (("product_category", "category", 1), ("product_type", "product", least_lines)):
        counts = rows[column].value_counts()
        for raw in sorted(counts[counts >= least].index):
            name = readable(raw)
            if name:
                entities.setdefault(name, (f"{kind}:{name.replace(' ', '-')}", kind, set()))[2].add(raw)
    makers = rows["manufacturer_id"].value_counts()
    for maker in sorted(makers[makers >= 5 * least_lines].index):
        entities[f"manufacturer {int(maker)}"] = (f"maker:{int(maker)}", "brand", set())
    inside = rows.groupby("product_type")["product_category"].first()
    return pd.DataFrame(
        [
            (ident, name, kind, sorted(raw), _description(kind, raw, inside))
            for name, (ident, kind, raw) in entities.items()
        ],
        columns=["id", "name", "type", "aliases", "description"],
    )


def _description(kind: str, raw: set[str], inside: pd.Series) -> str | None:
    if kind != "product":
        return None
    return f"a kind of {readable(inside[min(raw)])}"


def _line(kind: str, category: str, maker: float) -> str:
    words = [readable(kind), readable(category), "" if pd.isna(maker) else f"manufacturer {int(maker)}"]
    return " | ".join(word for word in words if word) or "unnamed product"


def _households_of(rows: pd.DataFrame, campaign: int) -> frozenset[str]:
    return frozenset(_household(rows.loc[rows["campaign_id"] == campaign, "household_id"]))


def _household(ids: pd.Series) -> pd.Series:
    return "h" + ids.astype(int).astype(str).str.zfill(4)
