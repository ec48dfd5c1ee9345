"""The Complete Journey: receipt lines, campaigns received, coupons redeemed, demographics of 801 households."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pandas as pd

_SHORT = {
    "FRZN": "frozen", "REFRGRATD": "refrigerated", "DRNKS": "drinks", "DRNK": "drink", "SFT": "soft", "SALD": "salad",
    "DRSNG": "dressing", "SNDWCH": "sandwich", "SPRD": "spread", "BN": "bean", "VEG": "vegetables", "BTL": "bottle",
    "CARB": "carbonated", "INCL": "included", "CAN": "can", "PK": "pack", "SS": "single serve", "DNRS": "dinners",
    "MISC": "miscellaneous", "PROD": "products", "DOM": "domestic", "HSHLD": "household", "PKG": "package",
    "PWDR": "powder", "CHOC": "chocolate", "CNDY": "candy", "TOM": "tomato", "CHIX": "chicken", "BEV": "beverages",
    "LIQ": "liquid", "DEOD": "deodorant", "BRKFST": "breakfast", "SHERBTS": "sherbets", "DSH": "dish",
}  # fmt: skip


def write(con: duckdb.DuckDBPyConnection, origin: Path) -> dict[str, str]:
    """Make the tables events, users and entities.

    A campaign received is an event of channel `campaign` at the start of its first day, a redemption one of channel
    `coupon` at the start of its day; both carry the item `campaign N`. Lines that give goods back have status
    `returned`.
    """
    products = pd.read_parquet(origin / "products.parquet")
    kinds = pd.DataFrame({"raw": pd.unique(products[["product_type", "product_category"]].to_numpy().ravel())}).dropna()
    kinds["said"] = [readable(raw) for raw in kinds["raw"]]
    con.register("kinds", kinds)
    con.execute(_TABLES.replace("$origin", str(origin).replace("'", "''")))
    return {}


def readable(text: str) -> str:
    """Spell a shop's shorthand out: `FRZN VEG/DSH` -> `frozen vegetables dish`."""
    words = re.split(r"[^A-Za-z0-9%&']+", text)
    return " ".join(_SHORT.get(word.upper(), word.lower()) for word in words if word)


_TABLES = """
CREATE VIEW goods AS
SELECT p.*, coalesce(t.said, 'unnamed product') AS kind, coalesce(c.said, '') AS wide
FROM '$origin/products.parquet' p
LEFT JOIN kinds t ON t.raw = p.product_type LEFT JOIN kinds c ON c.raw = p.product_category;

CREATE TABLE entities AS
SELECT DISTINCT 'category:' || replace(wide, ' ', '-') AS id, wide AS name, 'category' AS type FROM goods
WHERE wide <> '' AND product_id IN (SELECT product_id FROM '$origin/transactions_sample.parquet') ORDER BY id;

CREATE TABLE events AS
SELECT 'h' || lpad(household_id::VARCHAR, 4, '0') AS user_id, transaction_timestamp::TIMESTAMPTZ AS time,
       'purchase' AS channel, concat_ws(', ', kind, nullif(wide, '')) AS text,
       if(wide = '', [], ['category:' || replace(wide, ' ', '-')]) AS entity_ids, [kind] AS items,
       department AS category, 'store ' || store_id AS merchant, sales_value AS amount,
       if(quantity > 0, 'ok', 'returned') AS status
FROM '$origin/transactions_sample.parquet' JOIN goods USING (product_id)
UNION ALL
SELECT 'h' || lpad(household_id::VARCHAR, 4, '0'), start_date::TIMESTAMPTZ, 'campaign',
       'received the coupons of campaign ' || campaign_id, [], ['campaign ' || campaign_id],
       NULL, NULL, NULL, NULL
FROM '$origin/campaigns.parquet' JOIN '$origin/campaign_descriptions.parquet' USING (campaign_id)
UNION ALL
SELECT 'h' || lpad(r.household_id::VARCHAR, 4, '0'), redemption_date::TIMESTAMPTZ, 'coupon',
       'redeemed a coupon for ' || coalesce(g.wide, 'unnamed products'), [], ['campaign ' || r.campaign_id],
       NULL, NULL, NULL, NULL
FROM '$origin/coupon_redemptions.parquet' r
LEFT JOIN (SELECT coupon_upc, campaign_id, mode(wide ORDER BY wide) AS wide
           FROM '$origin/coupons.parquet' JOIN goods USING (product_id) WHERE wide <> '' GROUP BY ALL) g
       ON g.coupon_upc = r.coupon_upc AND g.campaign_id = r.campaign_id
ORDER BY user_id, time, channel, text;

CREATE TABLE users AS
SELECT u.user_id, d.* EXCLUDE (household_id)
FROM (SELECT DISTINCT user_id FROM events) u
LEFT JOIN '$origin/demographics.parquet' d ON 'h' || lpad(d.household_id::VARCHAR, 4, '0') = u.user_id
ORDER BY u.user_id;
"""
