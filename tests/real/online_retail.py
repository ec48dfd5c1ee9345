"""Online Retail (a UK gift wholesaler) in the input contract: items are entities, receipt lines carry their ids."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from shared_data import Files, write_files


def write_online_retail(source: Path, folder: Path, *, least_lines: int, customers: int | None) -> Files:
    """Write entities, events and users: items with at least so many lines, the first `customers` (None = all).

    Lines without a customer and codes that are no goods (postage, charges) are left out; a cancelled line is an event
    of channel `return`.
    """
    lines = pd.read_parquet(source / "online_retail.parquet")
    lines = lines[lines["customer_id"].notna() & lines["stock_code"].str.match(r"\d{5}") & lines["description"].notna()]
    if customers is not None:
        chosen = sorted(lines["customer_id"].unique())[:customers]
        lines = lines[lines["customer_id"].isin(chosen)]
    counts = lines["stock_code"].value_counts()
    lines = lines[lines["stock_code"].isin(counts[counts >= least_lines].index)]
    user = "c" + lines["customer_id"].astype(int).astype(str)
    returned = lines["quantity"] < 0
    events = pd.DataFrame(
        {
            "user_id": user,
            "time": pd.to_datetime(lines["invoice_date"]).dt.tz_localize("UTC"),
            "channel": returned.map({True: "return", False: "purchase"}),
            "text": lines["description"].str.strip().astype(object),
            "entity_ids": [[code] for code in lines["stock_code"]],
            "amount": (lines["quantity"] * lines["unit_price"]).round(2),
            "status": returned.map({True: "cancelled", False: "ok"}),
        }
    )
    users = pd.DataFrame({"user_id": user, "country": lines["country"].astype(object)}).drop_duplicates("user_id")
    entities = _entities(lines)
    write_files(folder, entities=entities, events=events, users=users)
    return Files(folder, lines["invoice_date"].max().date(), len(entities), len(events))


def _entities(lines: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for code, own in lines.groupby("stock_code", sort=True):
        counts = own["description"].str.strip().value_counts().sort_index()
        spellings = counts.sort_values(ascending=False, kind="stable")
        names = [str(name).lower() for name in spellings.index]
        rows.append((str(code), names[0], "product", sorted(set(names[1:]) - {names[0]})))
    return pd.DataFrame(rows, columns=["id", "name", "type", "aliases"])
