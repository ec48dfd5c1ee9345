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
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from audience_graph.errors import ConfigError, RunError
from audience_trainers.run import Progress, RunFolder, choose_device, code_version, open_run, seed_everything, silent
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
    _check_out(out)
    with open_folder(source) as opened:
        histories = read_histories(opened)
    sequences = sequences_of(histories)
    key = _key(histories, config, seed, top)
    finished = _finished(out, key)
    if finished is not None:
        return finished
    run = _start(out, key, config, seed, int(histories.time.max()), str(source))
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


def _check_out(out: Path) -> None:
    if out.is_file():
        raise ConfigError(f"--out {out} is a file")
    if not out.is_dir() or not any(out.iterdir()):
        return
    try:
        kind = json.loads((out / "run.json").read_text(encoding="utf-8"))["kind"]
    except (OSError, ValueError, KeyError, TypeError):
        kind = None
    if kind != KIND:
        raise ConfigError(f"--out {out} holds other files", hint="name a new folder")


def _finished(out: Path, key: str) -> dict[str, Any] | None:
    try:
        run = open_run(out)
        if json.loads((out / "run.json").read_text(encoding="utf-8")).get("key") != key:
            return None
        return {"folder": str(out), **run.read_json("metrics")}
    except (RunError, OSError):
        return None  # not there, not finished or damaged: train it


def _start(out: Path, key: str, config: NextItemConfig, seed: int, last: int, source: str) -> RunFolder:
    """Write run.json and return the run, whose `done` is taken away until it is finished again."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "done").unlink(missing_ok=True)
    as_of = datetime.fromtimestamp(last, UTC)
    year, week, _ = as_of.isocalendar()
    run = RunFolder(out, out.name, KIND, f"{year}-W{week:02d}", as_of.date(), seed, asdict(config))
    head = {"run_id": run.run_id, "kind": run.kind, "week": run.week, "as_of": run.as_of.isoformat(), "seed": seed}
    started = datetime.now(UTC).isoformat()
    run.write_json("run", head | {"source": source, "key": key, "config": run.config, "started": started,
                                  "code_version": code_version()})  # fmt: skip
    return run
