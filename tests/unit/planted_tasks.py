"""A small folder in the input contract in which the past says who buys what next, with two tasks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

CUT = datetime(2024, 3, 1, tzinfo=UTC)
TASKS = """
note = "a planted sample"
domain = "marketing"
cut = 2024-03-01
horizon_days = 14

[[template]]
name = "{drink}_buyers"
sentence = "People who will buy {drink}."
truth = { channel = "purchase", text_contains = "{drink}", status = "ok" }
each = [{ drink = "coffee" }, { drink = "tea" }]
"""
_WORDS = {"coffee": ("roasted coffee beans", "an espresso machine"), "tea": ("green tea leaves", "a porcelain teapot")}


# A user model that is trained in a second.
TINY = (
    "behaviour.dims=16", "behaviour.heads=2", "behaviour.width=16", "tabular.dims=16", "tabular.heads=2",
    "tabular.layers=1", "tabular.generator_dims=8", "align.dims=64", "align.epochs=1", "pairs.windows.step_days=14",
)  # fmt: skip


def write_events(folder: Path, rows: list[dict[str, object]]) -> None:
    """Write events.parquet; a row needs user_id, time and channel."""
    empty: dict[str, object] = {"text": None, "items": None, "entity_ids": None, "status": None, "amount": None}
    frame = pd.DataFrame([empty | row for row in rows])
    frame["amount"] = frame["amount"].astype("float64")
    folder.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(folder / "events.parquet", index=False)


def write_planted(folder: Path, *, users: int = 240, seed: int = 5) -> Path:
    """Write events, users and tasks. Who drinks coffee is mostly over 50; who is busy buys more often."""
    rng = np.random.default_rng(seed)
    rows: list[dict[str, object]] = []
    people: list[dict[str, object]] = []
    for u in range(users):
        name, drink, busy = f"u{u:04d}", ("coffee", "tea")[u % 2], 1 + u % 5
        other = "tea" if drink == "coffee" else "coffee"
        for _ in range(2 * busy + 3):
            liked = drink if rng.random() < 0.85 else other
            text = _WORDS[liked][int(rng.integers(2))]
            when = CUT - timedelta(days=float(rng.uniform(0.1, 50)))
            rows.append({"user_id": name, "time": when, "channel": "visit", "text": text, "items": [text]})
        for liked in (drink, other):
            if rng.random() < (0.1 + 0.12 * busy if liked == drink else 0.04):
                when = CUT + timedelta(days=float(rng.uniform(0, 13.9)))
                rows.append({"user_id": name, "time": when, "channel": "purchase", "text": f"fresh {liked}",
                             "items": [f"a bag of {liked}"], "status": "ok", "amount": 5.0})  # fmt: skip
        if rng.random() < 0.5:
            when = CUT - timedelta(days=float(rng.uniform(1, 40)))
            rows.append({"user_id": name, "time": when, "channel": "purchase", "text": f"fresh {drink}",
                         "items": [f"a bag of {drink}"], "status": "ok", "amount": 4.0})  # fmt: skip
        age = int(rng.normal(60 if drink == "coffee" else 35, 10))
        people.append({"user_id": name, "as_of": CUT - timedelta(days=60), "age": age, "city": f"city {u % 3}"})
    write_events(folder, rows)
    pd.DataFrame(people).to_parquet(folder / "users.parquet", index=False)
    (folder / "tasks.toml").write_text(TASKS, encoding="utf-8")
    return folder
