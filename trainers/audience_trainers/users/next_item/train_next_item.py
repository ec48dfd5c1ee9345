"""Train a next-item model on a source into a run folder, judged leave-one-out beside popularity and item cosine.

run.json     first: settings, seed, source      training/      checkpoints, while it trains
model.pt     weights of the best epoch          next.parquet   user_id, and what they most likely do next, best first
metrics.json HR@10, NDCG@10, MRR with intervals, of validation and test, and of the floors
done         last
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from audience_trainers.named_run import check_out, finished_metrics, start_run
from audience_trainers.run import Progress, choose_device, seed_everything, silent
from audience_trainers.users.histories import Histories, read_histories
from audience_trainers.users.next_item.config import NextItemConfig
from audience_trainers.users.next_item.fit import fit_next_item, scorer
from audience_trainers.users.next_item.floors import item_cosine, popularity
from audience_trainers.users.next_item.models import Floats, NextItemModel
from audience_trainers.users.next_item.ranking import ROWS, Indices, judge, ranks
from audience_trainers.users.next_item.sequences import Sequences, ask, ask_ahead, sequences_of, users_of
from audience_trainers.users.source import open_folder
from audience_trainers.users.texts import encode_with
from audience_trainers.users.training import Trained, TrainOptions

KIND = "next-item"
Score = Callable[[Indices], Floats]


def train_next_item(
    source: Path,
    out: Path,
    *,
    config: NextItemConfig = NextItemConfig(),
    seed: int = 7,
    top: int = 10,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Train on the events of the folder `source`, write a run into `out`, and return its metrics.

    A run that was stopped goes on from its last whole epoch when data, settings and seed are the same; a finished one
    is returned as it is. Raises InputError for bad data, ConfigError when `out` holds something else.
    """
    check_out(out, KIND)
    with open_folder(source) as opened:
        histories = read_histories(opened)
    sequences = sequences_of(histories)
    key = _key(histories, config, seed, top)
    finished = finished_metrics(out, key)
    if finished is not None:
        return finished
    last = int(histories.time.max())
    run = start_run(out, KIND, key, config, seed=seed, last=last, told={"source": str(source)})
    seed_everything(seed)
    features = encode_with(None)(histories.texts) if config.texts else None
    (out / "training").mkdir(exist_ok=True)
    options = TrainOptions(seed, choose_device(config.device), out / "training", key, progress=progress)
    trained = fit_next_item(sequences, config, options, features=features)
    metrics = judged(trained, sequences, options.device)
    run.write_table("next", _next(trained.model, sequences, histories, top, options.device))
    kept = io.BytesIO()
    torch.save(trained.model.state_dict(), kept)
    run.write_bytes("model.pt", kept.getvalue())
    run.write_json("metrics", metrics)
    shutil.rmtree(out / "training")
    run.finish()
    return {"folder": str(out), **metrics}


def judged(trained: Trained[NextItemModel], sequences: Sequences, device: str) -> dict[str, Any]:
    """Return what a model reaches on validation and test, and the floors beside it."""
    found: dict[str, Any] = {"users": len(sequences), "items": sequences.items, "epochs": trained.curves[-1][0]}
    for split in ("valid", "test"):
        asked = ask(sequences, split, trained.model.config.width)
        rows: dict[str, Score] = {
            trained.model.config.kind: scorer(trained.model, asked, device),
            "item_cosine": item_cosine(asked, sequences.items),
            "popularity": popularity(asked, sequences.items),
        }
        found[split] = {
            name: {measure: value.to_dict() for measure, value in judge([ranks(asked, score)]).items()}
            for name, score in rows.items()
        }
    return found


def _next(model: NextItemModel, sequences: Sequences, histories: Histories, top: int, device: str) -> pa.Table:
    """Return for each user the `top` items that they have not had and that score best after all they had."""
    asked, ids = ask_ahead(sequences, model.config.width), users_of(histories)
    score, texts = scorer(model, asked, device), np.array(histories.texts, object)
    most = min(top, sequences.items)
    best: list[list[str]] = []
    for begin in range(0, len(sequences), ROWS):
        rows = np.arange(begin, min(begin + ROWS, len(sequences)))
        scores = score(rows)
        for place, row in enumerate(rows.tolist()):
            scores[place, asked.had[asked.had_start[row] : asked.had_start[row + 1]]] = -np.inf
        order = np.argsort(-scores, axis=1, kind="stable")[:, :most]
        new = np.isfinite(np.take_along_axis(scores, order, axis=1))
        best += [texts[own[keep]].tolist() for own, keep in zip(order, new, strict=True)]
    return pa.table({"user_id": pa.array(ids, pa.string()), "next": pa.array(best, pa.list_(pa.string()))})


def _key(histories: Histories, config: NextItemConfig, seed: int, top: int) -> str:
    digest = hashlib.sha256(json.dumps([asdict(config), seed, top, histories.texts, histories.user_ids]).encode())
    for part in (histories.start, histories.text, histories.source, histories.time):
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()
