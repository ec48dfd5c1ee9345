"""Interactions and item texts of the real data sets whose sequences give a dense relation graph."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from audience_trainers.relations.linkpred.from_sequences import Interactions


def read_ml_1m(folder: Path) -> Interactions:
    """Films that a user rated; no times, the order is that of the original file. Text: title, genres, plot."""
    rows = pd.read_parquet(folder / "interactions.parquet").sort_values(["user_id", "pos"])
    films = pd.read_parquet(folder / "movies.parquet")
    extra = pd.read_parquet(folder / "movies_extra.parquet")[["movie_id", "plot"]]
    films = films.merge(extra, how="left", on="movie_id").fillna({"plot": ""})
    text = films.title + ". " + films.genres.str.replace("|", ", ") + ". " + films["plot"]
    return _interactions(rows.user_id, rows.movie_id, films.movie_id, text)


def read_anime_5k(folder: Path) -> Interactions:
    """Anime that a user watched; no times. Text: name, type, genres."""
    rows = pd.read_parquet(folder / "interactions.parquet")
    anime = pd.read_parquet(folder / "anime.parquet").fillna({"genre": "", "type": ""})
    return _interactions(
        rows.user_id, rows.anime_id, anime.anime_id, anime.name + ". " + anime.type + ". " + anime.genre
    )


def read_completejourney(folder: Path) -> Interactions:
    """Products that a household bought, by time (a 5 % sample). Text: type, category, brand, department."""
    rows = pd.read_parquet(folder / "transactions_sample.parquet").sort_values("transaction_timestamp", kind="stable")
    goods = pd.read_parquet(folder / "products.parquet")
    parts = [goods[c].fillna("") for c in ("product_type", "product_category", "brand", "department")]
    text = parts[0] + ". " + parts[1] + ". " + parts[2] + ". " + parts[3]
    return _interactions(rows.household_id, rows.product_id, goods.product_id, text)


SETS: dict[str, Callable[[Path], Interactions]] = {
    "ml_1m": read_ml_1m,
    "anime_5k": read_anime_5k,
    "completejourney": read_completejourney,
}


def _interactions(user: pd.Series, item: pd.Series, known: pd.Series, text: pd.Series) -> Interactions:
    texts = dict(zip(known.astype(int).tolist(), text.tolist(), strict=True))
    return Interactions(user.to_numpy(np.int64), item.to_numpy(np.int64), texts)
